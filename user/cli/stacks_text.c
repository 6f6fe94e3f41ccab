// SPDX-License-Identifier: GPL-2.0-only
/* python3[4711] CPython 3.11.2: 2 threads, 3 tasks
 *
 * 4711 MainThread python3 waiting
 *     handle app.py:42 [n=7]
 *     ... 12 library frames
 *
 * Task-1 pending in gather, awaits:
 *     main app.py:80
 *     Task-2 pending in sleep
 *         handle app.py:42
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/stacks.h"
#include "sink/frame.h"

#define INDENT	   4
#define INDENT_MAX 64 /* tasks that await one another */

const char *lp_stacks_state(char state)
{
	static const char *const names[] = { ['R'] = "running",
					     ['S'] = "waiting",
					     ['D'] = "in the kernel",
					     ['T'] = "stopped",
					     ['t'] = "stopped by a debugger",
					     ['I'] = "idle" };

	return (size_t)(unsigned char)state < LP_ARRAY_SIZE(names) ? names[(unsigned char)state]
								   : NULL;
}

static void put_text(struct lp_buf *out, const char *text)
{
	lp_utf8_escape(out, text, strlen(text), 0);
}

static void put_indent(struct lp_buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i < depth * INDENT; i++)
		lp_buf_char(out, ' ');
}

static void put_line(struct lp_buf *out, struct lp_buf *scratch, const struct lp_frame *f,
		     unsigned int depth)
{
	put_indent(out, depth);
	lp_frame_text(out, scratch, f);
	lp_buf_char(out, '\n');
}

static void put_stack(struct lp_buf *out, const struct lp_stack *s, unsigned int depth)
{
	const struct lp_frame gap = { .kind = LP_FRAME_GAP };
	lp_auto(lp_buf_done) struct lp_buf scratch = { 0 };

	if (s->changed) {
		put_indent(out, depth);
		lp_buf_str(out, "<changed while read>\n");
	}
	for (size_t i = 0; i < s->n; i++)
		put_line(out, &scratch, &s->frames[i], depth);
	if (s->cut)
		put_line(out, &scratch, &gap, depth);
}

static void put_thread(struct lp_buf *out, const struct lp_thread_stack *t)
{
	const char *state = lp_stacks_state(t->state);

	lp_buf_char(out, '\n');
	if (t->tid)
		lp_buf_s64(out, t->tid);
	else
		lp_buf_str(out, "?");
	if (t->name) {
		lp_buf_char(out, ' ');
		put_text(out, t->name);
	}
	if (t->comm) {
		lp_buf_str(out, t->name ? " (" : " ");
		put_text(out, t->comm);
		lp_buf_str(out, t->name ? ")" : "");
	}
	if (state)
		lp_buf_fmt(out, " %s", state);
	if (t->has_gil)
		lp_buf_str(out, ", holds the GIL");
	if (t->task) {
		lp_buf_str(out, ", runs ");
		put_text(out, t->task);
	}
	if (t->interpreter)
		lp_buf_fmt(out, ", interpreter %lld", t->interpreter);
	lp_buf_char(out, '\n');
	put_stack(out, &t->stack, 1);
}

/* --- the tree of tasks --- */

struct tree {
	struct lp_buf *out;
	const struct lp_process_stacks *p;
	uint64_t *by_id; /* pairs of id and number, sorted */
	bool *shown, *is_awaited;
};

static int compare_ids(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* SIZE_MAX: not among them. */
static size_t find_task(const struct tree *t, uint64_t id)
{
	const uint64_t *found =
		t->p->n_tasks ? bsearch(&id, t->by_id, t->p->n_tasks, 2 * sizeof(id), compare_ids)
			      : NULL;

	return found ? (size_t)found[1] : SIZE_MAX;
}

static void put_task(struct tree *t, size_t i, unsigned int depth)
{
	const struct lp_task_stack *task = &t->p->tasks[i];
	const bool again = t->shown[i];

	put_indent(t->out, depth);
	put_text(t->out, task->name ? task->name : "?");
	lp_buf_fmt(t->out, " %s", task->state);
	if (again) {
		lp_buf_str(t->out, ", see above\n");
		return;
	}
	t->shown[i] = true;
	if (task->function) {
		lp_buf_str(t->out, " in ");
		put_text(t->out, task->function);
	}
	lp_buf_char(t->out, '\n');
	put_stack(t->out, &task->stack, depth + 1);
	for (size_t k = 0; k < task->n_awaits; k++) {
		const size_t other = find_task(t, task->awaits[k]);

		if (other != SIZE_MAX && depth < INDENT_MAX)
			put_task(t, other, depth + 1);
	}
}

static bool tree_init(struct tree *t)
{
	const size_t n = t->p->n_tasks;

	t->by_id = calloc(n + 1, 2 * sizeof(*t->by_id));
	t->shown = calloc(n + 1, sizeof(*t->shown));
	t->is_awaited = calloc(n + 1, sizeof(*t->is_awaited));
	if (!t->by_id || !t->shown || !t->is_awaited)
		return false;
	for (size_t i = 0; i < n; i++) {
		t->by_id[2 * i] = t->p->tasks[i].id;
		t->by_id[2 * i + 1] = i;
	}
	qsort(t->by_id, n, 2 * sizeof(*t->by_id), compare_ids);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->p->tasks[i].n_awaits; k++) {
			const size_t other = find_task(t, t->p->tasks[i].awaits[k]);

			if (other != SIZE_MAX)
				t->is_awaited[other] = true;
		}
	return true;
}

/* Those that nobody awaits first; what is left then awaits itself, in a ring. */
static void put_tasks(struct lp_buf *out, const struct lp_process_stacks *p)
{
	struct tree t = { .out = out, .p = p };

	if (!tree_init(&t))
		out->failed = true;
	for (int ring = 0; !out->failed && ring <= 1; ring++)
		for (size_t i = 0; i < p->n_tasks; i++) {
			if (t.shown[i] || (!ring && t.is_awaited[i]))
				continue;
			lp_buf_char(out, '\n');
			put_task(&t, i, 0);
		}
	free(t.by_id);
	free(t.shown);
	free(t.is_awaited);
}

void lp_stacks_text(struct lp_buf *out, const struct lp_process_stacks *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct lp_process_stacks *p = &list[i];

		if (i)
			lp_buf_char(out, '\n');
		put_text(out, p->comm);
		lp_buf_fmt(out, "[%d]", (int)p->pid);
		if (p->python)
			lp_buf_fmt(out, " CPython %s", p->python);
		lp_buf_fmt(out, ": %zu thread%s", p->n_threads, p->n_threads == 1 ? "" : "s");
		if (p->python)
			lp_buf_fmt(out, ", %zu task%s", p->n_tasks, p->n_tasks == 1 ? "" : "s");
		lp_buf_str(out, p->cut ? ", and more\n" : "\n");
		if (p->why) {
			put_text(out, p->why);
			lp_buf_char(out, '\n');
		}
		if (p->no_native) {
			lp_buf_str(out, "no native frames: ");
			put_text(out, p->no_native);
			lp_buf_char(out, '\n');
		}
		for (size_t k = 0; k < p->n_threads; k++)
			put_thread(out, &p->threads[k]);
		put_tasks(out, p);
	}
}
