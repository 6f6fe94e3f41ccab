// SPDX-License-Identifier: GPL-2.0-only
/* bench_placement - of the lines of a program, how many have their probes at instructions that the kernel
 * emulates: where they are meant, and where they go. For a logpoint that reads nothing, one that
 * shows all locals, and one with the stack.
 *
 *	bench_placement [-v] PROGRAM [LINES]	default: some 2000 of its lines, evenly spread
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "expr/compile.h"
#include "expr/reads.h"
#include "native/native.h"
#include "native/shift.h"
#include "probe/probe.h"

#define LINES 2000

static const char *const clauses[] = { "\"hit\"", "", "\"hit\" with stack" };
#define KINDS LP_ARRAY_SIZE(clauses)

struct survey {
	struct lp_module *module;
	uint32_t forms;
	bool verbose;
	size_t every, seen; /* lines */
	const char *file;
	struct {
		size_t lines, meant, moved;
	} of[KINDS];
};

static bool is_emulated(const struct survey *s, const struct lp_place *p,
			const struct lp_reads *reads, bool may_move, struct lp_shift *ret)
{
	struct lp_shift_query q = {
		.vaddr = p->vaddr,
		.reads = reads,
		.emulated = s->forms,
		.may_fail = true,
	};

	if (may_move)
		q.to = UINT64_MAX;
	else
		q.from = q.to = p->vaddr;
	return lp_shift_find(s->module, &q, ret, NULL) == 0 && ret->form < LP_FORM_COUNT &&
	       (s->forms & LP_FORM_BIT(ret->form));
}

/* Are all places of the line at emulated instructions? 1 and 2: where they are meant, where they go. */
static int judge(const struct survey *s, const char *text, unsigned int *ret)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	const struct lp_limits limits = LP_LIMITS_DEFAULT;
	struct lp_places places = { 0 };
	struct lp_shift at;

	*ret = 3;
	int r = lp_logpoint_parse(text, &lp, NULL);
	if (r == 0)
		r = lp_module_resolve(s->module, &lp->location, &places, NULL, NULL);
	for (size_t i = 0; i < places.len && r == 0; i++) {
		const struct lp_place *p = &places.data[i];
		lp_auto(lp_scope_free) struct lp_scope *scope = NULL;
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		struct lp_reads reads;

		r = lp_scope_open(s->module, p, LP_SCOPE_HERE, &scope, NULL);
		if (r == 0)
			r = lp_compile(lp, scope, NULL, &limits, &c, NULL);
		if (r < 0)
			break;
		lp_program_reads(c->code, c->n_code, lp_shift_stack_regs(s->module, p->vaddr),
				 &reads);
		if (!is_emulated(s, p, &reads, false, &at))
			*ret &= ~1u;
		if (!is_emulated(s, p, &reads, true, &at))
			*ret &= ~2u;
		if (s->verbose && !(*ret & 2))
			printf("%s at 0x%llx\n", text, (unsigned long long)p->vaddr);
	}
	lp_vec_done(&places);
	return r;
}

static int look_at_line(int line, size_t n_places, void *survey)
{
	struct survey *s = survey;
	char text[4096];
	unsigned int is;

	(void)n_places;
	if (s->seen++ % s->every)
		return 0;
	for (size_t i = 0; i < KINDS; i++) {
		snprintf(text, sizeof(text), "%s:%d %s", s->file, line, clauses[i]);
		if (judge(s, text, &is) < 0)
			continue;
		s->of[i].lines++;
		s->of[i].meant += is & 1;
		s->of[i].moved += is >> 1 & 1;
	}
	return 0;
}

static int look_at_file(const char *path, void *survey)
{
	struct survey *s = survey;

	s->file = path;
	lp_module_each_line(s->module, path, look_at_line, s, NULL, NULL);
	return 0;
}

static int count_line(int line, size_t n_places, void *survey)
{
	(void)line;
	(void)n_places;
	((struct survey *)survey)->seen++;
	return 0;
}

static int count_file(const char *path, void *survey)
{
	lp_module_each_line(((struct survey *)survey)->module, path, count_line, survey, NULL,
			    NULL);
	return 0;
}

static int ask_forms(uint32_t *ret, struct lp_err *err)
{
	struct lp_emulated e = { 0 };
	int r = lp_emulated_begin(&e, err);

	if (r == 0)
		r = lp_emulated_end(&e, ret, err);
	lp_emulated_done(&e);
	return r;
}

static int run(const char *path, size_t lines, struct survey *s, struct lp_err *err)
{
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct lp_module_opts opts = { 0 };

	if (fd < 0)
		return lp_err_set(err, errno, "%s: %s", path, strerror(errno));
	int r = ask_forms(&s->forms, err);
	if (r == 0)
		r = lp_module_open(fd, path, &opts, &s->module, err);
	if (r == 0)
		r = lp_module_each_file(s->module, count_file, s, err);
	if (r < 0)
		return r;
	printf("%s: %zu lines with code\n", path, s->seen);
	s->every = s->seen / lines + 1;
	s->seen = 0;
	return lp_module_each_file(s->module, look_at_file, s, err);
}

int main(int argc, char **argv)
{
	struct survey s = { 0 };
	struct lp_err err = { 0 };

	s.verbose = argc > 1 && !strcmp(argv[1], "-v");
	argv += s.verbose;
	argc -= s.verbose;
	if (argc < 2) {
		fprintf(stderr, "usage: bench_placement [-v] PROGRAM [LINES]\n");
		return 2;
	}
	const size_t lines = argc > 2 ? strtoul(argv[2], NULL, 10) : LINES;
	if (run(argv[1], lines ? lines : LINES, &s, &err) < 0) {
		fprintf(stderr, "bench_placement: %s\n", err.msg);
		lp_module_free(s.module);
		return 1;
	}
	for (size_t i = 0; i < KINDS; i++)
		printf("  %-20s %zu lines: emulated %.1f %% where meant, %.1f %% where placed\n",
		       *clauses[i] ? clauses[i] : "(all locals)", s.of[i].lines,
		       100.0 * (double)s.of[i].meant / (double)(s.of[i].lines ? s.of[i].lines : 1),
		       100.0 * (double)s.of[i].moved / (double)(s.of[i].lines ? s.of[i].lines : 1));
	lp_module_free(s.module);
	return 0;
}
