// SPDX-License-Identifier: GPL-2.0-only
#include "native/result.h"

#include <capstone/capstone.h>
#include <string.h>

#include "base/vec.h"
#include "native/scope_abi.h"
#include "native/scope_die.h"

#define NESTING_MAX  64	   /* of DIEs */
#define TAILS_MAX    4	   /* functions that end by jumping to the next one */
#define BRANCHES_MAX 6	   /* that are followed behind a call */
#define READ_MAX     192   /* bytes of code behind a call that are looked at */
#define BODY_MAX     65536 /* bytes of a function's own code */

struct call {
	uint64_t target, after; /* addresses */
	Dwarf_Off caller;	/* subprogram; of a jump that is the function's end */
	bool is_jump;
};

struct unit_calls {
	const void *unit; /* address of its DIE */
	LP_VEC(struct call) list;
};

struct lp_calls {
	LP_VEC(struct unit_calls) units;
	bool lto_known, lto;
};

void lp_calls_free(struct lp_calls *calls)
{
	if (!calls)
		return;
	lp_vec_each (&calls->units, u)
		lp_vec_done(&u->list);
	lp_vec_done(&calls->units);
	free(calls);
}

static int add_call(struct unit_calls *u, struct lp_module *m, uint64_t at, uint8_t opcode,
		    Dwarf_Off caller)
{
	uint8_t code[5] = { 0 };
	int32_t rel;
	const size_t size = opcode == 0xeb ? 2 : 5; /* jmp rel8; call, jmp rel32 */

	if (lp_module_bytes(m, at, code, size) != size || code[0] != opcode)
		return 0;
	memcpy(&rel, code + 1, sizeof(rel));
	if (size == 2)
		rel = (int8_t)code[1];
	const struct call c = {
		.target = at + size + (uint64_t)(int64_t)rel,
		.after = at + size,
		.caller = caller,
		.is_jump = opcode != 0xe8,
	};
	return lp_vec_push(&u->list, c);
}

/* Producers disagree whether a jump is told by its own address or by the next one's. */
static int note_call(struct unit_calls *u, struct lp_module *m, Dwarf_Die *site, Dwarf_Off caller)
{
	static const unsigned int places[] = { DW_AT_call_return_pc, DW_AT_call_pc, DW_AT_low_pc };
	bool is_tail =
		lp_die_flag(site, DW_AT_call_tail_call) || lp_die_flag(site, DW_AT_GNU_tail_call);
	int r = 0;

	for (size_t i = 0; i < LP_ARRAY_SIZE(places); i++) {
		Dwarf_Attribute attr;
		Dwarf_Addr at;

		if (!dwarf_attr(site, places[i], &attr) || dwarf_formaddr(&attr, &at) != 0)
			continue;
		if (!is_tail)
			return add_call(u, m, at - 5, 0xe8, caller);
		for (int behind = 0; behind < 2 && r == 0; behind++) {
			r = add_call(u, m, behind ? at - 5 : at, 0xe9, caller);
			if (r == 0)
				r = add_call(u, m, behind ? at - 2 : at, 0xeb, caller);
		}
		return r;
	}
	return 0;
}

static int find_calls(struct unit_calls *u, struct lp_module *m, Dwarf_Die *parent,
		      Dwarf_Off caller, int depth)
{
	Dwarf_Die c;
	int r = 0;

	for (bool ok = depth < NESTING_MAX && lp_die_first(parent, &c); ok && r == 0;
	     ok = lp_die_next(&c)) {
		int tag = dwarf_tag(&c);

		if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site)
			r = note_call(u, m, &c, caller);
		else
			r = find_calls(u, m, &c,
				       tag == DW_TAG_subprogram ? dwarf_dieoffset(&c) : caller,
				       depth + 1);
	}
	return r;
}

static struct lp_calls *calls_of(struct lp_module *m)
{
	if (!m->calls)
		m->calls = calloc(1, sizeof(*m->calls));
	return m->calls;
}

static const struct unit_calls *calls_in(struct lp_module *m, Dwarf_Die *unit)
{
	struct lp_calls *calls = calls_of(m);
	struct unit_calls made = { .unit = unit->addr };

	if (!calls)
		return NULL;
	lp_vec_each (&calls->units, u)
		if (u->unit == unit->addr)
			return u;
	if (find_calls(&made, m, unit, 0, 0) < 0 || lp_vec_push(&calls->units, made) < 0) {
		lp_vec_done(&made.list);
		return NULL;
	}
	return &calls->units.data[calls->units.len - 1];
}

/* Units that were compiled together share their abbreviations; those of files that were compiled
 * one by one do not.
 */
static bool is_lto(struct lp_module *m)
{
	struct lp_calls *calls = calls_of(m);
	LP_VEC(Dwarf_Off) seen = { 0 };
	Dwarf_Off off = 0, next, abbrev;
	size_t header;

	if (!calls || calls->lto_known)
		return !calls || calls->lto;
	calls->lto_known = true;
	while (!calls->lto && dwarf_next_unit(m->dwarf, off, &next, &header, NULL, &abbrev, NULL,
					      NULL, NULL, NULL) == 0) {
		/* the linker keeps a file's units together */
		calls->lto = seen.len && seen.data[seen.len - 1] == abbrev;
		if (lp_vec_push(&seen, abbrev) < 0)
			calls->lto = true;
		off = next;
	}
	lp_vec_done(&seen);
	return calls->lto;
}

static bool is_optimized(Dwarf_Die *body)
{
	/* clang tells of calls in optimised code only */
	static const unsigned int marks[] = { DW_AT_call_all_calls, DW_AT_call_all_tail_calls,
					      DW_AT_GNU_all_call_sites,
					      DW_AT_GNU_all_tail_call_sites };

	for (size_t i = 0; i < LP_ARRAY_SIZE(marks); i++)
		if (lp_die_flag(body, marks[i]))
			return true;
	return false;
}

/* May the compiler have known all callers and changed what the function returns? */
static bool is_doubtful(struct lp_module *m, Dwarf_Die *body, Dwarf_Die *unit, uint64_t entry)
{
	Dwarf_Attribute mem;
	GElf_Sym sym;
	const char *name = lp_module_symbol_at(m, entry, &sym);
	const char *producer =
		dwarf_attr(unit, DW_AT_producer, &mem) ? dwarf_formstring(&mem) : NULL;

	/* GCC gives such a function a name of its own */
	if (name && (strstr(name, ".isra") || strstr(name, ".part")))
		return true;
	if ((producer && !strncmp(producer, "GNU ", 4)) || !is_optimized(body))
		return false;
	if (!lp_die_flag(body, DW_AT_external))
		return true;
	return (!name || GELF_ST_BIND(sym.st_info) == STB_LOCAL) && is_lto(m);
}

static unsigned int reg_of(unsigned int reg)
{
	switch (reg) {
	case X86_REG_RAX:
	case X86_REG_EAX:
	case X86_REG_AX:
	case X86_REG_AL:
	case X86_REG_AH:
		return LP_RESULT_RAX;
	case X86_REG_RDX:
	case X86_REG_EDX:
	case X86_REG_DX:
	case X86_REG_DL:
	case X86_REG_DH:
		return LP_RESULT_RDX;
	}
	return 0;
}

/* Mentions registers without a need for what is in them: padding, and ways to set one. */
static bool only_mentions(const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;

	switch (in->id) {
	case X86_INS_NOP:
	case X86_INS_PUSH: /* often to align the stack */
		return true;
	case X86_INS_XOR:
	case X86_INS_SUB:
	case X86_INS_SBB:
	case X86_INS_XCHG:
		return x->op_count == 2 && x->operands[0].type == X86_OP_REG &&
		       x->operands[1].type == X86_OP_REG &&
		       x->operands[0].reg == x->operands[1].reg;
	case X86_INS_AND:
	case X86_INS_OR:
		return x->op_count == 2 && x->operands[1].type == X86_OP_IMM &&
		       x->operands[1].imm == (in->id == X86_INS_AND ? 0 : -1);
	}
	return false;
}

static void access_of(csh cs, const cs_insn *in, unsigned int *ret_read, unsigned int *ret_written)
{
	cs_regs reads, writes;
	uint8_t n_reads = 0, n_writes = 0;

	*ret_read = *ret_written = 0;
	if (cs_regs_access(cs, in, reads, &n_reads, writes, &n_writes) != CS_ERR_OK)
		return;
	for (uint8_t i = 0; i < n_reads && !only_mentions(in); i++)
		*ret_read |= reg_of(reads[i]);
	for (uint8_t i = 0; i < n_writes && in->id != X86_INS_NOP; i++)
		*ret_written |= reg_of(writes[i]);
}

unsigned int lp_result_regs(const struct lp_abi_value *v)
{
	unsigned int regs = 0;

	for (unsigned int i = 0; i < v->n && v->kind == LP_ABI_REGS; i++)
		if (v->regs[i] != LP_ABI_VECTOR)
			regs |= v->regs[i] == 0 ? LP_RESULT_RAX : LP_RESULT_RDX;
	return regs;
}

/* Which of regs the code at `at` reads before anything else is in them; in *passed, those that it
 * returns with.
 */
static unsigned int read_behind(struct lp_module *m, csh cs, cs_insn *in, uint64_t at,
				unsigned int regs, int *branches, unsigned int *passed)
{
	uint8_t code[READ_MAX];
	size_t left = lp_module_bytes(m, at, code, sizeof(code));
	const uint8_t *p = code;
	unsigned int found = 0, read, written;

	while (regs && left && cs_disasm_iter(cs, &p, &left, &at, in)) {
		access_of(cs, in, &read, &written);
		found |= regs & read;
		regs &= ~(read | written);
		if (in->id == X86_INS_RET)
			*passed |= regs;
		if (in->id == X86_INS_CALL || in->id == X86_INS_RET || in->id == X86_INS_UD2 ||
		    in->id == X86_INS_HLT)
			return found;
		if (in->mnemonic[0] != 'j')
			continue;
		bool is_jump = in->id == X86_INS_JMP;
		if (in->detail->x86.operands[0].type == X86_OP_IMM && regs && (*branches)-- > 0)
			found |= read_behind(m, cs, in, (uint64_t)in->detail->x86.operands[0].imm,
					     regs, branches, passed);
		if (is_jump)
			return found;
	}
	return found;
}

/* Which of regs the function's own code sets, or may by a call. A caller can keep something in
 * a register that it knows the function leaves alone.
 */
static unsigned int set_by(struct lp_module *m, csh cs, cs_insn *in, uint64_t entry)
{
	lp_auto(lp_free) uint8_t *code = NULL;
	unsigned int set = 0, read, written;
	uint64_t at = entry;
	GElf_Sym sym;

	if (!lp_module_symbol_at(m, entry, &sym) || sym.st_size > BODY_MAX ||
	    !(code = malloc(sym.st_size + 1)))
		return LP_RESULT_RAX | LP_RESULT_RDX;
	size_t left = lp_module_bytes(m, entry, code, sym.st_size);
	const uint8_t *p = code;
	while (left && cs_disasm_iter(cs, &p, &left, &at, in)) {
		access_of(cs, in, &read, &written);
		set |= written;
		const cs_x86_op *to = &in->detail->x86.operands[0];
		bool leaves = in->id == X86_INS_JMP &&
			      (to->type != X86_OP_IMM || (uint64_t)to->imm - entry >= sym.st_size);
		if (in->id == X86_INS_CALL || leaves)
			set |= LP_RESULT_RAX | LP_RESULT_RDX;
	}
	return set;
}

struct search {
	struct lp_module *m;
	csh cs;
	cs_insn *in;
};

static bool kept(struct search *s, Dwarf_Die *body, unsigned int regs, int depth);

/* Which of regs the caller hands on as a result of its own. */
static unsigned int handed_on(struct search *s, Dwarf_Die *body, const struct call *c,
			      unsigned int regs, int depth)
{
	const struct lp_type *type = NULL;
	Dwarf_Die caller;

	if (regs && depth < TAILS_MAX &&
	    dwarf_offdie(dwarf_cu_getdwarf(body->cu), c->caller, &caller))
		type = lp_types_of_var(lp_types_get(s->m), &caller);
	if (!type || lp_type_strip(type)->kind == LP_TYPE_VOID)
		return 0;

	const struct lp_abi_value v = lp_abi_result(type);
	regs &= lp_result_regs(&v);
	/* of two, a compiler may have kept the other one, in this one's place */
	if (!regs || !kept(s, &caller, lp_result_regs(&v), depth + 1))
		return 0;
	return regs;
}

static bool kept(struct search *s, Dwarf_Die *body, unsigned int regs, int depth)
{
	Dwarf_Addr entry;
	Dwarf_Die unit;

	if (dwarf_entrypc(body, &entry) != 0 || !dwarf_diecu(body, &unit, NULL, NULL))
		return false;
	if (!is_doubtful(s->m, body, &unit, entry))
		return true;
	const struct unit_calls *u = calls_in(s->m, &unit);
	unsigned int missing = regs;
	if (!u || (set_by(s->m, s->cs, s->in, entry) & regs) != regs)
		return false;
	for (size_t i = 0; i < u->list.len && missing; i++) {
		const struct call *c = &u->list.data[i];
		unsigned int passed = c->is_jump ? missing : 0;
		int branches = BRANCHES_MAX;

		if (c->target != entry)
			continue;
		if (!c->is_jump)
			missing &= ~read_behind(s->m, s->cs, s->in, c->after, missing, &branches,
						&passed);
		missing &= ~handed_on(s, body, c, missing & passed, depth);
	}
	return !missing;
}

bool lp_result_kept(struct lp_module *m, Dwarf_Die *body, unsigned int regs)
{
	struct search s = { .m = m };
	bool r = false;

	if (m->machine != EM_X86_64 || !lp_module_dwarf(m))
		return true;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &s.cs) != CS_ERR_OK)
		return false;
	if (cs_option(s.cs, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK &&
	    (s.in = cs_malloc(s.cs)) != NULL) {
		r = kept(&s, body, regs, 0);
		cs_free(s.in, 1);
	}
	cs_close(&s.cs);
	return r;
}
