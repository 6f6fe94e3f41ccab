// SPDX-License-Identifier: GPL-2.0-only
/* Where lines start, against what sys.settrace() reports: programs made at random run in each
 * interpreter that is here, which says the instructions that it executes and the lines that start.
 *
 * An event is no start where a statement goes on (flow.h): that is found here in another way, what
 * must have been executed since the latest event at the unit, and it is seen that it was.
 *
 * And what is always executed with an instruction (lp_py_flow_run()) is executed each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "python/flow.h"
#include "python_target.h"

#define PROGRAMS  10
#define LINES_MAX 4096

struct counts {
	unsigned int events, hits; /* events: without those by which a statement goes on */
};

/* Of a unit where events come: at which others its statement has begun. */
struct begun {
	bool known;
	LP_VEC(uint32_t);
};

struct code {
	struct lp_py_flow flow;
	uint8_t *bytes[3];
	int *watched;	 /* by instruction: the line; 0 */
	uint32_t *flags; /* by instruction */
	struct counts *lines;
	bool *exact;	     /* by line */
	struct begun *begun; /* by instruction */
	uint32_t *after;     /* by instruction: the one that is always next, one more; 0 */
	uint64_t *sets;	     /* must_have_run()'s */
};

struct frame {
	uint32_t last; /* instruction, one more; 0: none yet */
	uint32_t *hit; /* by line: the latest watched instruction, one more */
	uint32_t *ran; /* by instruction: when it was executed last; 0 */
	int event;     /* a line whose first instruction comes next */
	uint32_t next; /* instruction that must come next, one more; 0: any may */
};

struct run {
	LP_VEC(struct code) codes;
	LP_VEC(struct frame) frames;
	LP_VEC(char *) text;
	unsigned int wide; /* lines that need more units than they may */
	unsigned int programs, lines, events, same, inexact, wrong_inexact, slots[8];
	uint32_t clock;
	unsigned int followed; /* instructions that had to come next, and did */
	int minor;
};

static uint8_t *unhex(const char *s, size_t *ret_len)
{
	const size_t n = strcmp(s, "-") ? strlen(s) / 2 : 0;
	uint8_t *made = malloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(s + 2 * i, "%2x", &byte), 1);
		made[i] = (uint8_t)byte;
	}
	*ret_len = n;
	return made;
}

static void watch_line(struct run *r, struct code *c, int line)
{
	struct lp_py_starts starts;

	assert_int_equal(lp_py_flow_starts(&c->flow, line, &starts), 0);
	c->exact[line] = starts.exact && !starts.false_events;
	if (starts.len > 0)
		r->slots[starts.len < 7 ? starts.len : 7]++;
	lp_vec_each (&starts, s)
		lp_vec_each (&c->flow.instrs, in)
			if (in->unit == s->unit) {
				c->watched[in - c->flow.instrs.data] = line;
				c->flags[in - c->flow.instrs.data] = s->flags;
			}
	lp_vec_done(&starts);
}

static void take_code(struct run *r, char *rest)
{
	struct code c = { 0 };
	struct lp_py_bytecode b = { 0 };
	bool done[LINES_MAX] = { false };
	char *word[6], *save = NULL;

	for (int i = 0; i < 6; i++)
		word[i] = strtok_r(i ? NULL : rest, " \n", &save);
	assert_non_null(word[5]);
	assert_int_equal(atoi(word[0]), r->codes.len);
	b.minor = r->minor = atoi(word[1]);
	b.firstlineno = atoi(word[2]);
	b.units.data = c.bytes[0] = unhex(word[3], &b.units.len);
	b.linetable.data = c.bytes[1] = unhex(word[4], &b.linetable.len);
	b.handlers.data = c.bytes[2] = unhex(word[5], &b.handlers.len);
	assert_int_equal(lp_py_flow_init(&c.flow, &b), 0);
	c.watched = calloc(c.flow.instrs.len, sizeof(*c.watched));
	c.flags = calloc(c.flow.instrs.len, sizeof(*c.flags));
	c.lines = calloc(LINES_MAX, sizeof(*c.lines));
	c.exact = calloc(LINES_MAX, sizeof(*c.exact));
	c.begun = calloc(c.flow.instrs.len, sizeof(*c.begun));
	c.after = calloc(c.flow.instrs.len, sizeof(*c.after));
	for (uint32_t i = 0; i < c.flow.instrs.len; i++) {
		uint32_t all[LP_PY_RUN_MAX];

		/* arguments are as likely to be unbound as all others */
		if (lp_py_flow_run(&c.flow, i, 0, all) > 1)
			c.after[i] = all[1] + 1;
	}
	lp_vec_each (&c.flow.instrs, in)
		if (in->line > 0 && !done[in->line]) {
			done[in->line] = true;
			watch_line(r, &c, in->line);
		}
	assert_int_equal(lp_vec_push(&r->codes, c), 0);
}

static struct frame *frame_at(struct run *r, size_t id)
{
	while (r->frames.len <= id) {
		struct frame f = { .hit = calloc(LINES_MAX, sizeof(*f.hit)) };

		assert_int_equal(lp_vec_push(&r->frames, f), 0);
	}
	return &r->frames.data[id];
}

static bool is_step(const struct lp_py_flow *f, uint32_t from, uint32_t to)
{
	const struct lp_py_instr *in = &f->instrs.data[from];

	for (uint32_t i = 0; i < in->n_edges; i++) {
		const uint32_t next = f->edges.data[in->first_edge + i].to;

		/* RESUME is not reported */
		if (next == to ||
		    (f->instrs.data[next].kind == LP_PYOP_RESUME && is_step(f, next, to)))
			return true;
	}
	/* 3.8: the end of a `finally` goes back to what it was called from */
	if (in->kind == LP_PYOP_END_FINALLY && to > 0 &&
	    f->instrs.data[to - 1].kind == LP_PYOP_CALL_FINALLY)
		return true;
	/* up to 3.10, YIELD_FROM is executed again each time it is resumed */
	return in->handler == to || (f->minor <= 10 && from == to);
}

/* Takes from a successor's set what is not in that of the instruction before. */
__attribute__((no_sanitize("all", "coverage"))) /* most of this program's time */
static bool
keep_common(uint64_t *sets, size_t words, const uint64_t *before, uint32_t at)
{
	bool changed = false;

	for (size_t i = 0; at != LP_PY_NOWHERE && i < words; i++) {
		uint64_t *word = &sets[at * words + i];

		changed |= *word & ~before[i];
		*word &= before[i];
	}
	return changed;
}

/* By instruction, the set of those that have been executed on every way to it since `unit` was. */
static const uint64_t *must_have_run(struct code *c, uint32_t unit, size_t words)
{
	const struct lp_py_flow *f = &c->flow;
	const size_t n = f->instrs.len;
	uint64_t *sets = c->sets, *out = calloc(words, sizeof(*out));

	if (!sets)
		sets = c->sets = malloc(n * words * sizeof(*sets));
	memset(sets, 0xff, n * words * sizeof(*sets));
	memset(sets, 0, words * sizeof(*sets)); /* nothing runs before the first */
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < n; i++) {
			const struct lp_py_instr *in = &f->instrs.data[i];

			if (!in->reached)
				continue;
			memcpy(out, sets + i * words, words * sizeof(*out));
			if (i == unit)
				memset(out, 0, words * sizeof(*out));
			out[i / 64] |= 1ull << i % 64;
			changed |= keep_common(sets, words, out, in->handler);
			for (uint32_t k = 0; k < in->n_edges; k++)
				changed |= keep_common(sets, words, out,
						       f->edges.data[in->first_edge + k].to);
		}
	}
	free(out);
	return sets;
}

static struct begun *begun_at(struct code *c, uint32_t at)
{
	const struct lp_py_flow *f = &c->flow;
	const size_t words = f->instrs.len / 64 + 1;
	struct begun *b = &c->begun[at];

	if (b->known)
		return b;
	b->known = true;
	const uint64_t *sets = must_have_run(c, at, words);
	uint64_t last = LP_PY_NOWHERE;
	lp_vec_each (&f->edges, e) {
		const struct lp_py_instr *to = &f->instrs.data[e->to];

		if (e->starts && e->to != at && e->to != last &&
		    to->line == f->instrs.data[at].line &&
		    (sets[at * words + e->to / 64] & 1ull << e->to % 64))
			assert_int_equal(lp_vec_push(b, e->to), 0);
		last = e->to;
	}
	return b;
}

/* A `line` event, and the instruction that is executed next. */
static void take_event(struct run *r, struct frame *f, struct code *c, uint32_t at)
{
	struct begun *b = begun_at(c, at);

	/* at a handler, 3.9 may still name the line of the call that raised */
	if (r->minor == 9)
		f->event = c->flow.instrs.data[at].line;
	if (c->flow.instrs.data[at].line != f->event)
		fail_msg("line %d begins at an instruction of line %d", f->event,
			 c->flow.instrs.data[at].line);
	lp_vec_each (b, start)
		if (f->ran[*start] <= f->ran[at])
			fail_msg("line %d goes on at %u, but did not begin at %u", f->event,
				 c->flow.instrs.data[at].unit, c->flow.instrs.data[*start].unit);
	/* 3.9: not the last line of a `with` begins, the `with` is left */
	if (b->len > 0 || (r->minor == 9 && c->flow.instrs.data[at].op == LP_PY_WITH_EXCEPT_START))
		r->same++;
	else
		c->lines[f->event].events++;
	f->event = 0;
}

/* 3.9 says nothing of a handler's line where the first instruction of another line has raised. */
static bool is_unreported(const struct lp_py_flow *f, uint32_t from, uint32_t to)
{
	const struct lp_py_instr *in = &f->instrs.data[from];

	if (f->instrs.data[to].op == LP_PY_WITH_EXCEPT_START)
		return false;
	for (uint32_t i = 0; i < in->n_edges; i++) {
		const struct lp_py_edge *e = &f->edges.data[in->first_edge + i];

		if (e->to == to && !e->raises)
			return false;
	}
	return in->handler == to && in->line != f->instrs.data[to].line &&
	       f->instrs.data[to].line > 0;
}

/* The instruction that an offset lies in; its EXTENDED_ARG are part of it. */
static void take_unit(struct run *r, size_t frame, struct code *c, uint32_t offset)
{
	struct frame *f = frame_at(r, frame);
	const uint32_t unit = offset / 2;

	lp_vec_each (&c->flow.instrs, in) {
		const uint32_t index = (uint32_t)(in - c->flow.instrs.data);

		if (unit < in->unit || unit > in->op_unit)
			continue;
		/* the rest of one that was seen at its EXTENDED_ARG */
		if (unit != in->unit && f->last == index + 1)
			return;
		if (!f->ran)
			f->ran = calloc(c->flow.instrs.len, sizeof(*f->ran));
		if (f->last && !is_step(&c->flow, f->last - 1, index))
			fail_msg("3.%d: no way from %u (kind %u) to %u, line %d", r->minor,
				 c->flow.instrs.data[f->last - 1].unit,
				 c->flow.instrs.data[f->last - 1].kind, unit, in->line);
		if (r->minor == 9 && !f->event && f->last &&
		    is_unreported(&c->flow, f->last - 1, index))
			f->event = in->line;
		if (f->next && f->next != index + 1)
			fail_msg("3.%d: %u is not followed by %u, but by %u, line %d", r->minor,
				 c->flow.instrs.data[f->last - 1].unit,
				 c->flow.instrs.data[f->next - 1].unit, unit, in->line);
		r->followed += f->next != 0;
		f->next = c->after[index];
		if (f->event)
			take_event(r, f, c, index);
		f->last = index + 1;
		f->ran[index] = ++r->clock;
		if (!c->watched[index])
			return;

		const int line = c->watched[index];
		const uint32_t hit = f->hit[line];
		const bool led = hit && hit - 1 < index && (c->flags[hit - 1] & LP_PY_SITE_LEADS);
		c->lines[line].hits += !(led && (c->flags[index] & LP_PY_SITE_FOLLOWS));
		f->hit[line] = index + 1;
		return;
	}
	fail_msg("no instruction at %u", offset);
}

static void show(struct run *r, struct code *c, int line)
{
	print_error("3.%d, line %d: %u events, %u hits\n", r->minor, line, c->lines[line].events,
		    c->lines[line].hits);
	for (int i = line - 5 < 0 ? 0 : line - 5; i < line + 4 && i < (int)r->text.len; i++)
		print_error("%4d%c %.100s\n", i + 1, i + 1 == line ? '>' : ' ', r->text.data[i]);
	lp_vec_each (&c->flow.instrs, in) {
		const size_t i = (size_t)(in - c->flow.instrs.data);

		if (abs(in->line - line) <= 1)
			print_error("  unit %u kind %u line %d%s arg %u%s%s%s\n", in->unit,
				    in->kind, in->line, in->first ? " first" : "", in->oparg,
				    c->watched[i] == line ? " WATCHED" : "",
				    c->flags[i] & LP_PY_SITE_LEADS ? " leads" : "",
				    c->flags[i] & LP_PY_SITE_FOLLOWS ? " follows" : "");
	}
}

static unsigned int end_program(struct run *r)
{
	unsigned int wrong = 0;

	lp_vec_each (&r->codes, c)
		for (int line = 1; line < LINES_MAX; line++) {
			r->lines += c->lines[line].events > 0;
			r->events += c->lines[line].events;
			r->inexact += c->lines[line].events > 0 && !c->exact[line];
			if (c->lines[line].events == c->lines[line].hits)
				continue;
			r->wrong_inexact += !c->exact[line];
			if (c->exact[line] && wrong++ == 0)
				show(r, c, line);
		}
	lp_vec_each (&r->codes, c) {
		for (int i = 0; i < 3; i++)
			free(c->bytes[i]);
		free(c->watched);
		free(c->flags);
		free(c->lines);
		free(c->exact);
		for (size_t i = 0; i < c->flow.instrs.len; i++)
			lp_vec_done(&c->begun[i]);
		free(c->begun);
		free(c->after);
		free(c->sets);
		lp_py_flow_done(&c->flow);
	}
	lp_vec_each (&r->frames, f) {
		free(f->hit);
		free(f->ran);
	}
	lp_vec_each (&r->text, t)
		free(*t);
	r->codes.len = r->frames.len = r->text.len = 0;
	r->programs++;
	return wrong;
}

/* A line and how many units it may need. */
static void take_most(struct run *r, char *rest)
{
	struct lp_py_starts starts;
	unsigned int code, most;
	int line, text;

	assert_int_equal(sscanf(rest, "%u %d %u %n", &code, &line, &most, &text), 3);
	assert_true(code < r->codes.len);
	assert_int_equal(lp_py_flow_starts(&r->codes.data[code].flow, line, &starts), 0);
	r->lines++;
	if (starts.len > most) {
		print_error("3.%d: %zu units, not %u: %s", r->minor, starts.len, most, rest + text);
		r->wide++;
	}
	lp_vec_done(&starts);
}

static unsigned int take_line(struct run *r, char *line)
{
	size_t frame, code;
	unsigned int n;

	if (!strncmp(line, "code ", 5)) {
		take_code(r, line + 5);
	} else if (!strncmp(line, "most ", 5)) {
		take_most(r, line + 5);
	} else if (!strncmp(line, "text ", 5)) {
		char *text = strchr(strchr(line + 5, ' ') + 1, ' ') + 1;

		text[strcspn(text, "\n")] = '\0';
		assert_int_equal(lp_vec_push(&r->text, strdup(text)), 0);
	} else if (sscanf(line, "line %zu %zu %u", &frame, &code, &n) == 3) {
		assert_true(code < r->codes.len && n < LINES_MAX);
		assert_int_equal(frame_at(r, frame)->event, 0);
		frame_at(r, frame)->event = (int)n;
	} else if (sscanf(line, "unit %zu %zu %u", &frame, &code, &n) == 3) {
		assert_true(code < r->codes.len);
		take_unit(r, frame, &r->codes.data[code], n);
	} else if (!strncmp(line, "end ", 4)) {
		return end_program(r);
	} else {
		fail_msg("what is this: %s", line);
	}
	return 0;
}

/* What an interpreter says. */
static unsigned int take_all(struct run *r, const char *python, const char *arguments)
{
	char *command, *line = NULL;
	size_t cap = 0;
	unsigned int wrong = 0;

	assert_true(asprintf(&command, "%s -W ignore - %s <tests/targets/linestarts.py", python,
			     arguments) > 0);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0)
		wrong += take_line(r, line);
	assert_int_equal(pclose(f), 0);
	free(command);
	free(line);
	return wrong;
}

static void run_done(struct run *r)
{
	lp_vec_done(&r->codes);
	lp_vec_done(&r->frames);
	lp_vec_done(&r->text);
}

static unsigned int run_interpreter(const char *python, unsigned int seed)
{
	struct run r = { 0 };
	char arguments[32];

	snprintf(arguments, sizeof(arguments), "%u %d", seed, PROGRAMS);
	const unsigned int wrong = take_all(&r, python, arguments);
	print_message("%s: %u programs, %u lines, %u starts, %u more events, %u wrong; inexact: "
		      "%u, of them "
		      "wrong %u; units of a line: 1: %u 2: %u 3: %u 4: %u more: %u\n",
		      python, r.programs, r.lines, r.events, r.same, wrong, r.inexact,
		      r.wrong_inexact, r.slots[1], r.slots[2], r.slots[3], r.slots[4],
		      r.slots[5] + r.slots[6] + r.slots[7]);
	assert_int_equal(r.programs, PROGRAMS);
	assert_true(r.events > 1000);
	run_done(&r);
	return wrong;
}

static void statements_need_few_units(void **state)
{
	char pythons[PYTHONS_MAX][256];
	const size_t n = python_find(pythons);
	unsigned int wide = 0;

	(void)state;
	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		struct run r = { 0 };

		take_all(&r, pythons[i], "statements");
		assert_true(r.lines > 30);
		wide += r.wide;
		run_done(&r);
	}
	assert_int_equal(wide, 0);
}

static void lines_start_where_settrace_says(void **state)
{
	const char *seed = getenv("LP_SEED");
	char pythons[PYTHONS_MAX][256];
	const size_t n = python_find(pythons);
	unsigned int wrong = 0;

	(void)state;
	if (!n)
		skip();
	for (size_t i = 0; i < n; i++)
		wrong += run_interpreter(pythons[i], seed ? (unsigned int)atoi(seed) : 1000);
	assert_int_equal(wrong, 0);
}

/* clang-format off */
/* What the compiler of each version wrote for one function, and the lines of its units in runs, as
 * co_lines() and dis.findlinestarts() have them.
 */
static const struct {
	int minor;
	size_t n_units;
	const char *table;
	size_t len;
	struct {
		unsigned int units;
		int line;
	} runs[64];
} tables[] = {
	{ 8, 23, "\x00\x01\x04\x01\x02\x01\x02\xff\x04\x02\x02\x01\x08\x00\x0e\x02\x06\x7f\x00\x7f\x00\x2f", 22,
	  { { 2, 2 }, { 1, 3 }, { 1, 4 }, { 2, 3 }, { 1, 5 }, { 11, 6 }, { 3, 8 }, { 2, 309 } } },
	{ 9, 25, "\x00\x01\x04\x01\x02\x01\x02\xff\x04\x02\x02\x01\x14\x02\x0c\x7f\x00\x7f\x00\x2f", 20,
	  { { 2, 2 }, { 1, 3 }, { 1, 4 }, { 2, 3 }, { 1, 5 }, { 10, 6 }, { 6, 8 }, { 2, 309 } } },
	{ 10, 24, "\x04\x01\x02\x01\x02\x01\x04\xff\x02\x02\x14\x01\x04\x02\x00\x7f\x00\x7f\x04\x2f\x00\x81\x00\x81\x06\xd1", 26,
	  { { 2, 2 }, { 1, 3 }, { 1, 4 }, { 2, 3 }, { 1, 5 }, { 10, 6 }, { 2, 8 }, { 2, 309 }, { 3, 8 } } },
	{ 11, 42, "\x80\x00\xd8\x07\x08\xf0\x00\x02\x05\x13\xd8\x10\x11\xd8\x10\x11\xf1\x03\x01\x11\x12\xf0\x00\x01\x09\x13\xf0\x04\x03\x05\x0e\xd8\x11\x12\xd0\x08\x1c\xd0\x08\x1c\x88\x41\x95\x45\x98\x21\x91\x48\x94\x48\x90\x48\x90\x48\xd0\x08\x1c\xe0\x0c\x0d\x88\x01\x88\x01\xf8\x88\x41\x88\x01\x88\x05\x88\x05\x88\x05\x88\x05\xf0\x5a\x09\x00\x0c\x0d\x80\x48", 85,
	  { { 1, 1 }, { 2, 2 }, { 1, 3 }, { 1, 4 }, { 3, 3 }, { 1, 5 }, { 21, 6 }, { 3, 8 }, { 1, 0 }, { 6, 8 }, { 2, 309 } } },
	{ 12, 39, "\x80\x00\xd9\x07\x08\xd8\x10\x11\xd8\x10\x11\xf1\x03\x01\x11\x12\xf0\x00\x01\x09\x13\xf0\x04\x03\x05\x0e\xd8\x11\x12\xd2\x08\x1c\x88\x41\x94\x45\x98\x21\x95\x48\xd1\x08\x1c\xe0\x0c\x0d\x88\x01\xf0\x5a\x09\x00\x0c\x0d\x80\x48\xf8\xf0\x5b\x09\x00\x0d\x0e\x89\x01\xfa", 66,
	  { { 1, 1 }, { 2, 2 }, { 1, 3 }, { 1, 4 }, { 3, 3 }, { 1, 5 }, { 19, 6 }, { 2, 8 }, { 2, 309 }, { 1, 0 }, { 3, 8 }, { 3, 0 } } },
	{ 13, 45, "\x80\x00\xde\x07\x08\xd8\x10\x11\xd8\x10\x11\xf1\x03\x01\x11\x12\xf0\x00\x01\x09\x13\xf0\x04\x03\x05\x0e\xdb\x11\x12\x88\x41\x94\x45\x98\x21\x96\x48\x91\x11\xe0\x0c\x0d\x88\x01\xf0\x5a\x09\x00\x0c\x0d\x80\x48\xf8\xf0\x5b\x09\x00\x0d\x0e\x89\x01\xfa", 62,
	  { { 1, 1 }, { 7, 2 }, { 1, 3 }, { 1, 4 }, { 3, 3 }, { 1, 5 }, { 20, 6 }, { 2, 8 }, { 2, 309 }, { 1, 0 }, { 3, 8 }, { 3, 0 } } },
};
/* clang-format on */

static void line_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		/* each length of it: what is cut off has no lines of its own, and nothing else */
		for (size_t len = 0; len <= tables[i].len; len++) {
			const size_t n = tables[i].n_units;
			struct lp_py_line *lines = malloc(n * sizeof(*lines));
			uint8_t *copy = malloc(len + 1);
			const struct lp_py_bytecode b = {
				.minor = tables[i].minor,
				.firstlineno = 1,
				.units = { NULL, 2 * n },
				.linetable = { copy, len },
			};
			size_t unit = 0;

			memcpy(copy, tables[i].table, len);
			lp_py_lines(&b, lines);
			for (size_t r = 0; len == tables[i].len && unit < n; r++)
				for (unsigned int k = 0; k < tables[i].runs[r].units; k++)
					assert_int_equal(lines[unit++].line,
							 tables[i].runs[r].line);
			free(lines);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_tables),
		cmocka_unit_test(lines_start_where_settrace_says),
		cmocka_unit_test(statements_need_few_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
