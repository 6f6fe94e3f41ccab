// SPDX-License-Identifier: GPL-2.0-only
/* The variables of a frame, from its registers and the copy of the stack. */
#include <errno.h>
#include <string.h>

#include "native/unwind_impl.h"

struct gathering {
	struct lp_unwinder *u;
	const struct lp_unwind_regs *regs;
	struct lp_reader reader;
	bool (*redacted)(void *arg, const char *name);
	void *redacted_arg;
};

static void put_hole(struct lp_unwind_bytes *b, size_t len, enum lp_status why)
{
	if (b->n_holes < LP_UNWIND_HOLES_MAX)
		b->holes[b->n_holes++] = (struct lp_hole){ b->len, len, why };
	b->len += len;
}

static bool is_known(const struct gathering *g, uint8_t reg)
{
	return reg < LP_MACH_REGS && g->regs->known & 1u << reg;
}

/* len bytes of a location, `skip` bytes in. */
static void put_bytes(struct gathering *g, const struct lp_loc *loc, uint64_t skip, size_t len,
		      struct lp_unwind_bytes *b)
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

static void put_pieces(struct gathering *g, const struct lp_loc *loc, struct lp_unwind_bytes *b)
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

static void read_variable(struct gathering *g, const struct lp_unwind_var *v, struct lp_value *ret)
{
	struct lp_unwind_bytes *b = &g->u->bytes;

	if (!v->is_located) {
		lp_status_text(LP_ST_UNAVAILABLE, 0, g->reader.arena, ret);
		return;
	}
	b->len = b->n_holes = 0;
	b->want = v->size;
	b->addr = b->unreadable = 0;
	b->not_copied = false;
	if (v->loc.kind == LP_LOC_PIECES)
		put_pieces(g, &v->loc, b);
	else
		put_bytes(g, &v->loc, 0, b->want, b);
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
		lp_read_value(&g->reader, v->var.type, &bytes, ret);
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

static void read_local(struct gathering *g, const struct lp_unwind_var *v, struct lp_named *ret)
{
	*ret = (struct lp_named){ .name = lp_arena_strdup(g->reader.arena, v->var.name) };
	if (g->redacted && g->redacted(g->redacted_arg, v->var.name)) {
		lp_status_text(LP_ST_REDACTED, 0, g->reader.arena, &ret->value);
		return;
	}
	read_variable(g, v, &ret->value);
	if (g->redacted)
		redact_members(g, &ret->value);
}

/* --- what is the same each time --- */

struct finding {
	struct lp_unwind_vars *vars;
	struct lp_emit emit;
	LP_VEC(struct lp_unwind_var) all;
};

static int add_variable(const struct lp_var *v, void *arg)
{
	struct finding *f = arg;
	struct lp_scope *scope = f->vars->scope;
	struct lp_unwind_var made = { .var = *v };

	if (!v->name || v->kind == LP_VAR_CONSTANT)
		return 0;

	const struct lp_type *t = lp_type_strip(v->type);
	lp_type_complete(t, NULL);
	made.size = t->size < LP_UNWIND_BYTES_MAX ? t->size : LP_UNWIND_BYTES_MAX;
	made.is_located = scope->ops->locate(scope, &made.var, &f->emit, &made.loc, NULL) >= 0;
	/* code would have to run in the process; nothing that it holds is used */
	f->emit.code.len = 0;
	f->emit.regs = 0;
	return lp_vec_push(&f->all, made);
}

static void find_variables(struct lp_unwinder *u, struct lp_unwind_vars *vars)
{
	struct finding f = { .vars = vars };

	if (lp_scope_open(vars->module, &vars->place, LP_SCOPE_FRAME, &vars->scope, NULL) < 0)
		return;
	vars->next = u->opened;
	u->opened = vars;
	u->n_opened++;
	vars->scope->ops->each(vars->scope, LP_EACH_ARGUMENTS | LP_EACH_LOCALS, add_variable, &f);
	vars->all = lp_arena_dup(&u->arena, f.all.data, f.all.len * sizeof(*vars->all));
	vars->n = vars->all ? f.all.len : 0;
	lp_vec_done(&f.all);
	lp_emit_done(&f.emit);
}

void lp_unwind_close(struct lp_unwinder *u)
{
	for (struct lp_unwind_vars *v = u->opened; v; v = v->next)
		lp_scope_free(v->scope);
	u->opened = NULL;
	u->n_opened = 0;
}

size_t lp_unwind_locals(struct lp_unwinder *u, const struct lp_unwind_frame *f,
			const struct lp_reader *reader,
			bool (*redacted)(void *arg, const char *name), void *redacted_arg,
			struct lp_named **ret)
{
	struct lp_unwind_vars *vars = f->vars;

	if (!vars || f->regs >= u->regs.len)
		return 0;
	if (!vars->scope)
		find_variables(u, vars);

	struct gathering g = { .u = u,
			       .regs = &u->regs.data[f->regs],
			       .reader = *reader,
			       .redacted = redacted,
			       .redacted_arg = redacted_arg };
	g.reader.memory = &u->stack.memory;
	*ret = lp_arena_alloc(reader->arena, (vars->n + 1) * sizeof(**ret));
	if (!*ret)
		return 0;
	for (size_t i = 0; i < vars->n; i++) {
		read_local(&g, &vars->all[i], &(*ret)[i]);
		if (!(*ret)[i].name)
			return i;
	}
	return vars->n;
}
