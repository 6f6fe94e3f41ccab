// SPDX-License-Identifier: GPL-2.0-only
#include "native/unwind.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "native/cfi.h"
#include "native/die.h"
#include "native/insn.h"
#include "native/lines.h"
#include "native/module.h"
#include "native/tree.h"
#include "native/unwind_impl.h"

/* Addresses that are remembered, and those whose variables are; then all are forgotten. */
#define CACHE_MAX  32768
#define OPENED_MAX 4096
#define INLINE_MAX 64 /* copies inlined in each other */
#define STACK_SP   7  /* DWARF number of the stack pointer */

/* What one address means: the innermost inlined copy first, the function itself last. */
struct lp_unwind_named {
	struct lp_module *module;
	uint64_t vaddr;
	bool is_hidden; /* it was not looked for */
	struct lp_unwind_frame *frames;
	size_t n;
	struct lp_unwind_row *row; /* NULL: not looked for yet */
};

int lp_unwinder_new(struct lp_unwinder **ret, struct lp_err *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : lp_err_nomem(err);
}

void lp_unwinder_clear(struct lp_unwinder *u)
{
	lp_unwind_close(u);
	for (size_t i = 0; i < u->size; i++)
		if (u->slots[i].row)
			lp_unwind_row_done(u->slots[i].row);
	free(u->slots);
	u->slots = NULL;
	u->used = u->size = 0;
	lp_arena_reset(&u->arena);
}

void lp_unwinder_free(struct lp_unwinder *u)
{
	if (!u)
		return;
	lp_unwinder_clear(u);
	lp_arena_done(&u->arena);
	lp_vec_done(&u->regs);
	free(u);
}

static struct lp_unwind_named *slot_of(struct lp_unwind_named *slots, size_t size,
				       const struct lp_module *m, uint64_t vaddr)
{
	uint64_t hash = ((uint64_t)(uintptr_t)m ^ vaddr) * 0x9e3779b97f4a7c15u;

	for (size_t i = (hash >> 32) & (size - 1);; i = (i + 1) & (size - 1))
		if (!slots[i].module || (slots[i].module == m && slots[i].vaddr == vaddr))
			return &slots[i];
}

static bool grow(struct lp_unwinder *u)
{
	size_t size = u->size ? u->size * 2 : 256;
	struct lp_unwind_named *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < u->size; i++)
		if (u->slots[i].module)
			*slot_of(slots, size, u->slots[i].module, u->slots[i].vaddr) = u->slots[i];
	free(u->slots);
	u->slots = slots;
	u->size = size;
	return true;
}

/* Where an inlined copy was called. */
static void put_call_site(struct lp_module *m, uint64_t vaddr, Dwarf_Die *inlined,
			  struct lp_unwind_frame *caller)
{
	Dwarf_Attribute mem;
	Dwarf_Word file, line;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &mem), &line) == 0 &&
	    line <= INT32_MAX)
		caller->line = (int)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &mem), &file) == 0)
		caller->file = lp_module_file(m, vaddr, file);
}

/* The functions around an address, from the debug information. */
static size_t name_by_dwarf(struct lp_unwinder *u, struct lp_module *m, uint64_t vaddr,
			    struct lp_unwind_frame *ret)
{
	struct lp_unit *unit = lp_module_dwarf(m) ? lp_unit_find(m, vaddr) : NULL;
	struct lp_func_tree *t = unit ? lp_unit_tree(m, unit) : NULL;
	size_t n = 0;

	if (!t)
		return 0;
	lp_module_line_at(m, vaddr, false, &ret[0].file, &ret[0].line);

	uint32_t id = lp_func_tree_at(t, vaddr);
	while (id != LP_FUNC_TREE_NO_NODE && n < INLINE_MAX) {
		const struct lp_func_tree_node *node = &t->nodes.data[id];
		Dwarf_Die die;

		if (!dwarf_offdie(m->dwarf, node->die, &die))
			break;
		ret[n].function = lp_die_qualified_name(m, &die);
		ret[n].inlined = node->inlined;
		ret[n].vars = lp_arena_alloc(&u->arena, sizeof(*ret[n].vars));
		if (ret[n].vars)
			*ret[n].vars =
				(struct lp_unwind_vars){ .place = { .function_die = node->die } };
		n++;
		if (node->inlined && n < INLINE_MAX)
			put_call_site(m, vaddr, &die, &ret[n]);
		id = node->parent;
	}
	return n;
}

static bool put_name(struct lp_unwinder *u, bool is_hidden, struct lp_unwind_named *slot)
{
	struct lp_unwind_frame frames[INLINE_MAX] = { 0 };
	struct lp_module *m = slot->module;
	const uint64_t vaddr = slot->vaddr;
	uint64_t offset;

	size_t n = is_hidden ? 1 : name_by_dwarf(u, m, vaddr, frames);
	if (!n) {
		n = 1;
		frames[0].function = lp_module_symbol(m, vaddr, &offset);
	}
	for (size_t i = 0; i < n; i++) {
		struct lp_unwind_frame *f = &frames[i];

		f->module = lp_module_path(m);
		if (!f->vars)
			continue;
		f->vars->module = m;
		f->vars->place = (struct lp_place){ .vaddr = vaddr,
						    .function = f->function,
						    .file = f->file,
						    .line = f->line,
						    .inlined = f->inlined,
						    .function_die = f->vars->place.function_die };
	}

	struct lp_unwind_frame *kept = lp_arena_dup(&u->arena, frames, n * sizeof(*frames));
	if (!kept)
		return false;
	slot->is_hidden = is_hidden;
	slot->frames = kept;
	slot->n = n;
	return true;
}

static struct lp_unwind_named *known_address(struct lp_unwinder *u, struct lp_module *m,
					     uint64_t vaddr)
{
	if (u->used * 2 >= u->size && !grow(u))
		return NULL;

	struct lp_unwind_named *slot = slot_of(u->slots, u->size, m, vaddr);
	if (!slot->module) {
		*slot = (struct lp_unwind_named){ .module = m, .vaddr = vaddr };
		u->used++;
	}
	return slot;
}

static const struct lp_unwind_named *name_address(struct lp_unwinder *u, struct lp_module *m,
						  uint64_t vaddr, bool is_hidden)
{
	struct lp_unwind_named *slot = known_address(u, m, vaddr);

	if (slot && (!slot->frames || (slot->is_hidden && !is_hidden)) &&
	    !put_name(u, is_hidden, slot))
		return NULL;
	return slot;
}

/* The len bytes at addr; NULL: not all of them are in the copy. */
static const char *stack_at(const struct lp_unwind_stack *s, uint64_t addr, size_t len)
{
	if (addr < s->start || addr - s->start > s->len || s->len - (addr - s->start) < len)
		return NULL;
	return (const char *)s->data + (addr - s->start);
}

static int read_stack(struct lp_memory *memory, uint64_t addr, void *buf, size_t len)
{
	const char *from = stack_at((const struct lp_unwind_stack *)memory, addr, len);

	if (!from)
		return -ENODATA;
	memcpy(buf, from, len);
	return 0;
}

static long read_stack_string(struct lp_memory *memory, uint64_t addr, char *buf, size_t max,
			      int *ret_cut)
{
	const struct lp_unwind_stack *s = (const struct lp_unwind_stack *)memory;
	const char *from = stack_at(s, addr, 1);

	if (!from)
		return -ENODATA;
	size_t room = s->len - (addr - s->start), n = strnlen(from, room);
	*ret_cut = n > max || n == room;
	n = n > max ? max : n;
	memcpy(buf, from, n);
	return (long)n;
}

static const struct lp_unwind_row *row_of(struct lp_unwinder *u, struct lp_module *m,
					  uint64_t vaddr)
{
	struct lp_unwind_named *slot = known_address(u, m, vaddr);

	if (slot && !slot->row) {
		slot->row = lp_arena_alloc(&u->arena, sizeof(*slot->row));
		if (slot->row)
			lp_unwind_row_init(slot->row, m, vaddr);
	}
	return slot ? slot->row : NULL;
}

/* A caller's frame lies above, as the stack grows down. */
static enum lp_unwind_result step(const struct lp_unwind_row *row, struct lp_unwind_stack *stack,
				  struct lp_unwind_regs *now)
{
	const struct lp_unwind_regs callee = *now;
	enum lp_unwind_result r = LP_UNWIND_LOST;

	if (row)
		r = lp_unwind_step(row, &callee, &stack->memory, now);
	if (r == LP_UNWIND_CALLER && !callee.exact &&
	    now->value[STACK_SP] <= callee.value[STACK_SP])
		r = LP_UNWIND_LOST;
	return r;
}

static size_t index_of(const struct lp_unwind_named *named, uint64_t die)
{
	for (size_t i = 0; die && i < named->n; i++)
		if (named->frames[i].vars && named->frames[i].vars->place.function_die == die)
			return i;
	return 0;
}

/* Appends the frames of one address; false: not all of them have room. */
static bool put_frames(const struct lp_unwind_named *named, size_t first, uint64_t addr,
		       size_t regs, struct lp_unwind_frame *ret, size_t max, size_t *n)
{
	for (size_t i = first; i < named->n; i++) {
		if (*n == max)
			return false;
		ret[*n] = named->frames[i];
		ret[*n].addr = addr;
		ret[(*n)++].regs = regs;
	}
	return true;
}

/* Where no code is, something has jumped to: the caller, if it is the call that is on top of the stack. */
static enum lp_unwind_result called(struct lp_unwinder *u, const struct lp_unwind_space *space,
				    struct lp_unwind_regs *now)
{
	uint64_t sp = now->value[STACK_SP], to, bias = 0;

	if (!now->exact || read_stack(&u->stack.memory, sp, &to, sizeof(to)) < 0)
		return LP_UNWIND_LOST;
	struct lp_module *m = space->find(space->arg, to - 1, &bias);
	if (!m || !lp_insn_returns_to(m, to - bias))
		return LP_UNWIND_LOST;
	now->value[LP_UNWIND_IP] = to;
	now->value[STACK_SP] = sp + sizeof(to);
	now->exact = false;
	return LP_UNWIND_CALLER;
}

size_t lp_unwind(struct lp_unwinder *u, const struct lp_unwind_space *space, const uint64_t *regs,
		 uint64_t sp, const void *stack, size_t len, struct lp_unwind_frame *ret,
		 size_t max, bool *ret_cut)
{
	struct lp_unwind_regs now = { .known = (1u << LP_MACH_REGS) - 1, .exact = true };
	enum lp_unwind_result r = LP_UNWIND_CALLER;
	size_t n = 0;

	if (u->used >= CACHE_MAX || u->n_opened >= OPENED_MAX)
		lp_unwinder_clear(u);
	u->stack = (struct lp_unwind_stack){
		.memory = { read_stack, read_stack_string }, .start = sp, .data = stack, .len = len
	};
	u->regs.len = 0;
	u->sp = regs[STACK_SP];
	memcpy(now.value, regs, sizeof(now.value));
	while (n < max && r == LP_UNWIND_CALLER) {
		uint64_t addr = now.value[LP_UNWIND_IP], at = addr - !now.exact, bias = 0;
		struct lp_module *m = space->find(space->arg, at, &bias);
		const struct lp_unwind_row *row = m ? row_of(u, m, at - bias) : NULL;

		/* nobody calls the code that a handler of a signal returns to */
		if (row && row->cfi.is_signal)
			at = addr;
		bool hidden = m && (!now.exact || space->asks_first) && space->is_hidden &&
			      space->is_hidden(space->arg, at);
		const struct lp_unwind_named *named =
			m ? name_address(u, m, at - bias, hidden) : NULL;

		if (!named || lp_vec_push(&u->regs, now) < 0) {
			ret[n++] = (struct lp_unwind_frame){ .addr = addr };
			r = m ? LP_UNWIND_LOST : called(u, space, &now);
		} else if (!put_frames(named, n ? 0 : index_of(named, space->within), addr,
				       u->regs.len - 1, ret, max, &n)) {
			r = LP_UNWIND_LOST;
		} else {
			r = step(row, &u->stack, &now);
		}
	}
	*ret_cut = r != LP_UNWIND_OUTER;
	return n;
}
