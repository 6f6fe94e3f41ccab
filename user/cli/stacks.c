// SPDX-License-Identifier: GPL-2.0-only
#include "cli/stacks.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/view.h"
#include "probe/registers.h"

static int check_options(const struct lp_options *o, struct lp_err *err)
{
	if (!o->has_target)
		return lp_err_set(err, EINVAL,
				  "no target: give one of --pid, --unit, --cgroup and --exe "
				  "(see logpoint stacks --help)");
	if (o->target.kind == LP_TARGET_COMMAND)
		return lp_err_set(err, EINVAL, "a command that is yet to start has no stacks");
	if (o->args.len)
		return lp_err_set(err, EINVAL, "'%s' is no target (see logpoint stacks --help)",
				  o->args.data[0].text);
	if (strcmp(o->format, "text") != 0 && strcmp(o->format, "json") != 0)
		return lp_err_set(err, EINVAL, "unknown format '%s' (there are: text, json)",
				  o->format);
	return 0;
}

static struct lp_python *python_of(const struct lp_view *v, pid_t pid)
{
	lp_vec_each (&v->pythons, py)
		if (lp_python_pid(*py) == pid)
			return *py;
	return NULL;
}

static const char *refusal(const struct lp_view *v, pid_t pid)
{
	lp_vec_each (&v->refused, no)
		if (no->pid == pid)
			return no->why.msg;
	return NULL;
}

/* To load the kernel side takes long: meanwhile the target is looked for. */
struct loading {
	pthread_t thread;
	bool started;
	struct lp_registers *registers; /* NULL: err says why */
	struct lp_err err;
};

static void *load(void *arg)
{
	struct loading *l = arg;

	if (lp_registers_open(&l->registers, &l->err) < 0)
		l->registers = NULL;
	return NULL;
}

static void loading_start(struct loading *l)
{
	l->started = pthread_create(&l->thread, NULL, load, l) == 0;
	if (!l->started)
		load(l);
}

static void loading_wait(struct loading *l)
{
	if (l->started)
		pthread_join(l->thread, NULL);
	l->started = false;
}

static void loading_done(struct loading *l)
{
	loading_wait(l);
	lp_registers_free(l->registers);
}
LP_CLEANUP_DONE(struct loading, loading_done)

/* One that is gone in the meantime is no error where others are left. */
static int read_all(const struct lp_options *o, struct lp_view *v, const struct loading *loading,
		    struct lp_arena *arena, struct lp_process_stacks *ret, size_t *ret_n,
		    struct lp_err *err)
{
	const struct lp_stacks_opts opts = { .locals = o->locals, .limits = o->limits };
	struct lp_err first = { 0 };

	*ret_n = 0;
	lp_vec_each (&v->inv.procs, p) {
		const pid_t pid = (*p)->info.pid;
		struct lp_err one = { 0 };
		int r = lp_stacks_read(*p, python_of(v, pid), loading->registers, &opts, arena,
				       &ret[*ret_n], &one);

		if (r == -ENOMEM)
			return lp_err_nomem(err);
		if (r < 0 && !first.code)
			first = one;
		if (r < 0)
			continue;
		if (!ret[*ret_n].why)
			ret[*ret_n].why = refusal(v, pid);
		if (!loading->registers)
			ret[*ret_n].no_native = loading->err.msg;
		++*ret_n;
	}
	if (!*ret_n && first.code) {
		*err = first;
		return -first.code;
	}
	return 0;
}

static int print(const struct lp_options *o, const struct lp_process_stacks *list, size_t n)
{
	lp_auto(lp_buf_done) struct lp_buf out = { 0 };
	struct lp_err err = { 0 };

	if (!strcmp(o->format, "json"))
		lp_stacks_json(&out, list, n);
	else
		lp_stacks_text(&out, list, n);
	if (out.failed) {
		lp_err_nomem(&err);
		return lp_report(&err);
	}
	fwrite(out.data, 1, out.len, stdout);
	return lp_view_flush();
}

int lp_cmd_stacks(const struct lp_options *o)
{
	lp_auto(loading_done) struct loading loading = { 0 };
	lp_auto(lp_view_done) struct lp_view view = { 0 };
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	struct lp_process_stacks *list;
	struct lp_err err = { 0 };
	size_t n = 0;

	if (check_options(o, &err) < 0)
		return lp_report(&err);
	loading_start(&loading);
	if (lp_view_open_processes(o, &view, &err) < 0)
		return lp_report(&err);
	loading_wait(&loading);
	list = lp_arena_array(&arena, struct lp_process_stacks, view.inv.procs.len + 1);
	if (!list)
		lp_err_nomem(&err);
	else
		read_all(o, &view, &loading, &arena, list, &n, &err);
	return err.code ? lp_report(&err) : print(o, list, n);
}
