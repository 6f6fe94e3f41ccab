// SPDX-License-Identifier: GPL-2.0-only
/* Lines of real interpreters on the running kernel: every execution is one hit, cold and hot, in many
 * threads, while somebody traces, while garbage is collected; and the values are right.
 */
#include <fcntl.h>

#include "python_probed.h"

#include "expr/location.h"
#include "python/fetch.h"
#include "lp/live.h"
#include "python/step.h"

#include "logpoint.skel.h"

static struct lp_link *watches[4];

static int python_tear_down(void **state)
{
	for (int i = 0; i < 4; i++) {
		lp_link_free(watches[i]);
		watches[i] = NULL;
	}
	probed_stop(state);
	return 0;
}

static void add_fetches(void)
{
	lp_auto(lp_py_fetches_done) struct lp_py_fetches fetches = { 0 };
	struct lp_err err = { 0 };

	if (lp_python_fetches(python, &fetches, &err) < 0)
		fail_msg("%s", err.msg);
	lp_vec_each (&fetches, at)
		assert_int_equal(lp_kernel_add_fetch(kernel, runtime_id, at->ip, &at->fetch, &err),
				 0);
}

static void start_python(const char *path, const char *script)
{
	struct lp_kernel_conf conf = { .python_watch = true,
				       .python_steps = true,
				       .max_points = 4,
				       .max_sites = 16,
				       .max_code = 256 };

	probed_start(path, script, &conf);
	add_fetches();
}

/* By a watchpoint, or in the evaluation loop where this machine's watchpoints bring no hit. */
static void watch_place(const struct lp_py_place *place, uint32_t point, const struct lp_insn *code,
			size_t n, struct lp_link **ret)
{
	bool by_step = !lp_watch_fires();
	lp_auto(lp_py_steps_done) struct lp_py_steps steps = { 0 };
	struct lp_py_step step = { .site = place->site };
	struct lp_err err = { 0 };
	uint32_t sites[16], site;

	if (by_step && lp_python_steps(python, place, &steps, &err) < 0)
		fail_msg("%s", err.msg);
	if (by_step)
		step = steps.data[0];
	step.site.runtime = runtime_id;
	if (lp_kernel_add_python_site(kernel, point, LP_SITE_PLAIN, &step.site, 0, code, n, &site,
				      &err) < 0)
		fail_msg("%s", err.msg);
	if (!by_step) {
		if (lp_kernel_watch(kernel, target.pid, place->watch, ret, &err) < 0)
			fail_msg("%s", err.msg);
		return;
	}

	char path[4096 + 64];
	snprintf(path, sizeof(path), "/proc/%d/root%s", target.pid, lp_python_file(python));
	for (size_t i = 0; i < LP_ARRAY_SIZE(sites); i++)
		sites[i] = site;
	assert_in_range(step.offsets.len, 1, LP_ARRAY_SIZE(sites));
	struct lp_attach a = { .path = path,
			       .pid = target.pid,
			       .n = step.offsets.len,
			       .offsets = step.offsets.data,
			       .sites = sites };
	if (lp_kernel_attach_steps(kernel, &a, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static uint32_t watch_line(int line, const struct lp_insn *code, size_t n)
{
	struct lp_location at = {
		.kind = LP_AT_LINE, .file = "<string>", .line = line, .text = "line"
	};
	struct lp_py_places places = { 0 };
	struct lp_err err = { 0 };
	uint32_t point = add_point((struct lp_point){ 0 });

	if (lp_python_resolve(python, &at, &places, &err) < 0)
		fail_msg("%s", err.msg);
	assert_in_range(places.len, 1, 4);
	for (size_t i = 0; i < places.len; i++)
		watch_place(&places.data[i], point, code, n, &watches[i]);
	lp_vec_done(&places);
	return point;
}

/* i % 1000 == 7 */
static const struct lp_insn one_in_a_thousand[] = {
	INSN(PY_FAST, .dst = 0, .n = 0),
	INSN(PY_INT, .dst = 1, .imm = 1000),
	INSN(PY_ARITH, .dst = 2, .a = 0, .b = 1, .n = LP_PY_MOD),
	INSN(PY_INT, .dst = 3, .imm = 7),
	INSN(PY_COMPARE, .dst = 4, .a = 2, .b = 3, .n = LP_PY_EQ),
	INSN(PY_TRUTH, .dst = 4, .a = 4),
	INSN(CHECK, .a = 4),
	INSN(GATE),
	INSN(CAP_PY, .a = 0, .n = LP_CAP(0, 0), .imm = LP_PY_CAPTURE(256, 32, 3)),
	INSN(END),
};

/* Where all memory is mapped was found, and bpf/direct.h reads there. */
static void assert_read_by_tables(void)
{
	if (lp_watch_fires() && kernel->numbers.function)
		assert_true(kernel->native.live->mapping);
}

static void run_on(const char *path, const char *script, int line, uint64_t hits)
{
	start_python(path, script);
	uint32_t point = watch_line(line, one_in_a_thousand, LP_ARRAY_SIZE(one_in_a_thousand));
	python_go_on(&target);
	assert_string_equal(python_line(&target), "done");

	struct lp_counts c = counts_of(point);
	drain();
	if (c.hits != hits || c.logged != hits / 1000 || c.filtered != hits - hits / 1000)
		fail_msg("%s: %llu hits of %llu, logged %llu, errors %llu", path,
			 (unsigned long long)c.hits, (unsigned long long)hits,
			 (unsigned long long)c.logged, (unsigned long long)c.cond_errors);
	assert_int_equal(seen[LP_REC_HIT], hits / 1000);
	assert_read_by_tables();
}

static void on_each(const char *script, int line, uint64_t hits)
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		printf("%s\n", pythons[i]);
		fflush(stdout);
		run_on(pythons[i], script, line, hits);
		python_tear_down(NULL);
	}
}

#define FUNCTIONS                                                                                  \
	"import sys, gc, threading\n" /* line 1 */                                                 \
	"def f(i, text='text'):\n"                                                                 \
	"    x = i + 1\n" /* line 3 */                                                             \
	"    return x\n"                                                                           \
	"def run(n):\n"                                                                            \
	"    for i in range(n): f(i)\n"
#define READY		 "print('ready'); sys.stdout.flush(); sys.stdin.readline()\n"
#define BEGIN		 FUNCTIONS READY
#define BEGIN_WITH(more) FUNCTIONS more READY
#define END		 "print('done'); sys.stdout.flush(); sys.stdin.readline()\n"

static void each_execution_is_a_hit(void **state)
{
	(void)state;
	on_each(BEGIN "run(4000)\n" END, 3, 4000);
}

static void in_all_threads(void **state)
{
	(void)state;
	on_each(BEGIN "gc.set_threshold(10)\n"
		      "ts = [threading.Thread(target=run, args=(1000,)) for _ in range(8)]\n"
		      "for t in ts: t.start()\n"
		      "for t in ts: t.join()\n" END,
		3, 8000);
}

/* What the program itself prints is what is captured. */
static const void *block_of(const struct lp_record *r, uint16_t slot, uint32_t *ret_len)
{
	const uint8_t *at = (const uint8_t *)(r + 1), *end = (const uint8_t *)r + r->len;

	while (at < end) {
		const struct lp_block *b = (const void *)at;

		if (b->slot == slot && b->status == LP_ST_OK) {
			*ret_len = b->len;
			return b + 1;
		}
		at += sizeof(*b) + LP_ALIGN(b->len);
	}
	return NULL;
}

static struct {
	uint64_t next;
	unsigned int threads, frames;
} checked;

static int check_hit(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;
	const struct lp_py_value *v;
	const struct lp_py_frame *f;
	uint32_t n;

	(void)len, (void)arg;
	if (r->kind != LP_REC_HIT)
		return 0;
	v = block_of(r, 0, &n);
	assert_non_null(v);
	assert_int_equal(v->tag, LP_PY_INT);
	assert_int_equal(v->bits, checked.next);
	checked.next += 1000;

	v = block_of(r, 1, &n); /* i == 7 + a thousand: an attribute of an attribute */
	assert_non_null(v);
	assert_int_equal(v->tag, LP_PY_INT);
	assert_int_equal(v->bits, 42);
	checked.threads += block_of(r, LP_SLOT_PYTHREAD, &n) != NULL;

	f = block_of(r, LP_SLOT_PYSTACK, &n);
	assert_non_null(f);
	assert_int_equal(n, 3 * sizeof(*f)); /* f, run, the module */
	assert_int_equal(f[0].firstlineno, 2);
	assert_int_equal(f[1].firstlineno, 5);
	assert_int_equal(f[2].firstlineno, 1);
	checked.frames += 3;
	return 0;
}

#define KEY(insn_, hash_, text_) /* two instructions of data */                                    \
	memcpy(&code[insn_],                                                                       \
	       &(struct lp_py_key){ .hash = (hash_), .len = sizeof(text_) - 1, .is_ascii = 1 },    \
	       16);                                                                                \
	memcpy(&code[(insn_) + 1], text_, sizeof(text_) - 1)

static void values_threads_and_frames(void **state)
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	(void)state;
	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct lp_insn code[32] = {
			INSN(PY_FAST, .dst = 0, .n = 0),
			INSN(PY_INT, .dst = 1, .imm = 1000),
			INSN(PY_ARITH, .dst = 2, .a = 0, .b = 1, .n = LP_PY_MOD),
			INSN(PY_INT, .dst = 3, .imm = 7),
			INSN(PY_COMPARE, .dst = 4, .a = 2, .b = 3, .n = LP_PY_EQ),
			INSN(PY_TRUTH, .dst = 4, .a = 4),
			INSN(CHECK, .a = 4),
			INSN(GATE),
			INSN(PY_INT, .dst = 5, .imm = 0),
			INSN(PY_ARITH, .dst = 5, .a = 0, .b = 5, .n = LP_PY_ADD),
			INSN(CAP_PY, .a = 5, .n = LP_CAP(0, 0), .imm = LP_PY_CAPTURE(256, 32, 3)),
			INSN(PY_GLOBAL, .dst = 6, .imm = 24),
			INSN(PY_ATTR, .dst = 6, .a = 6, .imm = 26),
			INSN(PY_ATTR, .dst = 6, .a = 6, .imm = 28),
			INSN(PY_INT, .dst = 7, .imm = 1),
			INSN(PY_ARITH, .dst = 6, .a = 6, .b = 7, .n = LP_PY_ADD),
			INSN(CAP_PY, .a = 6, .n = LP_CAP(1, 0), .imm = LP_PY_CAPTURE(256, 32, 3)),
			INSN(CAP_PYSTACK, .n = 64),
			INSN(END),
		};

		start_python(pythons[i],
			     BEGIN_WITH("class C: pass\n"
					"c = C(); c.d = C(); c.d.e = 41\n") "run(5000)\n" END);
		KEY(24, lp_python_hash(python, "c", 1, false), "c");
		KEY(26, lp_python_hash(python, "d", 1, false), "d");
		KEY(28, lp_python_hash(python, "e", 1, false), "e");

		uint32_t point = watch_line(3, code, LP_ARRAY_SIZE(code));
		python_go_on(&target);
		assert_string_equal(python_line(&target), "done");
		checked.next = 7;
		checked.threads = checked.frames = 0;
		assert_true(drain_to(check_hit, NULL) >= 5);
		assert_int_equal(checked.next, 5007);
		assert_in_range(checked.threads, 1, 5);
		assert_int_equal(counts_of(point).hits, 5000);
		python_tear_down(NULL);
	}
}

static void while_somebody_traces(void **state)
{
	(void)state;
	on_each(BEGIN "def tracer(frame, event, arg): return tracer\n"
		      "run(1000)\n"
		      "sys.settrace(tracer)\n"
		      "run(2000)\n"
		      "sys.settrace(None)\n"
		      "run(1000)\n" END,
		3, 4000);
}

#define PYTHON_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, python_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PYTHON_CASE(each_execution_is_a_hit),
		PYTHON_CASE(in_all_threads),
		PYTHON_CASE(while_somebody_traces),
		PYTHON_CASE(values_threads_and_frames),
	};

	return cmocka_run_group_tests_name("python_live", tests, NULL, NULL);
}
