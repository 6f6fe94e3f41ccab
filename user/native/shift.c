// SPDX-License-Identifier: GPL-2.0-only
#include "native/shift.h"

#include <errno.h>
#include <string.h>

#include "native/arrive.h"
#include "native/cfi.h"
#include "native/effect.h"
#include "native/place.h"

#define INSN_MAX 15	 /* bytes of an instruction */
#define FAR_OFF	 0x10000 /* bytes around rsp and rbp that are taken to be the stack's */
#define RED_ZONE 128
#define SP_MAX	 INT16_MAX /* of what is to be added to the stack pointer: struct lp_site */

struct window {
	const struct lp_shift_text *code;
	const struct lp_shift_query *q;
	struct lp_effect in[2 * LP_SHIFT_MAX + 1];
	size_t n, at; /* in[at] is the query's */
	bool has_frame;
	bool must_move; /* no probe can be where it is meant, nor before */
};

static bool is_arrival(const struct lp_shift_text *c, uint64_t vaddr)
{
	return c->n_arrivals > 0 &&
	       bsearch(&vaddr, c->arrivals, c->n_arrivals, sizeof(*c->arrivals), lp_compare_u64);
}

static bool can_fail(const struct window *w, const struct lp_effect *e)
{
	const int64_t lowest = e->stores && e->sp < 0 ? -8 : -RED_ZONE;

	switch (e->at) {
	case LP_OPERAND_NONE:
		return false;
	case LP_OPERAND_STACK:
		return e->offset < lowest || e->offset > FAR_OFF;
	case LP_OPERAND_FRAME:
		return !w->has_frame || e->offset < -FAR_OFF || e->offset > FAR_OFF;
	case LP_OPERAND_GLOBAL:
		return !w->code->is_image ||
		       !w->code->is_image(w->code->arg, (uint64_t)e->offset, e->len, e->stores);
	case LP_OPERAND_THREAD:
		return e->offset < -FAR_OFF || e->offset > FAR_OFF;
	case LP_OPERAND_ANYWHERE:
		break;
	}
	return true;
}

/* Memory that other threads can know of, and that changes. */
static bool is_shared(const struct window *w, const struct lp_effect *e)
{
	const struct lp_shift_text *c = w->code;
	const uint64_t vaddr = (uint64_t)e->offset;
	const bool kept = e->addr < c->kept_until;

	switch (e->at) {
	case LP_OPERAND_NONE:
		return false;
	case LP_OPERAND_STACK:
		return !e->sp && !kept;
	case LP_OPERAND_FRAME:
		return !kept || !w->has_frame;
	case LP_OPERAND_GLOBAL:
		return !c->is_image || c->is_image(c->arg, vaddr, e->len, true) ||
		       !c->is_image(c->arg, vaddr, e->len, false);
	case LP_OPERAND_THREAD:
		/* below are variables, whose addresses can be given away */
		return e->offset < 0;
	case LP_OPERAND_ANYWHERE:
		break;
	}
	return true;
}

/* Is what it stores read? sp: its stack pointer, less that at the query's address. */
static bool spoils_memory(const struct window *w, const struct lp_effect *e, int64_t sp)
{
	const struct lp_reads *reads = w->q->reads;
	const uint8_t reg = e->at == LP_OPERAND_STACK ? LP_MACHINE_STACK : LP_MACHINE_FRAME;
	const int64_t start = e->offset + (e->at == LP_OPERAND_STACK ? sp : 0);

	if (!e->stores)
		return false;
	if (reads->memory)
		return true;
	for (size_t i = 0; i < reads->n_at; i++) {
		const struct lp_read *r = &reads->at[i];

		if ((e->at != LP_OPERAND_STACK && e->at != LP_OPERAND_FRAME) || r->reg != reg)
			return true;
		if (start < r->offset + (int64_t)r->len && r->offset < start + (int64_t)e->len)
			return true;
	}
	return false;
}

enum way {
	BACK,
	AHEAD,
	COVERED /* ahead; whether it fails is no matter, as the hit is taken there */
};

static bool can_pass(const struct window *w, const struct lp_effect *e, int64_t sp, enum way way)
{
	const uint32_t stack = 1u << LP_MACHINE_STACK;
	const uint32_t kept = w->q->reads->regs & ~(1u << LP_MACHINE_IP);

	if (!e->passes || (e->writes & (kept | stack)))
		return false;
	if (w->q->keeps_stack && e->sp)
		return false;
	if (way != COVERED && (e->traps || can_fail(w, e)))
		return false;
	if ((way == BACK ? e->loads : e->stores) && is_shared(w, e) &&
	    !(w->must_move && e == &w->in[w->at]))
		return false;
	return !(e->stores && can_fail(w, e)) && !spoils_memory(w, e, sp);
}

static bool is_emulated(const struct lp_shift_query *q, enum lp_form form)
{
	return form < LP_FORM_COUNT && (q->emulated & LP_FORM_BIT(form));
}

/* Lower is better. */
enum rank { EMULATED, STEPPED, REFUSED, NOWHERE };

static enum rank rank(const struct window *w, const struct lp_effect *e)
{
	if (e->form == LP_FORM_REFUSED)
		return REFUSED;
	return is_emulated(w->q, e->form) ? EMULATED : STEPPED;
}

static bool take_better(const struct window *w, const struct lp_effect *e, int64_t sp,
			enum rank *best, struct lp_shift *ret)
{
	const enum rank r = rank(w, e);

	if (r < *best) {
		*best = r;
		*ret = (struct lp_shift){ .vaddr = e->addr,
					  .form = e->form,
					  .ip = (int32_t)(w->q->vaddr - e->addr),
					  .sp = (int32_t)-sp };
	}
	return *best == EMULATED;
}

static void look_ahead(struct window *w, enum way way, enum rank *best, struct lp_shift *ret)
{
	const bool has_frame = w->has_frame;
	struct lp_shift_step passed[LP_SHIFT_MAX];
	size_t n = 0;
	int64_t sp = 0;

	for (size_t i = w->at; i + 1 < w->n && n < LP_SHIFT_MAX; i++) {
		const struct lp_effect *e = &w->in[i], *next = &w->in[i + 1];

		if (!can_pass(w, e, sp, way) || next->addr >= w->q->to ||
		    is_arrival(w->code, next->addr))
			break;
		if (way == COVERED && next->addr - w->q->vaddr > LP_WINDOW_MAX)
			break;
		passed[n++] = (struct lp_shift_step){
			.at = (uint8_t)(e->addr - w->q->vaddr),
			.sp = (int16_t)-sp,
		};
		sp += e->sp;
		if (sp < -SP_MAX || sp > SP_MAX)
			break;
		w->has_frame = w->has_frame && !(e->writes & 1u << LP_MACHINE_FRAME);
		if (way == COVERED && rank(w, next) > EMULATED)
			continue;
		if (!take_better(w, next, sp, best, ret))
			continue;
		if (way == COVERED) {
			memcpy(ret->passed, passed, n * sizeof(*passed));
			ret->n_passed = (uint8_t)n;
		}
		break;
	}
	w->has_frame = has_frame;
}

static void look_back(struct window *w, enum rank *best, struct lp_shift *ret)
{
	int64_t sp = 0;

	for (size_t i = w->at; i > 0; i--) {
		const struct lp_effect *e = &w->in[i - 1];

		if (e->addr <= w->q->from || is_arrival(w->code, w->in[i].addr))
			break;
		sp -= e->sp;
		if (sp < -SP_MAX || sp > SP_MAX || (e->writes & 1u << LP_MACHINE_FRAME) ||
		    !can_pass(w, e, sp, BACK) || take_better(w, e, sp, best, ret))
			break;
	}
}

void lp_shift_choose(const struct lp_shift_text *code, const struct lp_shift_query *q,
		     struct lp_shift *ret)
{
	struct window w = { .code = code, .q = q, .has_frame = code->has_frame };
	enum rank best = NOWHERE;

	w.n = lp_effects_decode(code->bytes, code->len, code->vaddr, w.in, LP_ARRAY_SIZE(w.in));
	while (w.at < w.n && w.in[w.at].addr != q->vaddr)
		w.at++;
	*ret = (struct lp_shift){ .vaddr = q->vaddr, .form = LP_FORM_OTHER };
	if (w.at == w.n || take_better(&w, &w.in[w.at], 0, &best, ret))
		return;
	look_ahead(&w, AHEAD, &best, ret);
	if (best > EMULATED)
		look_back(&w, &best, ret);
	if (best > EMULATED && q->may_fail)
		look_ahead(&w, COVERED, &best, ret);
	w.must_move = best == REFUSED;
	if (w.must_move)
		look_ahead(&w, AHEAD, &best, ret);
}

/* Those that functions keep, and the one that the frame is found by. */
uint32_t lp_shift_stack_regs(struct lp_module *m, uint64_t vaddr)
{
	static const uint8_t kept[] = { 3, 6, 7, 12, 13, 14, 15, 16 };
	uint32_t regs = 0;
	unsigned int reg;
	int64_t off;

	if (!lp_cfi_simple(m, vaddr, &reg, &off) || reg > LP_MACHINE_IP)
		return UINT32_MAX;
	for (size_t i = 0; i < LP_ARRAY_SIZE(kept); i++)
		regs |= 1u << kept[i];
	return regs | 1u << reg;
}

/* A few instructions before an address, at most: where the first of them begins. */
static uint64_t window_start(const struct lp_flow *f, uint64_t vaddr)
{
	const struct lp_instr *in = lp_flow_at(f, vaddr);

	if (!in)
		return vaddr;
	for (size_t i = 0; i < LP_SHIFT_MAX && in > f->insns.data; i++) {
		if (in[-1].kind == LP_INSTR_BAD)
			break;
		in--;
	}
	return in->addr;
}

static bool is_segment(const GElf_Phdr *ph, uint32_t type, uint64_t vaddr, uint32_t len)
{
	return ph->p_type == type && vaddr >= ph->p_vaddr && len <= ph->p_memsz &&
	       vaddr - ph->p_vaddr <= ph->p_memsz - len;
}

/* What the loader alone writes can't be written. */
static bool is_image(void *arg, uint64_t vaddr, uint32_t len, bool written)
{
	struct lp_module *m = arg;
	bool is = false;
	GElf_Phdr ph;
	size_t n;

	if (elf_getphdrnum(m->elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && gelf_getphdr(m->elf, (int)i, &ph); i++) {
		if (written && is_segment(&ph, PT_GNU_RELRO, vaddr, len))
			return false;
		if (is_segment(&ph, PT_LOAD, vaddr, len))
			is = ph.p_flags & (written ? PF_W : PF_R);
	}
	return is;
}

/* Where jumps may come from anywhere, as in assembly, nobody still jumps behind the mark that a function
 * begins with: the bytes to look at.
 */
static size_t known_part(const struct lp_flow *f, struct lp_shift_text *code, uint64_t vaddr)
{
	const struct lp_instr *first = lp_flow_at(f, vaddr);
	const struct lp_instr *next = first ? lp_flow_at(f, vaddr + first->size) : NULL;
	const uint64_t skip = vaddr - code->vaddr;
	struct lp_effect in;

	if (!first || skip > code->len)
		return 0;
	code->bytes += skip;
	code->vaddr = vaddr;
	if (vaddr == f->start && next &&
	    lp_effects_decode(code->bytes, code->len - skip, vaddr, &in, 1) && in.is_mark)
		return first->size + next->size;
	return first->size;
}

bool lp_shift_code(struct lp_module *m, const struct lp_shift *at, uint8_t *ret)
{
	const size_t len = (size_t)-at->ip;

	return lp_module_bytes(m, at->vaddr - len, ret, len) == len;
}

/* cmd/internal/obj/x86/obj6.go: stacksplit(), since Go 1.17 */
bool lp_shift_past_check(struct lp_module *m, uint64_t vaddr, struct lp_shift *ret)
{
	enum { PREPARES, COMPARES, LEAVES };
	static const struct {
		uint8_t bytes[4], n, rest, what;
	} parts[] = {
		{ { 0x4c, 0x8d, 0x64, 0x24 }, 4, 1, PREPARES }, /* lea -N(%rsp), %r12 */
		{ { 0x4c, 0x8d, 0xa4, 0x24 }, 4, 4, PREPARES },
		{ { 0x49, 0x89, 0xe4 }, 3, 0, PREPARES }, /* mov %rsp, %r12 */
		{ { 0x49, 0x81, 0xec }, 3, 4, PREPARES }, /* sub $N, %r12 */
		{ { 0x72 }, 1, 1, PREPARES },		  /* jb */
		{ { 0x0f, 0x82 }, 2, 4, PREPARES },
		{ { 0x49, 0x3b, 0x66, 0x10 }, 4, 0, COMPARES }, /* cmp 0x10(%r14), %rsp */
		{ { 0x4d, 0x3b, 0x66, 0x10 }, 4, 0, COMPARES }, /* cmp 0x10(%r14), %r12 */
		{ { 0x76 }, 1, 1, LEAVES },			/* jbe */
		{ { 0x0f, 0x86 }, 2, 4, LEAVES },
	};
	const struct lp_unit *unit = lp_module_dwarf(m) ? lp_unit_find(m, vaddr) : NULL;
	uint8_t code[48];
	uint8_t last = PREPARES;
	size_t at = 0, i;

	if (!unit || !unit->go || m->machine != EM_X86_64)
		return false;
	const size_t len = lp_module_bytes(m, vaddr, code, sizeof(code));
	do {
		for (i = 0; i < LP_ARRAY_SIZE(parts); i++)
			if (at + parts[i].n + parts[i].rest < len &&
			    !memcmp(code + at, parts[i].bytes, parts[i].n))
				break;
		if (i == LP_ARRAY_SIZE(parts) || (parts[i].what == LEAVES && last != COMPARES))
			return false;
		at += parts[i].n + parts[i].rest;
		last = parts[i].what;
	} while (last != LEAVES);
	*ret = (struct lp_shift){ .vaddr = vaddr + at,
				  .form = (uint8_t)lp_form_of(code + at, len - at),
				  .ip = -(int32_t)at };
	return true;
}

int lp_shift_find(struct lp_module *m, const struct lp_shift_query *q, struct lp_shift *ret,
		  struct lp_err *err)
{
	uint8_t bytes[(2 * LP_SHIFT_MAX + 1) * INSN_MAX];
	const struct lp_arrivals *arrivals;
	const struct lp_flow *flow;
	unsigned int reg;
	int64_t off;

	*ret = (struct lp_shift){ .vaddr = q->vaddr, .form = LP_FORM_OTHER };
	if (m->machine != EM_X86_64)
		return 0;
	/* there is none better: the function need not be decoded */
	const enum lp_form here = lp_form_of(bytes, lp_module_bytes(m, q->vaddr, bytes, INSN_MAX));
	if (is_emulated(q, here)) {
		ret->form = (uint8_t)here;
		return 0;
	}
	int r = lp_function_flow(m, q->vaddr, &flow, err);
	if (r < 0)
		return r;

	struct lp_shift_text code = { .bytes = bytes,
				      .vaddr = window_start(flow, q->vaddr),
				      .is_image = is_image,
				      .arg = m };
	const uint64_t end = flow->end;
	code.len = end > code.vaddr ? end - code.vaddr : 0;
	if (code.len > sizeof(bytes))
		code.len = sizeof(bytes);
	code.len = lp_module_bytes(m, code.vaddr, bytes, code.len);
	r = lp_arrivals_of(m, q->vaddr, &arrivals, err);
	if (r < 0)
		return r;
	if (!arrivals->known)
		code.len = known_part(flow, &code, q->vaddr);
	code.arrivals = arrivals->at.data;
	code.n_arrivals = arrivals->at.len;
	code.kept_until = arrivals->known ? arrivals->kept_until : 0;
	code.has_frame = lp_cfi_simple(m, q->vaddr, &reg, &off) && reg == LP_MACHINE_FRAME;
	lp_shift_choose(&code, q, ret);
	return 0;
}
