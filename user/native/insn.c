// SPDX-License-Identifier: GPL-2.0-only
#include "native/insn.h"

#include <errno.h>
#include <string.h>

#include "native/decoder.h"
#include "native/index.h"

#define MAX_FUNCTION (4u << 20) /* bytes of code that are decoded */
#define MAX_TABLE    4096	/* entries of a jump table */

struct decoder {
	struct lp_module *m;
	struct lp_flow *f;
	csh cs;
	uint8_t *code;
	size_t len;
	bool indirect;
	bool took_stack, took_frame; /* an address on the stack, which it still has to itself */
};

static enum lp_instr_kind kind_of(const cs_insn *in, bool direct)
{
	switch (in->id) {
	case X86_INS_JMP:
	case X86_INS_LJMP:
		return direct ? LP_INSTR_JUMP : LP_INSTR_INDIRECT;
	case X86_INS_RET:
	case X86_INS_RETF:
	case X86_INS_RETFQ:
	case X86_INS_IRET:
	case X86_INS_IRETD:
	case X86_INS_IRETQ:
	case X86_INS_UD2:
	case X86_INS_HLT:
		return LP_INSTR_STOP;
	case X86_INS_LOOP:
	case X86_INS_LOOPE:
	case X86_INS_LOOPNE:
	case X86_INS_XBEGIN:
		return LP_INSTR_BRANCH;
	}
	/* the rest of j..: jae, jecxz */
	return in->mnemonic[0] == 'j' && direct ? LP_INSTR_BRANCH : LP_INSTR_PLAIN;
}

/* Behind a prefix of an operand in capstone's syntax: a number, as "0x2f10" or "5". */
static bool number_behind(const char *text, const char *prefix, uint64_t *ret)
{
	const char *at = strstr(text, prefix);

	if (at)
		*ret = strtoull(at + strlen(prefix), NULL, 0);
	return at != NULL;
}

/* An address that an operand names: "[rip + 0x2f10]", "[rax*8 + 0x4020a0]", and "edi, 0x401136" where
 * there is code.
 */
static int note_named(struct decoder *d, const cs_insn *in)
{
	const uint64_t next = in->address + in->size;
	uint64_t n;

	if (in->id == X86_INS_LEA && number_behind(in->op_str, "[rip + ", &n))
		n = next + n;
	else if (in->id == X86_INS_LEA && number_behind(in->op_str, "[rip - ", &n))
		n = next - n;
	else if (!number_behind(in->op_str, "*8 + ", &n) &&
		 !((in->id == X86_INS_MOV || in->id == X86_INS_MOVABS || in->id == X86_INS_PUSH) &&
		   number_behind(in->op_str, ", ", &n) && lp_code_find(d->m, n)))
		return 0;
	return lp_vec_push(&d->f->named, n);
}

/* Has a text the name of a register where it ends, or in front of a comma? */
static bool is_source(const char *text, const char *reg)
{
	const size_t len = strlen(reg);

	for (const char *at = strstr(text, reg); at; at = strstr(at + len, reg))
		if (at > text && at[-1] == ' ' && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* Is an address told that is a register's, or near it? What is compared is not kept, what goes to rsp is
 * the frame's own.
 */
static bool names_near(const cs_insn *in, const char *reg)
{
	const char *sources = strchr(in->op_str, ',');

	if (in->id == X86_INS_PUSH || in->id == X86_INS_XCHG)
		return !strncmp(in->op_str, reg, strlen(reg)) ||
		       (sources && is_source(sources, reg));
	if (!sources || in->id == X86_INS_CMP || in->id == X86_INS_TEST || in->id == X86_INS_NOP ||
	    !strncmp(in->op_str, "rsp,", strlen("rsp,")))
		return false;
	return in->id == X86_INS_LEA ? strstr(sources, reg) != NULL : is_source(sources, reg);
}

/* Can what is in a register become known to others: is something called, or stored elsewhere? Where
 * control goes is not followed.
 */
static bool gives_away(const struct lp_flow *f, const cs_insn *in, const struct lp_instr *insn)
{
	const char *first = in->op_str + strcspn(in->op_str, "[,");

	if (insn->call || insn->kind != LP_INSTR_PLAIN || in->id == X86_INS_SYSCALL)
		return true;
	return *first == '[' && in->id != X86_INS_NOP && strncmp(first, "[rsp", strlen("[rsp")) &&
	       !(f->has_frame && !strncmp(first, "[rbp", strlen("[rbp")));
}

static void note_frame(struct decoder *d, const cs_insn *in, const struct lp_instr *insn)
{
	struct lp_flow *f = d->f;

	if (in->id == X86_INS_MOV && !strcmp(in->op_str, "rbp, rsp")) {
		f->has_frame = true;
		return;
	}
	d->took_stack = d->took_stack || names_near(in, "rsp");
	/* what is saved before is the caller's */
	if (in->id != X86_INS_PUSH || f->has_frame)
		d->took_frame = d->took_frame || names_near(in, "rbp");
	if (!gives_away(f, in, insn))
		return;
	if (d->took_stack && insn->addr < f->gives_stack)
		f->gives_stack = insn->addr;
	if (d->took_frame && insn->addr < f->gives_frame)
		f->gives_frame = insn->addr;
}

static int add_insn(struct decoder *d, const cs_insn *in)
{
	const bool direct = in->op_str[0] == '0' && in->op_str[1] == 'x';
	struct lp_instr insn = {
		.addr = in->address,
		.size = (uint8_t)in->size,
		.kind = kind_of(in, direct),
		.call = in->id == X86_INS_CALL,
	};

	if (insn.kind == LP_INSTR_INDIRECT)
		d->indirect = true;
	if (insn.kind == LP_INSTR_BRANCH || insn.kind == LP_INSTR_JUMP) {
		insn.target = strtoull(in->op_str, NULL, 16);
		if (insn.target >= d->f->start && insn.target < d->f->end &&
		    lp_vec_push(&d->f->targets, insn.target) < 0)
			return -ENOMEM;
	}
	note_frame(d, in, &insn);
	if (note_named(d, in) < 0)
		return -ENOMEM;
	return lp_vec_push(&d->f->insns, insn);
}

static int decode(struct decoder *d)
{
	const uint8_t *code = d->code;
	size_t left = d->len;
	uint64_t addr = d->f->start;
	cs_insn *in = cs_malloc(d->cs);
	int r = 0;

	if (!in)
		return -ENOMEM;
	while (r == 0 && left > 0) {
		if (cs_disasm_iter(d->cs, &code, &left, &addr, in)) {
			r = add_insn(d, in);
			continue;
		}
		const struct lp_instr bad = { .addr = addr, .size = 1, .kind = LP_INSTR_BAD };
		r = lp_vec_push(&d->f->insns, bad);
		code++, left--, addr++;
	}
	cs_free(in, 1);
	return r;
}

/* Entries of `size` bytes, taken to be addresses in the function (relative ones where 4 bytes),
 * up to the first that is none.
 */
static int read_table(struct decoder *d, uint64_t table, unsigned int size, bool *ret_found)
{
	for (size_t i = 0; i < MAX_TABLE; i++) {
		uint8_t raw[8] = { 0 };
		int32_t relative;
		uint64_t target;

		if (lp_module_bytes(d->m, table + i * size, raw, size) != size)
			return 0;
		memcpy(&relative, raw, sizeof(relative));
		memcpy(&target, raw, sizeof(target));
		if (size == 4)
			target = table + (uint64_t)(int64_t)relative;
		if (target <= d->f->start || target >= d->f->end)
			return 0;
		*ret_found = true;
		if (lp_vec_push(&d->f->targets, target) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_targets(struct decoder *d)
{
	bool found = false;
	int r = 0;

	if (d->indirect)
		for (size_t i = 0; r == 0 && i < d->f->named.len; i++) {
			const uint64_t table = d->f->named.data[i];

			if (table >= d->f->start && table < d->f->end)
				continue;
			r = read_table(d, table, 4, &found);
			if (r == 0)
				r = read_table(d, table, 8, &found);
		}
	d->f->unknown_targets = d->indirect && !found;
	if (d->f->targets.len > 0)
		qsort(d->f->targets.data, d->f->targets.len, sizeof(uint64_t), lp_compare_u64);
	return r;
}

int lp_flow_init(struct lp_flow *f, struct lp_module *m, uint64_t start, uint64_t end,
		 struct lp_err *err)
{
	lp_auto(lp_flow_done) struct lp_flow made = {
		.start = start,
		.gives_stack = UINT64_MAX,
		.gives_frame = UINT64_MAX,
	};
	struct decoder d = { .m = m, .f = &made };
	int r;

	r = lp_decoder_take(m->machine, false, &d.cs);
	if (r == -ENOTSUP)
		return lp_err_set(err, ENOTSUP, "%s: code of this processor can't be decoded yet",
				  m->path);
	if (r < 0)
		return lp_err_nomem(err);
	if (end < start || end - start > MAX_FUNCTION)
		end = start + MAX_FUNCTION;
	d.code = malloc(end - start ? end - start : 1);
	if (d.code) {
		d.len = lp_module_bytes(m, start, d.code, end - start);
		made.end = start + d.len;
		r = decode(&d);
		if (r == 0)
			r = find_targets(&d);
	} else {
		r = -ENOMEM;
	}
	lp_decoder_give();
	free(d.code);
	if (r < 0)
		return lp_err_nomem(err);
	*f = made;
	made = (struct lp_flow){ 0 };
	return 0;
}

void lp_flow_done(struct lp_flow *f)
{
	lp_vec_done(&f->insns);
	lp_vec_done(&f->targets);
	lp_vec_done(&f->named);
}

/* Number of instructions that begin at or before vaddr. */
static size_t count_upto(const struct lp_flow *f, uint64_t vaddr)
{
	return lp_partition_point(f->insns.len, i, f->insns.data[i].addr <= vaddr);
}

const struct lp_instr *lp_flow_at(const struct lp_flow *f, uint64_t vaddr)
{
	const size_t n = count_upto(f, vaddr);

	if (n == 0 || vaddr - f->insns.data[n - 1].addr >= f->insns.data[n - 1].size)
		return NULL;
	return &f->insns.data[n - 1];
}

static bool jumps_into(const struct lp_flow *f, uint64_t from, uint64_t to)
{
	const size_t next = lp_partition_point(f->targets.len, i, f->targets.data[i] <= from);

	return next < f->targets.len && f->targets.data[next] <= to;
}

bool lp_flow_falls_through(const struct lp_flow *f, uint64_t from, uint64_t to)
{
	const struct lp_instr *first = lp_flow_at(f, from);

	if (f->unknown_targets || !first || first->addr != from || to <= from || to > f->end ||
	    jumps_into(f, from, to))
		return false;
	for (const struct lp_instr *i = first; i < f->insns.data + f->insns.len && i->addr < to;
	     i++)
		if (i->kind != LP_INSTR_PLAIN && i->kind != LP_INSTR_BRANCH)
			return false;
	return true;
}

/* Bytes of FF /2, the indirect call, by its ModRM and SIB bytes. */
static size_t indirect_call(const uint8_t *code)
{
	const uint8_t mod = code[1] >> 6, rm = code[1] & 7;
	const bool has_sib = mod != 3 && rm == 4;
	size_t n = has_sib ? 3 : 2;

	if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
		return 0;
	if (mod == 1)
		return n + 1;
	if (mod == 2 || (mod == 0 && (rm == 5 || (has_sib && (code[2] & 7) == 5))))
		return n + 4;
	return n;
}

bool lp_insn_returns_to(struct lp_module *m, uint64_t vaddr)
{
	uint8_t code[8] = { 0 };

	for (size_t len = 2; len <= 7; len++) {
		if (vaddr < len || !lp_module_bytes(m, vaddr - len, code, len))
			return false;
		if (indirect_call(code) == len || (len == 5 && code[0] == 0xe8))
			return true;
	}
	return false;
}
