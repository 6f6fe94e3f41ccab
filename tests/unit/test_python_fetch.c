// SPDX-License-Identifier: GPL-2.0-only
/* What the machine code of real loops is said to do, against what it does, instruction by instruction:
 * each unit that is executed was read by one of the fetches, and what that had yet to store is in
 * memory when the unit's handler begins.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "python/fetch.h"
#include "python/impl.h"
#include "python/step.h"
#include "python_target.h"

#define STEPS	     50000
#define EXECUTED_MIN 250
#define LATE_MIN     10 /* stores that were seen to come */
#define NEAR	     64 /* instructions from a fetch to the handler, where nothing is called */

static const char script[] =
	"G = 5\n"
	"class C:\n"
	"    def __init__(self, n):\n"
	"        self.n = n\n"
	"        self.m = [n]\n"
	"    def get(self):\n"
	"        return self.n\n"
	"def gen(n):\n"
	"    for i in range(n):\n"
	"        yield i\n"
	"def glob():\n"
	"    return G\n"
	"def work(n):\n"
	"    total, text, table, items, c = 0, '', {}, [1, 2, 3], C(n)\n"
	"    def inner():\n"
	"        nonlocal total\n"
	"        total += 1\n"
	"        return total\n"
	"    for i in gen(4):\n"
	"        a, b = i, c.get()\n"
	"        a, b = b, a\n"
	"        c.n = a + glob()\n"
	"        c.extra = float(i) * 2.5 - i\n"
	"        if c.extra * 2.0 > c.extra + 0.5:\n"
	"            a = 1\n"
	"        items[0] = items[1] + inner()\n"
	"        table[i] = table.get(i, len(items))\n"
	"        table['x'] = [k for k in items if k > 1]\n"
	"        text += 'y'\n"
	"        if isinstance(c, C) and a is not None and i < 3 and not text == 'z':\n"
	"            items.append(a)\n"
	"        try:\n"
	"            items[99]\n"
	"        except IndexError as e:\n"
	"            x = f'{a}'\n"
	"        b = max(a, b) if a != b else items[-1]\n"
	"        (first, *rest), last = items, {**table}\n"
	"        del last[i]\n"
	"        flag = not i > 1\n"
	"        other = not table, not rest\n"
	"        while b > 0 and a:\n"
	"            b -= 30\n"
	"    return total\n"
	"for warm in range(40):\n"
	"    work(warm)\n"
	"print('ready', flush=True)\n"
	"while True:\n"
	"    work(3)\n";

static struct python_target target;
static struct lp_python *py;
static struct lp_py_fetches fetches;

struct walker {
	struct user_regs_struct regs;
	const struct lp_py_fetch_at *fetch; /* the latest */
	struct lp_py_late late[LP_PY_LATE_MAX];
	uint64_t addr[LP_PY_LATE_MAX], value[LP_PY_LATE_MAX];
	uint32_t n, since;
	uint64_t unit; /* of the handler that ran */
	size_t executed, unread, stored, conditional, unequal, blind;
};

static uint64_t register_of(const struct user_regs_struct *r, unsigned int number)
{
	const uint64_t all[] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp,
				 r->r8,	 r->r9,	 r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };

	return number < 16 ? all[number] : number == LP_PY_FLAGS ? r->eflags : 0;
}

static uint64_t part_of(uint64_t v, unsigned int part)
{
	return part == LP_PY_BIT      ? v & 1
	       : part == LP_PY_HALF   ? (uint16_t)v
	       : part == LP_PY_LOW    ? (uint32_t)v
	       : part == LP_PY_SIGNED ? (uint64_t)(int64_t)(int32_t)v
	       : part == LP_PY_MINUS  ? (uint64_t)(int64_t) - (int32_t)v
				      : v;
}

static uint64_t word_at(uint64_t addr)
{
	uint64_t word = 0;

	lp_python_memory(py)->read(lp_python_memory(py), addr, &word, sizeof(word));
	return word;
}

static bool is_done(const struct walker *w, const struct lp_py_late *l)
{
	uint64_t left = register_of(&w->regs, l->left);

	if (l->flags & LP_PY_LATE_LEFT_WORD)
		left = word_at(left + (uint64_t)(int64_t)l->left_disp);
	uint64_t right = register_of(&w->regs, l->right) | l->right_or;
	bool equal = ((left ^ right) & l->mask) == 0;
	return !(l->flags & LP_PY_LATE_IF) || equal == !!(l->flags & LP_PY_LATE_EQUAL);
}

static void note_fetch(struct walker *w, const struct lp_py_fetch_at *at)
{
	const struct lp_py_fetch *f = &at->fetch;

	w->fetch = at;
	w->since = w->n = 0;
	w->blind += !!(f->flags & LP_PY_FETCH_BLIND);
	for (uint32_t i = 0; i < f->n; i++) {
		const struct lp_py_late *l = &f->late[i];
		uint64_t base = register_of(&w->regs, l->base);

		w->conditional += !!(l->flags & LP_PY_LATE_IF);
		if (l->flags & LP_PY_LATE_UNKNOWN || !is_done(w, l))
			continue;
		if (l->flags & LP_PY_LATE_INDIRECT)
			base = word_at(base + (uint64_t)(int64_t)l->base_disp);
		w->late[w->n] = *l;
		w->addr[w->n] = base + (uint64_t)l->disp +
				(part_of(register_of(&w->regs, l->index), l->part) << l->shift);
		w->value[w->n] = register_of(&w->regs, l->from) + (uint64_t)l->add;
		if (l->flags & LP_PY_LATE_WORD)
			w->value[w->n] = word_at(w->value[w->n]);
		w->value[w->n] |= l->tags;
		w->n++;
	}
}

static void note_handler(struct walker *w)
{
	uint64_t unit = register_of(&w->regs, py->step_register);

	w->executed++;
	if (!w->fetch) { /* a specialised one that gives up is executed again, as what it is a form of */
		w->unread += w->unit && unit != w->unit;
		w->unit = unit;
		return;
	}
	for (uint32_t i = 0; i < w->n && w->since < NEAR; i++) {
		if (i + 1 < w->n && w->addr[i + 1] == w->addr[i]) /* the last one counts */
			continue;
		uint64_t mask = w->late[i].size < 8 ? (1ull << w->late[i].size * 8) - 1 : ~0ull;
		mask &= ~(uint64_t)py->runtime.layout.frame_tags;
		bool right = ((word_at(w->addr[i]) ^ w->value[i]) & mask) == 0;

		w->stored++;
		w->unequal += !right;
		if (!right)
			print_message("%s: 0x%" PRIx64 " did not store %u at base %u\n",
				      lp_python_version(py), w->fetch->ip - py->bias, i,
				      w->late[i].base);
	}
	w->fetch = NULL;
	w->unit = unit;
}

static const struct lp_py_fetch_at *fetch_at(uint64_t ip)
{
	lp_vec_each (&fetches, at)
		if (at->ip == ip)
			return at;
	return NULL;
}

static bool is_handler(uint64_t ip)
{
	for (size_t op = 0; op < 256; op++)
		if (py->step_table[op] == ip)
			return true;
	return false;
}

static void walk(struct walker *w)
{
	int status;

	for (size_t i = 0; i < STEPS; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, target.pid, 0, 0), 0);
		assert_int_equal(waitpid(target.pid, &status, __WALL), target.pid);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(ptrace(PTRACE_GETREGS, target.pid, 0, &w->regs), 0);
		w->since++;
		const struct lp_py_fetch_at *at = fetch_at(w->regs.rip);
		if (at)
			note_fetch(w, at);
		if (is_handler(w->regs.rip))
			note_handler(w);
	}
}

static void check(const char *path)
{
	struct walker w = { 0 };
	struct lp_err err = { 0 };
	int status;

	python_start(&target, path, script);
	assert_string_equal(python_line(&target), "ready");
	if (lp_python_open(target.pid, &py, &err) < 0 || lp_python_fetches(py, &fetches, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	if (ptrace(PTRACE_ATTACH, target.pid, 0, 0) < 0) {
		print_message("%s\n", strerror(errno));
		skip();
	}
	assert_int_equal(waitpid(target.pid, &status, __WALL), target.pid);
	walk(&w);
	print_message(
		"%s: %zu fetches; %zu executed, %zu of them not seen read; %zu late stores, %zu "
		"of them not seen; %zu conditional\n",
		path, fetches.len, w.executed, w.unread, w.stored, w.unequal, w.conditional);
	assert_in_range(w.executed, EXECUTED_MIN, STEPS);
	assert_int_equal(w.unread, 0);
	assert_int_equal(w.unequal, 0);
	assert_int_equal(w.blind, 0);
	if (py->runtime.layout.minor >= 11)
		assert_in_range(w.stored, LATE_MIN, STEPS);
}

static int tear_down(void **state)
{
	(void)state;
	if (target.pid)
		ptrace(PTRACE_DETACH, target.pid, 0, 0);
	python_stop(&target);
	lp_py_fetches_done(&fetches);
	lp_python_free(py);
	py = NULL;
	return 0;
}

static void each_interpreter(void **state)
{
	static char paths[PYTHONS_MAX][256];
	size_t n = python_find(paths);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		check(paths[i]);
		tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_interpreter, tear_down),
	};

	return cmocka_run_group_tests_name("python_fetch", tests, NULL, NULL);
}
