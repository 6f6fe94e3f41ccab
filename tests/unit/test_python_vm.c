// SPDX-License-Identifier: GPL-2.0-only
/* Operations on the objects of a live interpreter, against what Python itself makes of the very same
 * operands: the same, or an error in place; never another value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>

#include "python/python.h"
#include "python_target.h"

#define WRONG_MAX 40 /* are shown */

static pid_t target;

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	struct iovec to = { dst, len }, from = { (void *)(uintptr_t)addr, len };

	if (process_vm_readv(target, &to, 1, &from, 1, 0) == (ssize_t)len)
		return 0;
	memset(dst, 0, len);
	return -14;
}

#include "pyvm_world.h"

/* Prints "OP N A B KIND VALUE [NAME]": operands by address, what comes out of it. KIND: b a bool, i an
 * int of 64 bits, o the object at VALUE, e an object that equals it, x an exception of that name.
 */
static const char script[] =
#include "python_vm_script.inc"
	;

static const struct {
	const char *name;
	uint8_t op;
} ops[] = {
	{ "compare", LP_OP_PY_COMPARE }, { "is", LP_OP_PY_IS },
	{ "in", LP_OP_PY_IN },		 { "isinstance", LP_OP_PY_ISINSTANCE },
	{ "starts", LP_OP_PY_STARTS },	 { "ends", LP_OP_PY_ENDS },
	{ "arith", LP_OP_PY_ARITH },	 { "item", LP_OP_PY_ITEM },
	{ "len", LP_OP_PY_LEN },	 { "truth", LP_OP_PY_TRUTH },
	{ "type", LP_OP_PY_TYPE },	 { "neg", LP_OP_PY_NEG },
	{ "inv", LP_OP_PY_INV },	 { "attr", LP_OP_PY_ATTR },
	{ "slice", LP_OP_PY_SLICE },	 { "number", LP_OP_PY_COMPARE },
};

struct line {
	char op[16], kind, name[128];
	int n;
	uint64_t a, b, value, hash;
};

/* What statuses an exception may come as. */
static const struct {
	const char *exception;
	uint8_t status;
} errors[] = {
	{ "TypeError", LP_ST_WRONG_TYPE },	{ "AttributeError", LP_ST_NO_ATTR },
	{ "AttributeError", LP_ST_WRONG_TYPE }, { "IndexError", LP_ST_NO_ITEM },
	{ "KeyError", LP_ST_NO_ITEM },		{ "ZeroDivisionError", LP_ST_DIV_ZERO },
	{ "ValueError", LP_ST_WRONG_TYPE },
};

static uint8_t op_of(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (!strcmp(ops[i].name, name))
			return ops[i].op;
	fail_msg("no operation %s", name);
	return 0;
}

static bool is_evasive(unsigned int status)
{
	return status == LP_ST_RUNS_CODE || status == LP_ST_TOO_BIG || status == LP_ST_UNAVAILABLE;
}

static bool raises(const char *exception, unsigned int status)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(errors[i].exception, exception) && errors[i].status == status)
			return true;
	return false;
}

static unsigned int n_cases, n_evaded, n_wrong, n_soon;

/* Runs the operation: the status, LP_ST_OK with r2 the result and r4 how it compares. */
static unsigned int run_line(const struct line *l)
{
	struct lp_insn code[32] = {
		INSN(PY_OBJECT, .dst = 0, .imm = l->a),
		INSN(PY_OBJECT, .dst = 1, .imm = l->b),
		{ .op = op_of(l->op), .dst = 2, .a = 0, .b = 1, .n = (uint32_t)l->n },
		INSN(PY_OBJECT, .dst = 3, .imm = l->value),
		INSN(GATE),
		INSN(END),
	};
	struct lp_py_key key = { .hash = l->hash, .len = (uint32_t)strlen(l->name), .is_ascii = 1 };

	if (!strcmp(l->op, "number")) /* b is the program's, no object */
		code[1] = INSN(PY_INT, .dst = 1, .imm = l->b);
	if (code[2].op == LP_OP_PY_ATTR)
		code[2].imm = 8;
	if (code[2].op == LP_OP_PY_SLICE) {
		code[2].b = l->b ? 1 : LP_PY_OPEN;
		code[2].n = LP_PY_OPEN;
	}
	for (size_t i = 0; i < strlen(key.is_ascii ? l->name : ""); i++)
		if ((unsigned char)l->name[i] > 127)
			key.is_ascii = 0;
	memcpy(&code[8], &key, sizeof(key));
	memcpy(&code[9], l->name, strlen(l->name));
	if (l->kind == 'e')
		code[4] = INSN(PY_COMPARE, .dst = 4, .a = 2, .b = 3, .n = LP_PY_EQ);
	pyvm_run(code, 32);
	return vm.outcome == LP_OUT_COND_ERROR ? vm.status : LP_ST_OK;
}

static bool is_right(const struct line *l)
{
	switch (l->kind) {
	case 'b':
		return (vm.py.tags[2] == LP_PY_BOOL || vm.py.tags[2] == LP_PY_INT) &&
		       vm.reg[2] == l->value;
	case 'i':
		return (vm.py.tags[2] == LP_PY_INT || vm.py.tags[2] == LP_PY_BOOL) &&
		       vm.reg[2] == l->value;
	case 'o':
		return vm.py.tags[2] == LP_PY_OBJECT && vm.reg[2] == l->value;
	case 'e':
		return vm.reg[4] == 1;
	default:
		return false;
	}
}

static void check_line(const char *python, const char *text)
{
	struct line l = { 0 };
	char value[64] = "";
	int at = 0;

	if (sscanf(text, "%15s %d %" SCNu64 " %" SCNu64 " %c %63s %" SCNi64 " %n", l.op, &l.n, &l.a,
		   &l.b, &l.kind, value, (int64_t *)&l.hash, &at) < 7)
		fail_msg("%s: not a case: %s", python, text);
	snprintf(l.name, sizeof(l.name), "%s", text + at);
	l.value = l.kind == 'x' ? 0 : (uint64_t)strtoll(value, NULL, 10);

	/* what is remembered is of one instruction, and each case is another */
	memset(pyvm.caches, 0, sizeof(pyvm.caches));

	unsigned int status = run_line(&l);
	n_cases++;
	if (is_evasive(status)) {
		n_evaded++;
		if (getenv("PYVM_EVADED"))
			printf("%u %s\n", status, text);
		return;
	}
	if (l.kind == 'x' ? !raises(value, status) : status || !is_right(&l)) {
		n_wrong++;
		print_error("%s: %s: status %u, tag %u, %lld\n", python, text, status,
			    vm.py.tags[2], (long long)vm.reg[2]);
		return;
	}
	if (l.kind == 'x' || (strcmp(l.op, "attr") && strcmp(l.op, "number")))
		return;
	for (int soon = 0; soon < 2;
	     soon++) { /* once more, by the cache; then soon, where it can be */
		pyvm.soon = soon;
		status = run_line(&l);
		pyvm.soon = false;
		n_soon += soon && vm.py.op == LP_OP_PY_OBJECT; /* the machine had no other */
		if (status || !is_right(&l)) {
			n_wrong++;
			print_error("%s: again: %s: status %u\n", python, text, status);
		}
	}
}

static void operations_are_pythons(void **state)
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	(void)state;
	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct python_target t;
		struct lp_python *py = NULL;
		struct lp_err err = { 0 };

		python_start(&t, pythons[i], script);
		python_line(&t);
		if (lp_python_open(t.pid, &py, &err) < 0)
			fail_msg("%s: %s", pythons[i], err.msg);
		target = t.pid;
		pyvm.runtime = lp_python_runtime(py);
		n_cases = n_evaded = n_wrong = n_soon = 0;
		python_go_on(&t);
		while (n_wrong < WRONG_MAX && strcmp(python_line(&t), "end"))
			check_line(pythons[i], t.line);
		printf("%s: %u operations, of %u it is said that they can't be done\n", pythons[i],
		       n_cases, n_evaded);
		assert_int_equal(n_wrong, 0);
		assert_true(n_cases > 10000);
		assert_true(n_evaded < n_cases / 4);
		assert_true(n_soon > 100);
		lp_python_free(py);
		python_stop(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_pythons),
	};

	return cmocka_run_group_tests_name("python_vm", tests, NULL, NULL);
}
