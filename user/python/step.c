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

#include "python/code.h"
#include "python/machine.h"

#define OPCODES	  256
#define LOOK	  256 /* bytes of machine code looked at for one instruction */
#define INSNS_MAX 48
#define VOTES_MIN 4  /* instructions that agree on the register */
#define VOTES_MAX 24 /* that are asked */
#define JUMPS_MAX 4
#define IN_LOOP	  200 /* of a table's entries */

void lp_py_step_done(struct lp_py_step *s)
{
	lp_vec_done(&s->offsets);
}

void lp_py_steps_done(struct lp_py_steps *steps)
{
	lp_vec_each (steps, s)
		lp_py_step_done(s);
	lp_vec_done(steps);
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
static int find_in(struct lp_python *py, uint64_t at, const uint64_t *words, size_t n, void *arg)
{
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		run = in_loop(&py->runtime, words[i]) ? run + 1 : 0;
		if (run < OPCODES)
			continue;
		memcpy(arg, words + i + 1 - OPCODES, OPCODES * sizeof(*words));
		py->step_table_at = at + (i + 1 - OPCODES) * sizeof(*words);
		return 1;
	}
	return 0;
}

static int find_table(struct lp_python *py, uint64_t table[OPCODES], struct lp_err *err)
{
	int r = lp_py_each_words(py, false, OPCODES - 1, find_in, table);

	if (!r)
		r = lp_py_each_words(py, true, OPCODES - 1, find_in, table);
	if (r < 0)
		return lp_err_nomem(err);
	return r ? 0
		 : lp_err_set(err, ENOTSUP,
			      "CPython %s: the instructions of its loop are not found",
			      py->version);
}

/* --- the register --- */

/* The register that this instruction tells of; LP_MACHINE_NONE. */
static uint8_t tells(const struct lp_py_layout *l, const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;
	const cs_x86_op *to = &x->operands[0], *from = &x->operands[1];

	if (x->op_count != 2)
		return LP_MACHINE_NONE;
	if (!l->lasti_unit) {
		if (in->id == X86_INS_MOV && to->type == X86_OP_MEM && from->type == X86_OP_REG &&
		    from->size == 8 && to->mem.disp == l->frame_lasti &&
		    to->mem.index == X86_REG_INVALID && to->mem.base != X86_REG_RSP)
			return lp_machine_register(from->reg);
		return LP_MACHINE_NONE;
	}
	if (in->id == X86_INS_MOVZX && from->type == X86_OP_MEM && from->size <= 2 &&
	    !from->mem.disp && from->mem.index == X86_REG_INVALID)
		return lp_machine_register(from->mem.base);
	return LP_MACHINE_NONE;
}

static bool writes(csh cs, const cs_insn *in, uint8_t number)
{
	cs_regs read, written;
	uint8_t n_read, n_written;

	if (cs_regs_access(cs, in, read, &n_read, written, &n_written))
		return true;
	for (uint8_t i = 0; i < n_written; i++)
		if (lp_machine_register(written[i]) == number)
			return true;
	return false;
}

static bool ends(csh cs, const cs_insn *in)
{
	return cs_insn_group(cs, in, CS_GRP_CALL) || cs_insn_group(cs, in, CS_GRP_RET) ||
	       in->id == X86_INS_JMP;
}

/* What the machine code at addr says: the register, as it is where that code begins. */
static uint8_t register_at(struct lp_python *py, csh cs, uint64_t addr)
{
	uint8_t code[LOOK];
	cs_insn *insns;
	uint8_t found = LP_MACHINE_NONE;

	if (py->memory.memory.read(&py->memory.memory, addr, code, sizeof(code)) < 0)
		return LP_MACHINE_NONE;
	size_t n = cs_disasm(cs, code, sizeof(code), addr, INSNS_MAX, &insns);
	for (size_t i = 0; i < n && found == LP_MACHINE_NONE && !ends(cs, &insns[i]); i++)
		found = tells(&py->runtime.layout, &insns[i]);
	for (size_t i = 0; i < n && found != LP_MACHINE_NONE; i++) {
		if (tells(&py->runtime.layout, &insns[i]) == found)
			break;
		if (writes(cs, &insns[i], found))
			found = LP_MACHINE_NONE;
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
	for (size_t i = 0; i < OPCODES && all < VOTES_MAX; i++) {
		if (i && table[i] == table[i - 1])
			continue;
		const uint8_t reg = register_at(py, cs, table[i]);
		if (reg == LP_MACHINE_NONE)
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

/* --- the instructions --- */

static const struct lp_py_opcode *opcodes_of(const struct lp_python *py)
{
	return lp_py_opcodes[py->runtime.layout.minor - LP_PY_MINOR_MIN];
}

/* Pairs that one instruction executes (_PyCode_Quicken() of 3.11, insert_superinstructions() of
 * 3.12); the numbers are the same in both.
 */
enum { LOAD_CONST = 100, LOAD_FAST = 124, STORE_FAST = 125 };

static bool is_pair(const struct lp_py_flow *f, const struct lp_py_instr *first,
		    const struct lp_py_instr *second)
{
	static const uint8_t pairs[][2] = {
		{ LOAD_FAST, LOAD_FAST },  { LOAD_FAST, LOAD_CONST },  { LOAD_CONST, LOAD_FAST },
		{ STORE_FAST, LOAD_FAST }, { STORE_FAST, STORE_FAST },
	};

	if ((f->minor != 11 && f->minor != 12) || second->unit != first->op_unit + 1)
		return false;
	for (size_t i = 0; i < LP_ARRAY_SIZE(pairs); i++)
		if (pairs[i][0] == first->op && pairs[i][1] == second->op)
			return second->unit == second->op_unit;
	return false;
}

/* What begins at the instruction's first unit. */
static uint8_t begins_with(const struct lp_python *py, const struct lp_py_instr *in)
{
	const struct lp_py_opcode *ops = opcodes_of(py);
	int op = in->op;

	if (in->unit != in->op_unit)
		for (op = 0; op < OPCODES - 1; op++)
			if (ops[op].kind == LP_PYOP_EXTENDED && !ops[op].base)
				break;
	return (uint8_t)op;
}

static bool is_form(const struct lp_py_opcode *ops, size_t form, uint8_t op)
{
	return ops[form].kind != LP_PYOP_BAD && (ops[form].base ? ops[form].base : form) == op;
}

static bool is_instrumented(const struct lp_py_opcode *op)
{
	return !strncmp(op->name, "INSTRUMENTED_", strlen("INSTRUMENTED_"));
}

/* Has it a counter behind it by which it is replaced by another form, which then begins anew? */
static bool is_adaptive(const struct lp_py_opcode *ops, uint8_t op)
{
	if (!ops[op].caches || ops[op].kind == LP_PYOP_JUMP_BACK)
		return false;
	for (size_t i = 0; i < OPCODES; i++)
		if (i != op && is_form(ops, i, op) && !is_instrumented(&ops[i]))
			return true;
	return false;
}

/* The form that only chooses another one, which then begins: JUMP_BACKWARD of 3.14. */
static bool is_passing(const struct lp_python *py, size_t op)
{
	return py->runtime.layout.minor >= 14 && opcodes_of(py)[op].kind == LP_PYOP_JUMP_BACK &&
	       !opcodes_of(py)[op].base;
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

/* Where all forms of the instruction begin. */
static int add_offsets(struct lp_python *py, struct lp_py_step *s, struct lp_err *err)
{
	int r = 0;

	for (size_t op = 0; op < OPCODES && r >= 0; op++)
		if (is_form(opcodes_of(py), op, s->op) && !is_passing(py, op))
			r = add_offset(py, s, py->step_table[op], err);
	return r;
}

static int add_step(struct lp_python *py, const struct lp_py_site *site, uint64_t unit, uint8_t op,
		    struct lp_py_steps *ret, struct lp_err *err)
{
	const struct lp_py_opcode *ops = opcodes_of(py);
	lp_auto(lp_py_step_done) struct lp_py_step s = {
		.site = *site,
		.op = op,
		.returns = ops[op].kind == LP_PYOP_RETURN,
		.name = ops[op].name,
		.weight = ops[op].weight,
	};

	lp_vec_each (ret, known)
		if (known->op == op)
			return 0;
	s.site.unit = unit;
	s.site.unit_register = py->step_register;
	s.site.unit_delta = py->runtime.layout.lasti_unit ? -2 : 0;
	s.site.flags = (s.site.flags & ~LP_PY_SITE_RESUMES) | LP_PY_SITE_STEPS;
	if (py->runtime.layout.minor >= 12 && ops[op].kind == LP_PYOP_RESUME)
		s.site.flags |= LP_PY_SITE_RESUMES;
	else if (is_adaptive(ops, op))
		s.site.flags |= LP_PY_SITE_CACHED;
	int r = add_offsets(py, &s, err);
	if (r < 0)
		return r;
	if (lp_vec_push(ret, s) < 0)
		return lp_err_nomem(err);
	s.offsets.data = NULL;
	return 0;
}

/* Those of the run from `first` on that always begin by themselves. */
static int add_begun(struct lp_python *py, const struct lp_py_site *site,
		     const struct lp_py_flow *flow, uint32_t first, uint32_t n_arguments,
		     uint64_t units, struct lp_py_steps *ret, struct lp_err *err)
{
	uint32_t run[LP_PY_RUN_MAX];
	const size_t n = lp_py_flow_run(flow, first, n_arguments, run);
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct lp_py_instr *in = &flow->instrs.data[run[i]];

		if (run[i] == 0 || !is_pair(flow, in - 1, in))
			r = add_step(py, site, units + 2 * (uint64_t)in->unit, begins_with(py, in),
				     ret, err);
	}
	return r;
}

/* Those of the place. */
static int add_run(struct lp_python *py, const struct lp_py_place *place,
		   const struct lp_py_code *code, struct lp_py_steps *ret, struct lp_err *err)
{
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	uint32_t n_arguments, first = 0;
	uint64_t units;

	int r = lp_py_code_flow(py, code, &flow, &units);
	if (r == 0)
		r = lp_py_code_arguments(py, code, &n_arguments);
	if (r == -ENOMEM)
		return lp_err_nomem(err);
	while (r == 0 && first < flow.instrs.len &&
	       units + 2 * (uint64_t)flow.instrs.data[first].unit != place->site.unit)
		first++;
	if (r < 0 || first == flow.instrs.len)
		return lp_err_set(err, ENOTSUP, "the code of %s can't be read", place->function);

	r = add_begun(py, &place->site, &flow, first, n_arguments, units, ret, err);
	/* none: of lines that begin with a local that is not bound, hits are lost */
	if (r >= 0 && !ret->len)
		r = add_begun(py, &place->site, &flow, first, UINT32_MAX, units, ret, err);
	return r;
}

#define CALLS_WEIGHT 40

/* PyObject *_PyEval_EvalFrameDefault(PyThreadState *tstate, PyFrameObject *f, int throwflag), without the
 * first in 3.8.
 */
static int add_calls(struct lp_python *py, const struct lp_py_site *site, struct lp_py_steps *ret,
		     struct lp_err *err)
{
	enum { RDX = 1, RSI = 4, RDI = 5 };
	const bool has_thread = py->runtime.layout.minor >= 9;
	lp_auto(lp_py_step_done) struct lp_py_step s = {
		.site = *site,
		.op = LP_PY_STEP_CALLS,
		.name = "function calls",
		.weight = CALLS_WEIGHT,
	};
	uint64_t offset;

	s.site.unit_register = has_thread ? RSI : RDI;
	s.site.unit_delta = has_thread ? RDX : RSI;
	s.site.flags |= LP_PY_SITE_STEPS | LP_PY_SITE_CALLED;
	int r = lp_python_function_offset(py, "_PyEval_EvalFrameDefault", &offset, err);
	if (r < 0)
		return r;
	if (lp_vec_push(&s.offsets, offset) < 0 || lp_vec_push(ret, s) < 0)
		return lp_err_nomem(err);
	s.offsets.data = NULL;
	return 0;
}

int lp_python_steps(struct lp_python *py, const struct lp_py_place *place, struct lp_py_steps *ret,
		    struct lp_err *err)
{
	lp_auto(lp_py_steps_done) struct lp_py_steps steps = { 0 };
	struct lp_py_codes *codes;

	if (place->by_call)
		return add_calls(py, &place->site, ret, err);

	int r = lp_python_prepare_steps(py, err);
	if (r >= 0)
		r = lp_py_codes_get(py, &codes, err);
	if (r < 0)
		return r;

	const struct lp_py_code *code = lp_py_code_at(codes, place->site.code);
	if (!code || code->name != place->site.name)
		return lp_err_set(err, ESRCH, "the code of %s is gone", place->function);
	r = add_run(py, place, code, &steps, err);
	if (r < 0)
		return r;
	if (!steps.len)
		return lp_err_set(err, ENOTSUP,
				  "line %d of %s has no instruction that CPython %s always begins",
				  place->line, place->function, py->version);
	*ret = steps;
	steps.data = NULL;
	steps.len = 0;
	return 0;
}
