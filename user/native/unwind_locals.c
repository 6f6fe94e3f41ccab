// SPDX-License-Identifier: GPL-2.0-only
/* The variables of a frame, from its registers and the copy of the stack. */
#include <errno.h>
#include <string.h>

#include "native/unwind_impl.h"

#define BYTES_MAX 16384u /* of one variable */
#define HOLES_MAX 32

struct gathering {
	struct lp_unwinder *u;
	const struct lp_unwind_regs *regs;
	struct lp_reader reader;
	bool (*redacted)(void *arg, const char *name);
	void *redacted_arg;
	struct lp_scope *scope;
	struct lp_emit emit;
	LP_VEC(struct lp_named) locals;
};

/* The bytes of one variable as they come together. */
struct bytes {
	char data[BYTES_MAX];
	size_t len, want;
	uint64_t addr;
	struct lp_hole holes[HOLES_MAX];
	size_t n_holes;
	bool not_copied;     /* in memory that is not in the copy */
	uint64_t unreadable; /* of which this could not be read; 0: it was not tried */
};

static void put_hole(struct bytes *b, size_t len, enum lp_status why)
{
	if (b->n_holes < HOLES_MAX)
		b->holes[b->n_holes++] = (struct lp_hole){ b->len, len, why };
	b->len += len;
}

static bool is_known(const struct gathering *g, uint8_t reg)
{
	return reg < LP_MACH_REGS && g->regs->known & 1u << reg;
}

/* len bytes of a location, `skip` bytes in. */
static void put_bytes(struct gathering *g, const struct lp_loc *loc, uint64_t skip, size_t len,
		      struct bytes *b)
{
	struct lp_memory *memory = &g->u->stack.memory;
	uint64_t addr;

	switch (loc->kind) {
	case LP_LOC_MEM_MACH:
		addr = g->regs->value[loc->reg] + (uint64_t)loc->disp + skip;
		if (!is_known(g, loc->reg)) {
			put_hole(b, len, LP_ST_OPTIMIZED_OUT);
		} else if (memory->read(memory, addr, b->data + b->len, len) < 0) {
			b->not_copied = true;
			if (addr >= g->u->sp && addr < g->u->stack.start)
				b->unreadable = addr;
			put_hole(b, len, LP_ST_UNAVAILABLE);
		} else {
			b->addr = addr;
			b->len += len;
		}
		break;
	case LP_LOC_VALUE_MACH:
		if (!is_known(g, loc->reg) || skip + len > sizeof(g->regs->value[0])) {
			put_hole(b, len, LP_ST_OPTIMIZED_OUT);
			break;
		}
		memcpy(b->data + b->len, (const char *)&g->regs->value[loc->reg] + skip, len);
		b->len += len;
		break;
	case LP_LOC_CONST:
		if (skip + len > loc->len) {
			put_hole(b, len, LP_ST_OPTIMIZED_OUT);
			break;
		}
		memcpy(b->data + b->len, (const char *)loc->bytes + skip, len);
		b->len += len;
		break;
	case LP_LOC_NONE:
		put_hole(b, len, loc->why);
		break;
	case LP_LOC_POINTEE:
		put_hole(b, len, LP_ST_OPTIMIZED_OUT);
		break;
	default:
		put_hole(b, len, LP_ST_UNAVAILABLE);
	}
}

static void put_pieces(struct gathering *g, const struct lp_loc *loc, struct bytes *b)
{
	for (size_t i = 0; i < loc->n_pieces && b->len < b->want; i++) {
		const struct lp_piece *p = &loc->pieces[i];
		size_t len = p->bit_size / 8, left = b->want - b->len;

		if (p->bit_size % 8 || p->bit_offset % 8) {
			put_hole(b, left, LP_ST_UNAVAILABLE);
			return;
		}
		put_bytes(g, &p->loc, p->bit_offset / 8, len < left ? len : left, b);
	}
	if (b->len < b->want)
		put_hole(b, b->want - b->len, LP_ST_OPTIMIZED_OUT);
	b->addr = 0;
}

static void put_error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why };
}

static void read_variable(struct gathering *g, const struct lp_var *v, struct bytes *b,
			  struct lp_value *ret)
{
	const struct lp_type *t = lp_type_strip(v->type);
	struct lp_loc loc;

	lp_type_complete(t, NULL);
	*b = (struct bytes){ .want = t->size < BYTES_MAX ? t->size : BYTES_MAX };
	if (g->scope->ops->locate(g->scope, v, &g->emit, &loc, NULL) < 0) {
		lp_status_text(LP_ST_UNAVAILABLE, 0, g->reader.arena, ret);
		return;
	}
	/* code would have to run in the process; nothing that it holds is used */
	g->emit.code.len = 0;
	g->emit.regs = 0;

	if (loc.kind == LP_LOC_PIECES)
		put_pieces(g, &loc, b);
	else
		put_bytes(g, &loc, 0, b->want, b);
	if (b->n_holes == 1 && b->holes[0].len == b->want) {
		if (b->unreadable)
			lp_status_text(LP_ST_UNREADABLE, b->unreadable, g->reader.arena, ret);
		else if (b->not_copied)
			put_error(ret, "not copied");
		else
			lp_status_text(b->holes[0].status, 0, g->reader.arena, ret);
		return;
	}

	struct lp_bytes bytes = { .data = lp_arena_dup(g->reader.arena, b->data, b->len),
				  .len = b->len,
				  .addr = b->addr,
				  .holes = b->holes,
				  .n_holes = b->n_holes };
	if (bytes.data)
		lp_read_value(&g->reader, v->type, &bytes, ret);
	else
		put_error(ret, "out of memory");
}

static void redact_members(struct gathering *g, struct lp_value *v)
{
	if (v->kind < LP_VAL_LIST || v->kind > LP_VAL_STRUCT)
		return;
	for (size_t i = 0; i < v->len; i++) {
		struct lp_value *item = &v->items[i];

		if (item->name && g->redacted(g->redacted_arg, item->name)) {
			const char *name = item->name;
			lp_status_text(LP_ST_REDACTED, 0, g->reader.arena, item);
			item->name = name;
		} else {
			redact_members(g, item);
		}
	}
}

static int add_local(const struct lp_var *v, void *arg)
{
	struct gathering *g = arg;
	struct lp_named local = { 0 };

	if (!v->name || v->kind == LP_VAR_CONSTANT)
		return 0;
	local.name = lp_arena_strdup(g->reader.arena, v->name);
	if (!local.name)
		return -ENOMEM;
	if (g->redacted && g->redacted(g->redacted_arg, v->name)) {
		lp_status_text(LP_ST_REDACTED, 0, g->reader.arena, &local.value);
	} else {
		struct bytes *b = malloc(sizeof(*b));
		if (!b)
			return -ENOMEM;
		read_variable(g, v, b, &local.value);
		free(b);
		if (g->redacted)
			redact_members(g, &local.value);
	}
	return lp_vec_push(&g->locals, local);
}

size_t lp_unwind_locals(struct lp_unwinder *u, const struct lp_unwind_frame *f,
			const struct lp_reader *reader,
			bool (*redacted)(void *arg, const char *name), void *redacted_arg,
			struct lp_named **ret)
{
	const struct lp_place place = { .vaddr = f->vaddr,
					.function = f->function,
					.file = f->file,
					.line = f->line,
					.inlined = f->inlined,
					.function_die = f->die };
	lp_auto(lp_scope_free) struct lp_scope *scope = NULL;
	size_t n = 0;

	if (!f->die || f->regs >= u->regs.len ||
	    lp_scope_open(f->in, &place, LP_SCOPE_FRAME, &scope, NULL) < 0)
		return 0;

	struct gathering g = { .u = u,
			       .regs = &u->regs.data[f->regs],
			       .reader = *reader,
			       .redacted = redacted,
			       .redacted_arg = redacted_arg,
			       .scope = scope };
	g.reader.memory = &u->stack.memory;
	scope->ops->each(scope, LP_EACH_ARGUMENTS | LP_EACH_LOCALS, add_local, &g);
	*ret = lp_arena_dup(reader->arena, g.locals.data, g.locals.len * sizeof(**ret));
	if (*ret)
		n = g.locals.len;
	lp_vec_done(&g.locals);
	lp_emit_done(&g.emit);
	return n;
}
