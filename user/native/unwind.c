// SPDX-License-Identifier: GPL-2.0-only
#include "native/unwind.h"

#include <dwarf.h>
#include <libiberty/demangle.h>
#include <string.h>

#include "native/cfi.h"
#include "native/module.h"
#include "native/unwind_step.h"

#define CACHE_MAX  65536 /* addresses whose names are remembered; then all are forgotten */
#define INLINE_MAX 64	 /* copies inlined in each other */
#define STACK_SP   7	 /* DWARF number of the stack pointer */

/* What one address means: the innermost inlined copy first, the function itself last. */
struct named {
	struct lp_module *module;
	uint64_t vaddr;
	struct lp_unwind_frame *frames;
	size_t n;
};

struct lp_unwinder {
	struct lp_arena arena;
	struct named *slots; /* open addressing; module NULL: free */
	size_t used, size;   /* size: a power of two */
};

int lp_unwinder_new(struct lp_unwinder **ret, struct lp_err *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : lp_err_nomem(err);
}

void lp_unwinder_clear(struct lp_unwinder *u)
{
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
	free(u);
}

static struct named *slot_of(struct named *slots, size_t size, const struct lp_module *m,
			     uint64_t vaddr)
{
	uint64_t hash = ((uint64_t)(uintptr_t)m ^ vaddr) * 0x9e3779b97f4a7c15u;

	for (size_t i = (hash >> 32) & (size - 1);; i = (i + 1) & (size - 1))
		if (!slots[i].module || (slots[i].module == m && slots[i].vaddr == vaddr))
			return &slots[i];
}

static bool grow(struct lp_unwinder *u)
{
	size_t size = u->size ? u->size * 2 : 256;
	struct named *slots = calloc(size, sizeof(*slots));

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

/* "ns::Cls::method" of a subprogram or inlined copy. */
static const char *die_name(struct lp_unwinder *u, Dwarf_Die *die)
{
	Dwarf_Attribute mem;
	Dwarf_Attribute *attr = dwarf_attr_integrate(die, DW_AT_linkage_name, &mem);
	const char *linkage = attr ? dwarf_formstring(attr) : NULL;
	lp_auto(lp_free) char *readable =
		linkage ? cplus_demangle(linkage, DMGL_AUTO | DMGL_ANSI) : NULL;

	return readable ? lp_arena_strdup(&u->arena, readable) : dwarf_diename(die);
}

/* Where an inlined copy was called. */
static void put_call_site(Dwarf_Die *cu, Dwarf_Die *inlined, struct lp_unwind_frame *caller)
{
	Dwarf_Attribute mem;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n_files;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &mem), &line) == 0 &&
	    line <= INT32_MAX)
		caller->line = (int)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &mem), &file) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &n_files) == 0 && file < n_files)
		caller->file = dwarf_filesrc(files, file, NULL, NULL);
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* The functions around an address, from the debug information. */
static size_t name_by_dwarf(struct lp_unwinder *u, struct lp_module *m, uint64_t vaddr,
			    struct lp_unwind_frame *ret)
{
	lp_auto(lp_free) Dwarf_Die *scopes = NULL;
	lp_auto(lp_free) Dwarf_Die *around = NULL;
	Dwarf_Die cu, *chain;
	size_t n = 0;

	if (!lp_module_dwarf(m) || lp_module_cu_at(m, vaddr, &cu) < 0)
		return 0;

	Dwarf_Line *line = dwarf_getsrc_die(&cu, vaddr);
	if (line) {
		dwarf_lineno(line, &ret[0].line);
		ret[0].file = dwarf_linesrc(line, NULL, NULL);
	}

	/* beyond an inlined copy dwarf_getscopes() goes on in its definition, not in its caller */
	int n_chain = dwarf_getscopes(&cu, vaddr, &scopes), first = 0;
	while (first < n_chain && !is_function(&scopes[first]))
		first++;
	if (first >= n_chain)
		return 0;
	n_chain = dwarf_getscopes_die(&scopes[first], &around);
	chain = around;

	for (int i = 0; i < n_chain && n < INLINE_MAX; i++) {
		if (!is_function(&chain[i]))
			continue;
		ret[n].function = die_name(u, &chain[i]);
		ret[n].inlined = dwarf_tag(&chain[i]) == DW_TAG_inlined_subroutine;
		if (!ret[n++].inlined)
			break;
		if (n < INLINE_MAX)
			put_call_site(&cu, &chain[i], &ret[n]);
	}
	return n;
}

static const struct named *name_address(struct lp_unwinder *u, struct lp_module *m, uint64_t vaddr)
{
	struct lp_unwind_frame frames[INLINE_MAX] = { 0 };
	uint64_t offset;

	if (u->used * 2 >= u->size && !grow(u))
		return NULL;
	struct named *slot = slot_of(u->slots, u->size, m, vaddr);
	if (slot->module)
		return slot;

	size_t n = name_by_dwarf(u, m, vaddr, frames);
	if (!n) {
		n = 1;
		frames[0].function = lp_module_symbol(m, vaddr, &offset);
	}
	for (size_t i = 0; i < n; i++)
		frames[i].module = lp_module_path(m);

	struct lp_unwind_frame *kept = lp_arena_dup(&u->arena, frames, n * sizeof(*frames));
	if (!kept)
		return NULL;
	*slot = (struct named){ m, vaddr, kept, n };
	u->used++;
	return slot;
}

/* The copy of the stack. */
struct stack {
	struct lp_memory memory;
	uint64_t start;
	const void *data;
	size_t len;
};

static int read_stack(struct lp_memory *memory, uint64_t addr, void *buf, size_t len)
{
	const struct stack *s = (const struct stack *)memory;

	if (addr < s->start || addr - s->start > s->len || s->len - (addr - s->start) < len)
		return -EFAULT;
	memcpy(buf, (const char *)s->data + (addr - s->start), len);
	return 0;
}

static enum lp_unwind_result step(struct lp_module *m, uint64_t vaddr, struct stack *stack,
				  const struct lp_unwind_regs *regs, struct lp_unwind_regs *ret)
{
	lp_auto(lp_cfi_done) struct lp_cfi cfi = { 0 };

	if (lp_cfi_at(m, vaddr, &cfi) < 0)
		return LP_UNWIND_LOST;
	return lp_unwind_step(cfi.frame, regs, &stack->memory, ret);
}

/* Appends the frames of one address; false: not all of them have room. */
static bool put_frames(const struct named *named, uint64_t addr, struct lp_unwind_frame *ret,
		       size_t max, size_t *n)
{
	for (size_t i = 0; i < named->n; i++) {
		if (*n == max)
			return false;
		ret[*n] = named->frames[i];
		ret[(*n)++].addr = addr;
	}
	return true;
}

size_t lp_unwind(struct lp_unwinder *u, const struct lp_unwind_space *space, const uint64_t *regs,
		 uint64_t sp, const void *stack, size_t len, struct lp_unwind_frame *ret,
		 size_t max, bool *ret_cut)
{
	struct stack copy = { .memory.read = read_stack, .start = sp, .data = stack, .len = len };
	struct lp_unwind_regs now = { .known = (1u << LP_MACH_REGS) - 1, .exact = true }, caller;
	enum lp_unwind_result r = LP_UNWIND_CALLER;
	size_t n = 0;

	if (u->used >= CACHE_MAX)
		lp_unwinder_clear(u);
	memcpy(now.value, regs, sizeof(now.value));
	while (n < max && r == LP_UNWIND_CALLER) {
		uint64_t addr = now.value[LP_UNWIND_IP], at = addr - !now.exact, bias = 0;
		struct lp_module *m = space->find(space->arg, at, &bias);
		const struct named *named = m ? name_address(u, m, at - bias) : NULL;

		if (!named) {
			ret[n++] = (struct lp_unwind_frame){ .addr = addr };
			r = LP_UNWIND_LOST;
		} else if (!put_frames(named, addr, ret, max, &n)) {
			r = LP_UNWIND_LOST;
		} else {
			r = step(m, at - bias, &copy, &now, &caller);
			/* the stack grows down: a caller's frame lies above */
			if (r == LP_UNWIND_CALLER && !now.exact &&
			    caller.value[STACK_SP] <= now.value[STACK_SP])
				r = LP_UNWIND_LOST;
			now = caller;
		}
	}
	*ret_cut = r != LP_UNWIND_OUTER;
	return n;
}
