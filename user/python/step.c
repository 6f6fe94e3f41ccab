// SPDX-License-Identifier: GPL-2.0-only
/* The table of computed gotos (Python/opcode_targets.h) leads to where each opcode's machine code
 * begins; the code that is there tells in which register the interpreter keeps next_instr: from 3.11
 * on every instruction begins by storing it in the frame (INSTRUCTION_START), up to 3.10 ends by
 * reading the next unit through it.
 */
#include "python/step.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <capstone/capstone.h>

#include "python/impl.h"
#include "python/opcode.h"

#define OPCODES	   256
#define LOOK	   256 /* bytes of machine code looked at for one instruction */
#define INSNS_MAX  48
#define VOTES_MIN  4 /* instructions that agree on the register */
#define PREFIX_MAX 8
#define JUMPS_MAX  4
#define IN_LOOP	   200 /* of a table's entries */

void lp_py_step_done(struct lp_py_step *s)
{
	lp_vec_done(&s->offsets);
}

/* --- the table --- */

static bool in_loop(const struct lp_py_runtime *rt, uint64_t addr)
{
	for (size_t i = 0; i < LP_PY_RANGES_MAX && rt->loop[i][1]; i++)
		if (addr >= rt->loop[i][0] && addr < rt->loop[i][1])
			return true;
	return false;
}

/* As many pointers into the loop in a row as there are opcodes. */
static bool find_in(struct lp_python *py, const struct lp_map *m, uint64_t table[OPCODES])
{
	size_t n = (m->end - m->start) / sizeof(uint64_t), run = 0;
	lp_auto(lp_free) uint64_t *words = malloc(m->end - m->start);

	if (!words ||
	    py->memory.memory.read(&py->memory.memory, m->start, words, n * sizeof(*words)) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		run = in_loop(&py->runtime, words[i]) ? run + 1 : 0;
		if (run < OPCODES)
			continue;
		memcpy(table, words + i + 1 - OPCODES, OPCODES * sizeof(*table));
		py->step_table_at = m->start + (i + 1 - OPCODES) * sizeof(*table);
		return true;
	}
	return false;
}

static int find_table(struct lp_python *py, uint64_t table[OPCODES], struct lp_err *err)
{
	lp_vec_each (&py->maps.all, m)
		if (!m->exec && !strcmp(m->path, py->file) && find_in(py, m, table))
			return 0;
	return lp_err_set(err, ENOTSUP, "CPython %s: the instructions of its loop are not found",
			  py->version);
}

/* --- the register --- */

/* DWARF's numbers, by capstone's. */
static int dwarf_number(unsigned int reg)
{
	static const uint16_t regs[] = { X86_REG_RAX, X86_REG_RDX, X86_REG_RCX, X86_REG_RBX,
					 X86_REG_RSI, X86_REG_RDI, X86_REG_RBP, X86_REG_RSP,
					 X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
					 X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 };

	for (size_t i = 0; i < LP_ARRAY_SIZE(regs); i++)
		if (regs[i] == reg)
			return (int)i;
	return -1;
}

/* The register that this instruction tells of; -1: none. */
static int tells(const struct lp_py_layout *l, const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;
	const cs_x86_op *to = &x->operands[0], *from = &x->operands[1];

	if (x->op_count != 2)
		return -1;
	if (!l->lasti_unit) {
		if (in->id == X86_INS_MOV && to->type == X86_OP_MEM && from->type == X86_OP_REG &&
		    from->size == 8 && to->mem.disp == l->frame_lasti &&
		    to->mem.index == X86_REG_INVALID && to->mem.base != X86_REG_RSP)
			return dwarf_number(from->reg);
		return -1;
	}
	if (in->id == X86_INS_MOVZX && from->type == X86_OP_MEM && from->size <= 2 &&
	    !from->mem.disp && from->mem.index == X86_REG_INVALID)
		return dwarf_number(from->mem.base);
	return -1;
}

static bool writes(csh cs, const cs_insn *in, int number)
{
	cs_regs read, written;
	uint8_t n_read, n_written;

	if (cs_regs_access(cs, in, read, &n_read, written, &n_written))
		return true;
	for (uint8_t i = 0; i < n_written; i++)
		if (dwarf_number(written[i]) == number)
			return true;
	return false;
}

static bool ends(csh cs, const cs_insn *in)
{
	return cs_insn_group(cs, in, CS_GRP_CALL) || cs_insn_group(cs, in, CS_GRP_RET) ||
	       in->id == X86_INS_JMP;
}

/* What the machine code at addr says: the register, as it is where that code begins. */
static int register_at(struct lp_python *py, csh cs, uint64_t addr)
{
	uint8_t code[LOOK];
	cs_insn *insns;
	int found = -1;

	if (py->memory.memory.read(&py->memory.memory, addr, code, sizeof(code)) < 0)
		return -1;
	size_t n = cs_disasm(cs, code, sizeof(code), addr, INSNS_MAX, &insns);
	for (size_t i = 0; i < n && found < 0 && !ends(cs, &insns[i]); i++)
		found = tells(&py->runtime.layout, &insns[i]);
	for (size_t i = 0; i < n && found >= 0; i++) {
		if (tells(&py->runtime.layout, &insns[i]) == found)
			break;
		if (writes(cs, &insns[i], found))
			found = -1;
	}
	cs_free(insns, n);
	return found;
}

static int find_register(struct lp_python *py, const uint64_t table[OPCODES], uint16_t *ret,
			 struct lp_err *err)
{
	size_t votes[16] = { 0 }, all = 0, best = 0;
	csh cs;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return lp_err_nomem(err);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	for (size_t i = 0; i < OPCODES; i++) {
		int reg = register_at(py, cs, table[i]);

		if (reg < 0)
			continue;
		votes[reg]++;
		all++;
	}
	cs_close(&cs);
	for (size_t i = 1; i < LP_ARRAY_SIZE(votes); i++)
		if (votes[i] > votes[best])
			best = i;
	if (votes[best] < VOTES_MIN || votes[best] * 4 < all * 3)
		return lp_err_set(err, ENOTSUP,
				  "CPython %s: where its loop keeps the next instruction can't be "
				  "told",
				  py->version);
	*ret = (uint16_t)best;
	return 0;
}

/* --- the instruction --- */

static uint8_t base_of(const struct lp_py_opcode *ops, uint8_t op)
{
	return ops[op].base ? ops[op].base : op;
}

/* Pairs that one instruction executes (_PyCode_Quicken() of 3.11, insert_superinstructions() of
 * 3.12); the numbers are the same in both.
 */
enum { LOAD_CONST = 100, LOAD_FAST = 124, STORE_FAST = 125 };

static bool is_pair(int minor, uint8_t first, uint8_t second)
{
	static const uint8_t pairs[][2] = {
		{ LOAD_FAST, LOAD_FAST },  { LOAD_FAST, LOAD_CONST },  { LOAD_CONST, LOAD_FAST },
		{ STORE_FAST, LOAD_FAST }, { STORE_FAST, STORE_FAST },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(pairs); i++)
		if (pairs[i][0] == first && pairs[i][1] == second)
			return minor == 11 || minor == 12;
	return false;
}

/* The first unit from the place's on that is always begun as an instruction of its own. */
static int choose_unit(struct lp_python *py, uint64_t unit, uint64_t *ret_unit, uint8_t *ret_base,
		       struct lp_err *err)
{
	const int minor = py->runtime.layout.minor;
	const struct lp_py_opcode *ops = lp_py_opcodes[minor - LP_PY_MINOR_MIN];
	uint8_t units[2 * (PREFIX_MAX + 1)];

	if (py->memory.memory.read(&py->memory.memory, unit - 2, units, sizeof(units)) < 0)
		return lp_err_set(err, ENOTSUP, "the code at 0x%" PRIx64 " can't be read", unit);
	for (size_t i = 1; i <= PREFIX_MAX; i++) {
		uint8_t before = base_of(ops, units[2 * i - 2]), base = base_of(ops, units[2 * i]);

		if (is_pair(minor, before, base) && base != STORE_FAST)
			continue;
		*ret_unit = unit + 2 * (i - 1);
		*ret_base = base;
		return 0;
	}
	return lp_err_set(err, ENOTSUP, "the line begins with more loads than are looked at");
}

/* A label that is nothing but a jump (3.10's, where the loop's `switch` leads past it) is where it leads. */
static uint64_t follow_jumps(struct lp_python *py, uint64_t addr)
{
	for (int i = 0; i < JUMPS_MAX; i++) {
		uint8_t code[5];
		int32_t far;
		uint64_t to;

		if (py->memory.memory.read(&py->memory.memory, addr, code, sizeof(code)) < 0)
			break;
		memcpy(&far, code + 1, sizeof(far));
		if (code[0] == 0xe9)
			to = addr + 5 + (uint64_t)(int64_t)far;
		else if (code[0] == 0xeb)
			to = addr + 2 + (uint64_t)(int64_t)(int8_t)code[1];
		else
			break;
		if (!in_loop(&py->runtime, to))
			break;
		addr = to;
	}
	return addr;
}

static int add_offset(struct lp_python *py, struct lp_py_step *s, uint64_t addr, struct lp_err *err)
{
	uint64_t offset;

	addr = follow_jumps(py, addr);
	if (lp_symfile_offset(py->symbols, addr - py->bias, &offset) < 0)
		return lp_err_set(err, ENOTSUP, "0x%" PRIx64 " is not in %s", addr, py->file);
	lp_vec_each (&s->offsets, known)
		if (*known == offset)
			return 0;
	return lp_vec_push(&s->offsets, offset) < 0 ? lp_err_nomem(err) : 0;
}

int lp_python_prepare_steps(struct lp_python *py, struct lp_err *err)
{
	lp_auto(lp_free) uint64_t *table = NULL;

	if (py->step_table)
		return 0;
	table = calloc(OPCODES, sizeof(*table));
	if (!table)
		return lp_err_nomem(err);
	int r = find_table(py, table, err);
	if (r >= 0)
		r = find_register(py, table, &py->step_register, err);
	if (r >= 0)
		py->step_table = lp_take(table);
	return r;
}

int lp_python_step(struct lp_python *py, const struct lp_py_place *place, struct lp_py_step *ret,
		   struct lp_err *err)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	const struct lp_py_opcode *ops = lp_py_opcodes[l->minor - LP_PY_MINOR_MIN];
	lp_auto(lp_py_step_done) struct lp_py_step s = { .site = place->site };
	uint64_t unit = 0;
	uint8_t base = 0;

	int r = lp_python_prepare_steps(py, err);
	if (r >= 0)
		r = choose_unit(py, place->site.unit, &unit, &base, err);
	s.site.unit = unit;
	s.site.unit_register = py->step_register;
	s.site.flags |= LP_PY_SITE_STEPS | (ops[base].caches ? LP_PY_SITE_CACHED : 0);
	s.site.unit_delta = l->lasti_unit ? -2 : 0;
	for (size_t op = 0; op < OPCODES && r >= 0; op++)
		if (ops[op].kind != LP_PYOP_BAD && base_of(ops, (uint8_t)op) == base)
			r = add_offset(py, &s, py->step_table[op], err);
	if (r < 0)
		return r;
	*ret = s;
	s.offsets.data = NULL;
	s.offsets.len = s.offsets.cap = 0;
	return 0;
}
