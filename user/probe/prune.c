// SPDX-License-Identifier: GPL-2.0-only
#include "probe/prune.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

#define REGISTERS 11

/* What the program may do at an instruction, as bits. */
enum {
	IS_REACHED = 1,
	GOES_ON = 2, /* to the next one */
	JUMPS = 4,
	IS_TARGET = 8,
	IS_KEPT = 16,
};

struct value {
	enum { ANY, NUMBER, ADDRESS } kind; /* ADDRESS: in what is known */
	uint64_t n;
};

struct state {
	struct value reg[REGISTERS];
};

struct prune {
	struct lp_code *c;
	const struct lp_known *known;
	uint8_t *marks; /* of each instruction */
	uint32_t *
		numbers; /* where its state is, for targets; then its number among those that are kept */
	struct state *states; /* of targets: what is so each time that one is reached */
	struct state now;
	bool is_live, is_changed; /* another pass is needed: a jump back has changed something */
};

static bool is_wide(const struct bpf_insn *in)
{
	return in->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static bool is_jump(const struct bpf_insn *in)
{
	const unsigned int class = BPF_CLASS(in->code), op = BPF_OP(in->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

static bool is_plain_jump(const struct bpf_insn *in)
{
	return is_jump(in) && BPF_OP(in->code) == BPF_JA;
}

static bool is_call(const struct bpf_insn *in)
{
	return in->code == (BPF_JMP | BPF_CALL) && in->src_reg == BPF_PSEUDO_CALL;
}

static bool is_function(const struct bpf_insn *in)
{
	return is_wide(in) && in->src_reg == BPF_PSEUDO_FUNC;
}

/* A plain jump of the 32-bit class has its distance where others have a number. */
static bool is_far(const struct bpf_insn *in)
{
	return is_plain_jump(in) && BPF_CLASS(in->code) == BPF_JMP32;
}

/* Where it leads to, or whom it calls or names; SIZE_MAX: nowhere. */
static size_t target_of(const struct lp_code *c, size_t i)
{
	const struct bpf_insn *in = &c->insns[i];

	if (is_call(in) || is_function(in) || is_far(in))
		return i + 1 + (size_t)(ptrdiff_t)in->imm;
	return is_jump(in) ? i + 1 + (size_t)(ptrdiff_t)in->off : SIZE_MAX;
}

static unsigned int bytes_of(unsigned int size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

static struct value number(uint64_t n)
{
	return (struct value){ NUMBER, n };
}

static struct value loaded(const struct prune *p, const struct bpf_insn *in)
{
	const struct value from = p->now.reg[in->src_reg];
	const uint64_t at = from.n + (uint64_t)(int64_t)in->off;
	const unsigned int bytes = bytes_of(BPF_SIZE(in->code));
	uint64_t word = 0;

	if (BPF_MODE(in->code) != BPF_MEM || from.kind != ADDRESS || at > p->known->size ||
	    p->known->size - at < bytes)
		return (struct value){ .kind = ANY };
	memcpy(&word, (const char *)p->known->data + at, bytes); /* the machine is little-endian */
	return number(word);
}

static struct value computed(const struct prune *p, const struct bpf_insn *in)
{
	const bool is_long = BPF_CLASS(in->code) == BPF_ALU64;
	const struct value a = p->now.reg[in->dst_reg],
			   b = BPF_SRC(in->code) == BPF_X ? p->now.reg[in->src_reg]
							  : number((uint64_t)(int64_t)in->imm);
	const unsigned int op = BPF_OP(in->code), bits = is_long ? 63 : 31;
	uint64_t x = is_long ? a.n : (uint32_t)a.n, y = is_long ? b.n : (uint32_t)b.n;

	/* of an address a part may be moved, with its sign: off is not 0 then */
	if (op == BPF_MOV && !in->off && (is_long || b.kind == NUMBER))
		return is_long ? b : number(y);
	if (a.kind != NUMBER || b.kind != NUMBER || in->off)
		return (struct value){ .kind = ANY };
	switch (op) {
	case BPF_ADD:
		x += y;
		break;
	case BPF_SUB:
		x -= y;
		break;
	case BPF_AND:
		x &= y;
		break;
	case BPF_OR:
		x |= y;
		break;
	case BPF_XOR:
		x ^= y;
		break;
	case BPF_LSH:
		x <<= y & bits;
		break;
	case BPF_RSH:
		x >>= y & bits;
		break;
	default:
		return (struct value){ .kind = ANY };
	}
	return number(is_long ? x : (uint32_t)x);
}

/* Is the jump taken? -1: that is not known. */
static int is_taken(const struct prune *p, const struct bpf_insn *in)
{
	const bool is_long = BPF_CLASS(in->code) == BPF_JMP;
	const struct value a = p->now.reg[in->dst_reg],
			   b = BPF_SRC(in->code) == BPF_X ? p->now.reg[in->src_reg]
							  : number((uint64_t)(int64_t)in->imm);
	const uint64_t x = is_long ? a.n : (uint32_t)a.n, y = is_long ? b.n : (uint32_t)b.n;
	const int64_t sx = is_long ? (int64_t)x : (int32_t)x,
		      sy = is_long ? (int64_t)y : (int32_t)y;

	if (is_plain_jump(in))
		return 1;
	if (a.kind != NUMBER || b.kind != NUMBER)
		return -1;
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return x == y;
	case BPF_JNE:
		return x != y;
	case BPF_JGT:
		return x > y;
	case BPF_JGE:
		return x >= y;
	case BPF_JLT:
		return x < y;
	case BPF_JLE:
		return x <= y;
	case BPF_JSGT:
		return sx > sy;
	case BPF_JSGE:
		return sx >= sy;
	case BPF_JSLT:
		return sx < sy;
	case BPF_JSLE:
		return sx <= sy;
	case BPF_JSET:
		return (x & y) != 0;
	default:
		return -1;
	}
}

static void forget(struct prune *p, unsigned int from, unsigned int to)
{
	for (unsigned int r = from; r <= to; r++)
		p->now.reg[r] = (struct value){ .kind = ANY };
}

/* What is so at a target whichever way it is reached, this one included. */
static void reach(struct prune *p, size_t at, const struct state *from, bool is_back)
{
	struct state *s = &p->states[p->numbers[at]];
	bool is_changed = !(p->marks[at] & IS_REACHED);

	if (is_changed) {
		*s = *from;
		p->marks[at] |= IS_REACHED;
	} else {
		for (unsigned int r = 0; r < REGISTERS; r++) {
			const struct value *a = &from->reg[r];

			if (s->reg[r].kind == ANY ||
			    (s->reg[r].kind == a->kind && s->reg[r].n == a->n))
				continue;
			s->reg[r] = (struct value){ .kind = ANY };
			is_changed = true;
		}
	}
	p->is_changed = p->is_changed || (is_back && is_changed);
}

static void enter_function(struct prune *p, size_t at, size_t from)
{
	static const struct state any;

	reach(p, at, &any, at <= from);
}

static void jump(struct prune *p, size_t i)
{
	const int taken = is_taken(p, &p->c->insns[i]);

	if (taken) {
		const size_t to = target_of(p->c, i);

		p->marks[i] |= JUMPS;
		reach(p, to, &p->now, to <= i);
	}
	if (taken == 1)
		p->is_live = false;
	else
		p->marks[i] |= GOES_ON;
}

static void call_or_exit(struct prune *p, size_t i)
{
	const struct bpf_insn *in = &p->c->insns[i];

	if (BPF_OP(in->code) == BPF_EXIT) {
		p->is_live = false;
		return;
	}
	if (is_call(in))
		enter_function(p, target_of(p->c, i), i);
	forget(p, BPF_REG_0, BPF_REG_5);
}

static void constant(struct prune *p, size_t i)
{
	const struct bpf_insn *in = &p->c->insns[i];
	struct value *to = &p->now.reg[in->dst_reg];

	*to = (struct value){ .kind = ANY };
	if (is_function(in))
		enter_function(p, target_of(p->c, i), i);
	else if (!in->src_reg)
		*to = number((uint32_t)in->imm | (uint64_t)(uint32_t)in[1].imm << 32);
	else if (in->src_reg == BPF_PSEUDO_MAP_VALUE && in->imm == p->known->fd)
		*to = (struct value){ ADDRESS, (uint32_t)in[1].imm };
}

static void execute(struct prune *p, size_t i)
{
	const struct bpf_insn *in = &p->c->insns[i];

	if (is_jump(in)) {
		jump(p, i);
		return;
	}
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		p->now.reg[in->dst_reg] = computed(p, in);
		break;
	case BPF_LDX:
		p->now.reg[in->dst_reg] = loaded(p, in);
		break;
	case BPF_ST:
		break;
	case BPF_STX:
		if (BPF_MODE(in->code) == BPF_ATOMIC) {
			forget(p, in->src_reg, in->src_reg);
			forget(p, BPF_REG_0, BPF_REG_0);
		}
		break;
	case BPF_JMP:
		call_or_exit(p, i);
		break;
	default:
		if (is_wide(in))
			constant(p, i);
		else
			forget(p, BPF_REG_0, BPF_REG_9);
	}
}

/* All instructions in their order, but for what is not reached yet. */
static void pass(struct prune *p)
{
	const size_t n = p->c->n;

	p->is_live = true;
	p->is_changed = false;
	p->now = (struct state){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (p->marks[i] & IS_TARGET) {
			if (p->is_live)
				reach(p, i, &p->now, false);
			p->is_live = p->marks[i] & IS_REACHED;
			p->now = p->states[p->numbers[i]];
		}
		if (!p->is_live)
			continue;
		p->marks[i] |= IS_REACHED;
		execute(p, i);
		if (is_wide(&p->c->insns[i]))
			p->marks[++i] |= IS_REACHED;
	}
}

/* false: a jump leads out of the program, which is for the kernel to refuse. */
static bool find_targets(struct prune *p, size_t *ret_n)
{
	struct lp_code *c = p->c;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const size_t to = target_of(c, i);

		if (c->insns[i].dst_reg >= REGISTERS || c->insns[i].src_reg >= REGISTERS)
			return false;
		if (is_wide(&c->insns[i]) && ++i >= c->n)
			return false;
		if (to == SIZE_MAX)
			continue;
		if (to >= c->n)
			return false;
		if (!(p->marks[to] & IS_TARGET)) {
			p->marks[to] |= IS_TARGET;
			p->numbers[to] = (uint32_t)n++;
		}
	}
	*ret_n = n;
	return true;
}

/* 0: there is none. */
static unsigned int opposite_of(unsigned int op)
{
	static const unsigned char pairs[][2] = {
		{ BPF_JEQ, BPF_JNE },	{ BPF_JGT, BPF_JLE },	{ BPF_JGE, BPF_JLT },
		{ BPF_JSGT, BPF_JSLE }, { BPF_JSGE, BPF_JSLT },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(pairs); i++)
		for (unsigned int k = 0; k < 2; k++)
			if (pairs[i][k] == op)
				return pairs[i][!k];
	return 0;
}

/* A jump over a jump becomes one. Compilers have those where a switch has come to its last case: the verifier would
 * take the second one out.
 */
static void join_jumps(struct prune *p)
{
	for (size_t i = 0; i + 1 < p->c->n; i++) {
		struct bpf_insn *in = &p->c->insns[i], *over = in + 1;
		const unsigned int op = is_jump(in) ? opposite_of(BPF_OP(in->code)) : 0;

		if (!op || in->off != 1 || !is_plain_jump(over) || is_far(over) ||
		    over->off == INT16_MAX || p->marks[i + 1] & IS_TARGET)
			continue;
		in->code = (unsigned char)((in->code & ~0xf0u) | op);
		in->off = (int16_t)(over->off + 1);
		over->off = 0;
	}
}

/* Those that are left, but for jumps that are never taken or lead to what comes next anyway. */
static void choose(struct prune *p)
{
	size_t next = p->c->n; /* the one that is kept behind */

	for (size_t i = p->c->n; i--;) {
		const uint8_t mark = p->marks[i];
		const bool jumps = is_jump(&p->c->insns[i]);

		if (!(mark & IS_REACHED) || (jumps && !(mark & JUMPS)) ||
		    (jumps && !(mark & GOES_ON) && target_of(p->c, i) > i &&
		     target_of(p->c, i) <= next))
			continue;
		p->marks[i] |= IS_KEPT;
		next = i;
	}
	for (size_t i = 0, n = 0; i < p->c->n; i++) {
		p->numbers[i] = (uint32_t)n;
		n += !!(p->marks[i] & IS_KEPT);
	}
}

static void move_insns(struct prune *p)
{
	struct lp_code *c = p->c;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct bpf_insn in = c->insns[i];
		const size_t to = target_of(c, i);

		if (!(p->marks[i] & IS_KEPT))
			continue;
		if (is_jump(&in) && !(p->marks[i] & GOES_ON) && !is_plain_jump(&in))
			in = (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = in.off };
		if (to != SIZE_MAX) {
			const int32_t distance = (int32_t)(p->numbers[to] - (n + 1));

			if (is_jump(&in) && !is_far(&in))
				in.off = (int16_t)distance;
			else
				in.imm = distance;
		}
		c->insns[n++] = in;
	}
	c->n = n;
}

static void move_funcs(struct prune *p)
{
	struct lp_code *c = p->c;
	size_t n = 0;

	for (size_t i = 0; i < c->n_funcs; i++) {
		struct bpf_func_info f = c->funcs[i];

		if (!(p->marks[f.insn_off] & IS_REACHED))
			continue;
		f.insn_off = p->numbers[f.insn_off];
		c->funcs[n++] = f;
	}
	c->n_funcs = n;
}

/* A line whose instructions are all left out is none. n: how many there were. */
static void move_lines(struct prune *p, size_t n)
{
	struct lp_code *c = p->c;
	size_t kept = 0;

	for (size_t i = 0; i < c->n_lines; i++) {
		struct bpf_line_info l = c->lines[i];
		const size_t end = i + 1 < c->n_lines ? c->lines[i + 1].insn_off : n;

		while (l.insn_off < end && !(p->marks[l.insn_off] & IS_KEPT))
			l.insn_off++;
		if (l.insn_off >= end)
			continue;
		l.insn_off = p->numbers[l.insn_off];
		c->lines[kept++] = l;
	}
	c->n_lines = kept;
}

static bool is_inside(const struct lp_code *c)
{
	for (size_t i = 0; i < c->n_funcs; i++)
		if (c->funcs[i].insn_off >= c->n)
			return false;
	for (size_t i = 0; i < c->n_lines; i++)
		if (c->lines[i].insn_off >= c->n ||
		    (i && c->lines[i].insn_off <= c->lines[i - 1].insn_off))
			return false;
	return true;
}

int lp_prune(struct lp_code *c, const struct lp_known *known)
{
	lp_auto(lp_free) uint8_t *marks = calloc(c->n + 1, sizeof(*marks));
	lp_auto(lp_free) uint32_t *numbers = calloc(c->n + 1, sizeof(*numbers));
	struct prune p = { .c = c, .known = known, .marks = marks, .numbers = numbers };
	const size_t n = c->n;
	size_t n_targets;

	if (!marks || !numbers)
		return -ENOMEM;
	if (!is_inside(c) || !find_targets(&p, &n_targets))
		return 0;

	lp_auto(lp_free) struct state *states = calloc(n_targets + 1, sizeof(*states));
	if (!states)
		return -ENOMEM;
	p.states = states;
	join_jumps(&p);
	do
		pass(&p);
	while (p.is_changed);
	choose(&p);
	move_insns(&p);
	move_funcs(&p);
	move_lines(&p, n);
	return 0;
}
