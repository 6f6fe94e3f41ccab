// SPDX-License-Identifier: GPL-2.0-only
/* Where lines of real interpreters can be probed in the evaluation loop: each of the instructions that
 * a place can be probed at is hit exactly when the place is, cold and specialised, with the same
 * values; and its machine code is what it should be.
 */
#include <capstone/capstone.h>

#include "python_probed.h"

#include "expr/location.h"
#include "python/impl.h"
#include "python/step.h"

#define TIMES	  200 /* each line is executed: beyond what specialises it, and what undoes that */
#define STEPS_MAX 640
/* Of the script: those from the first to the last are executed in each call. */
#define FIRST_LINE 9
#define LAST_LINE  43
#define END_LINE   65

static struct lp_link *link_of_all;

static const struct lp_kernel_conf conf = { .python_steps = true,
					    .max_points = STEPS_MAX,
					    .max_sites = STEPS_MAX,
					    .max_code = STEPS_MAX * 16 };

/* One way of probing one place. */
static struct step {
	int line;
	size_t place; /* number of it */
	uint32_t point;
	char name[32];
} steps[STEPS_MAX];
static size_t n_steps, n_places, n_choices;

static struct {
	LP_VEC(uint64_t) offsets;
	LP_VEC(uint32_t) sites;
} probes;

static int step_tear_down(void **state)
{
	lp_link_free(link_of_all);
	link_of_all = NULL;
	probed_stop(state);
	lp_vec_done(&probes.offsets);
	lp_vec_done(&probes.sites);
	n_steps = n_places = n_choices = 0;
	return 0;
}

/* The first local is a number below 100. */
static const struct lp_insn program[] = {
	INSN(PY_FAST, .dst = 0, .n = 0),
	INSN(PY_INT, .dst = 1, .imm = 100),
	INSN(PY_COMPARE, .dst = 4, .a = 0, .b = 1, .n = LP_PY_LT),
	INSN(PY_TRUTH, .dst = 4, .a = 4),
	INSN(CHECK, .a = 4),
	INSN(GATE),
	INSN(CAP_PY, .a = 0, .n = LP_CAP(0, 0), .imm = LP_PY_CAPTURE(64, 4, 1)),
	INSN(END),
};

static const struct lp_map *mapping_of(uint64_t offset)
{
	lp_vec_each (&python->maps.all, m)
		if (m->exec && !strcmp(m->path, python->file) && offset >= m->offset &&
		    offset - m->offset < m->end - m->start)
			return m;
	fail_msg("offset 0x%lx is not mapped", (unsigned long)offset);
	return NULL;
}

/* Instructions of the loop's code, which no jump, and no breakpoint of somebody, begins. */
static void check_machine_code(csh cs, const struct lp_py_step *step, uint64_t addr)
{
	const struct lp_py_runtime *rt = lp_python_runtime(python);
	uint8_t code[64];
	cs_insn *insns;
	bool inside = false;

	for (size_t i = 0; i < LP_PY_RANGES_MAX; i++)
		inside = inside || (addr >= rt->loop[i][0] && addr < rt->loop[i][1]);
	if (!inside)
		fail_msg("%s: 0x%lx is not in the loop", step->name, (unsigned long)addr);
	struct lp_memory *m = lp_python_memory(python);
	assert_int_equal(m->read(m, addr, code, sizeof(code)), 0);
	size_t n = cs_disasm(cs, code, sizeof(code), addr, 3, &insns);
	if (n < 3)
		fail_msg("%s: no machine code at 0x%lx", step->name, (unsigned long)addr);
	if (insns[0].id == X86_INS_JMP || insns[0].id == X86_INS_NOP || insns[0].id == X86_INS_INT3)
		fail_msg("%s: begins with %s", step->name, insns[0].mnemonic);
	cs_free(insns, n);
}

static void add_step(csh cs, const struct lp_py_step *step, int line)
{
	struct lp_py_site site = step->site;
	struct lp_err err = { 0 };
	uint32_t id;

	assert_true(n_steps < STEPS_MAX);
	struct step *s = &steps[n_steps++];
	*s = (struct step){ .line = line, .place = n_places };
	snprintf(s->name, sizeof(s->name), "%s", step->name);
	s->point = add_point((struct lp_point){ 0 });
	site.runtime = runtime_id;
	if (lp_kernel_add_python_site(kernel, s->point, LP_SITE_PLAIN, &site, 0, program,
				      LP_ARRAY_SIZE(program), &id, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(step->offsets.len > 0);
	lp_vec_each (&step->offsets, offset) {
		const struct lp_map *m = mapping_of(*offset);

		check_machine_code(cs, step, m->start + (*offset - m->offset));
		assert_int_equal(lp_vec_push(&probes.offsets, *offset), 0);
		assert_int_equal(lp_vec_push(&probes.sites, id), 0);
	}
}

static void add_line(csh cs, int line)
{
	struct lp_location at = {
		.kind = LP_AT_LINE, .file = "<string>", .line = line, .text = "line"
	};
	struct lp_py_places places = { 0 };
	struct lp_err err = { 0 };

	if (lp_python_resolve(python, &at, &places, &err) < 0)
		return;
	lp_vec_each (&places, place) {
		lp_auto(lp_py_steps_done) struct lp_py_steps found = { 0 };

		if (strcmp(place->function, "f") != 0)
			continue;
		if (lp_python_steps(python, place, &found, &err) < 0)
			fail_msg("line %d: %s", line, err.msg);
		n_choices += found.len > 1;
		lp_vec_each (&found, step)
			add_step(cs, step, line);
		n_places++;
	}
	lp_vec_done(&places);
}

static void attach_all(void)
{
	const struct lp_map *m = mapping_of(probes.offsets.data[0]);
	struct lp_err err = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", target.pid,
		 (unsigned long)m->start, (unsigned long)m->end);
	struct lp_attach a = { .path = path,
			       .pid = target.pid,
			       .n = probes.offsets.len,
			       .offsets = probes.offsets.data,
			       .sites = probes.sites.data };
	if (lp_kernel_attach_steps(kernel, &a, &link_of_all, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Places of one line may be hit one or the other, the ways of probing one must agree; lines that are
 * executed in each call have one place that is hit in each.
 */
static void compare(const char *path)
{
	const struct step *before = NULL;
	struct lp_counts c, known = { 0 };
	uint64_t hits[END_LINE + 1] = { 0 };

	for (size_t i = 0; i < n_steps; i++) {
		const struct step *s = &steps[i];

		c = counts_of(s->point);
		if (before && before->place == s->place &&
		    (c.hits != known.hits || c.filtered != known.filtered))
			fail_msg("%s: line %d: %lu hits of %s, %lu logged; of %s %lu, %lu", path,
				 s->line, (unsigned long)c.hits, s->name, (unsigned long)c.logged,
				 before->name, (unsigned long)known.hits,
				 (unsigned long)known.logged);
		if (!before || before->place != s->place)
			hits[s->line] += c.hits;
		before = s;
		known = c;
	}
	for (int line = FIRST_LINE; line <= LAST_LINE; line++)
		if (hits[line] != TIMES)
			fail_msg("%s: line %d: %lu hits", path, line, (unsigned long)hits[line]);
}

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* Lines of f up to the one with `last` are executed once in each call; the others less or more often. */
static const char script[] =
	"import sys\n"
	"class C:\n"
	"    def __init__(self): self.n = 0\n"
	"    def get(self): return self.n\n"
	"    def __enter__(self): return self\n"
	"    def __exit__(self, *why): pass\n"
	"def g(*args, **named): return args[0]\n"
	"def f(i, s, l, d, t=(1, 2)):\n"
	"    x = i\n" /* 9 */
	"    y = 5\n"
	"    z = -i\n"
	"    x = i + y\n"
	"    x = s.n\n"
	"    s.n = i\n"
	"    l.append(i)\n"
	"    x = l[0]\n"
	"    d[i % 7] = y\n"
	"    x, y = y, x\n"
	"    x = i if y else s\n"
	"    g(i)\n"
	"    x = g(i, y, k=z)\n"
	"    x = s.get()\n"
	"    x = [i, y]\n"
	"    x = (y, i, s)\n"
	"    x = {i: y}\n"
	"    x = f'{i}{y}'\n"
	"    x = i is None\n"
	"    x = i in d\n"
	"    x = not y\n"
	"    x = y\n"
	"    y = t[1]\n"
	"    z += y\n"
	"    x = i < 3 < y\n"
	"    x = sys.maxsize\n"
	"    a = y; b = y; x = i\n"
	"    a, b = t\n"
	"    x = y == 2 and i\n"
	"    if x and y: z = 1\n"
	"    x = 'text' + str(y)\n"
	"    x = x.upper().lower()\n"
	"    i += 1\n"
	"    i -= 1\n"
	"    del a\n" /* 43, last */
	"    x = (y if i % 2 else\n"
	"         5, i)\n"
	"    for k in t:\n"
	"        x = k\n"
	"        x = k + i\n"
	"        if k == 1: continue\n"
	"        y = k\n"
	"    while y > 0:\n"
	"        y -= 1\n"
	"    try:\n"
	"        x = a + g(i)\n"
	"    except NameError as e:\n"
	"        x = e\n"
	"    try:\n"
	"        if i > 150: del y\n"
	"        x = y + 1\n"
	"    except NameError:\n"
	"        x = 2\n"
	"    with s as file:\n"
	"        x = file\n"
	"    assert i >= 0\n"
	"    return x\n"
	"print('ready'); sys.stdout.flush(); sys.stdin.readline()\n"
	"s, l, d = C(), [], {}\n"
	"for i in range(" STRING(TIMES) "): f(i, s, l, d)\n"
					"for i in range(0): pass\n"
					"print('done'); sys.stdout.flush(); sys.stdin.readline()\n";
static void all_instructions_agree(void **state)
{
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		csh cs;

		assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &cs), CS_ERR_OK);
		probed_start(pythons[i], script, &conf);
		for (int line = FIRST_LINE; line <= END_LINE; line++)
			add_line(cs, line);
		cs_close(&cs);
		attach_all();
		python_go_on(&target);
		assert_string_equal(python_line(&target), "done");
		compare(pythons[i]);
		printf("%s: %zu places, %zu of them with a choice, %zu ways\n", pythons[i],
		       n_places, n_choices, n_steps);
		assert_true(n_choices > 10);
		step_tear_down(state);
		set_up(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_instructions_agree, set_up, step_tear_down),
	};

	return cmocka_run_group_tests_name("python_step", tests, NULL, NULL);
}
