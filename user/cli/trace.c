// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/report.h"
#include "session/summary.h"
#include "sink/sink.h"
#include "target/elf.h"

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	return lp_sink_emit(arg, ev, err);
}

static int on_flush(void *arg, struct lp_err *err)
{
	return lp_sink_flush(arg, err);
}

static int on_keep(void *arg, const struct lp_event *ev, bool waits, struct lp_err *err)
{
	return lp_sink_keep(arg, ev, waits, err);
}

static void on_dump_begin(void *arg, const struct lp_keep_choice *choice)
{
	lp_sink_dump_begin(arg, choice);
}

static int on_dump(void *arg, size_t bytes, uint64_t *ret_n, bool *ret_more, struct lp_err *err)
{
	return lp_sink_dump(arg, bytes, ret_n, ret_more, err);
}

static bool waiting(void *arg, uint32_t *ret_point)
{
	return lp_sink_waiting(arg, ret_point);
}

static int on_next(void *arg, bool seen, struct lp_err *err)
{
	return lp_sink_next(arg, seen, err);
}

static uint64_t overwritten(void *arg, uint32_t point)
{
	return lp_sink_overwritten(arg, point);
}

static uint64_t unwritten(void *arg, uint32_t point)
{
	return lp_sink_unwritten(arg, point);
}

static void on_note(void *arg, enum lp_log_level level, const char *text)
{
	(void)arg;
	lp_log(level, "%s", text);
}

static const struct lp_session_ops session_ops = {
	.event = on_event,
	.keep = on_keep,
	.dump_begin = on_dump_begin,
	.dump = on_dump,
	.waiting = waiting,
	.next = on_next,
	.overwritten = overwritten,
	.flush = on_flush,
	.unwritten = unwritten,
	.note = on_note,
};

/* An older recording stays as it is until the logpoints have proven right: see empty_output(). */
static int open_output(const char *path, struct lp_err *err)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)
		      : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (!path && fd < 0)
		return lp_err_set(err, errno, "standard output: %s", strerror(errno));
	return fd < 0 ? lp_err_set(err, errno, "%s: %s", path, strerror(errno)) : fd;
}

static int empty_output(const struct lp_options *o, int fd, struct lp_err *err)
{
	struct stat st;

	if (!o->output || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0)
		return 0;
	return lp_err_set(err, errno, "%s: %s", o->output, strerror(errno));
}

static bool wants_color(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fd) && (!no_color || !*no_color);
}

static int check_options(const struct lp_options *o, const struct lp_points *points,
			 struct lp_err *err)
{
	char path[PATH_MAX];

	if (!o->has_target)
		return lp_err_set(err, EINVAL,
				  "no target: give one of --pid, --unit, --cgroup, --exe and "
				  "-- COMMAND (see logpoint --help)");
	if (!points->all.len)
		return lp_err_set(err, EINVAL,
				  "no logpoint given, as 'app.c:42 \"n={n}\"' or 'entry main' "
				  "(`logpoint list` shows where one can go)");
	if (o->target.kind != LP_TARGET_COMMAND)
		return 0;
	/* what can't be executed is a wrong command line, not a missing privilege of ours */
	int r = lp_find_command(o->target.argv[0], getenv("PATH"), path, err);
	if (r == -EACCES && err)
		err->code = EINVAL;
	return r;
}

static void print_summary(void *arg, const struct lp_summary *sum)
{
	lp_auto(lp_buf_done) struct lp_buf line = { 0 };

	(void)arg;
	lp_summary_print(&line, sum);
	if (!line.failed && lp_log_level > LP_LOG_QUIET)
		fprintf(stderr, "%s\n", line.data);
}

/* Every step is made, also where one before it failed: what is in the ring is wanted, and the
 * account. The first failure decides.
 */
static int run(struct lp_session *s, struct lp_sink *sink, const struct lp_options *o)
{
	struct lp_err errs[4] = { 0 };
	int status = LP_EXIT_DONE;

	lp_session_run(s, &errs[0]);
	lp_session_finish(s, &errs[1]);
	if (lp_sink_flush(sink, &errs[2]) == -EPIPE)
		errs[2].code = 0;
	lp_session_summary(s, print_summary, NULL, &errs[3]);
	for (size_t i = 0; i < LP_ARRAY_SIZE(errs); i++) {
		if (!errs[i].code)
			continue;
		lp_error("%s", errs[i].msg);
		if (!status)
			status = lp_exit_running(&errs[i]);
	}
	if (!status && o->target.kind == LP_TARGET_COMMAND)
		status = lp_session_wait_command(s);
	return status;
}

static int start(struct lp_session *s, const struct lp_points *points, struct lp_err *err,
		 size_t *ret_bad)
{
	for (size_t i = 0; i < points->all.len; i++) {
		int r = lp_session_add(s, points->all.data[i].text, err);
		if (r < 0) {
			*ret_bad = i;
			return r;
		}
	}
	return lp_session_start(s, ret_bad, err);
}

int lp_cmd_trace(const struct lp_options *o)
{
	lp_auto(lp_close) int out = -1;
	lp_auto(lp_points_done) struct lp_points points = { 0 };
	lp_auto(lp_sink_free) struct lp_sink *sink = NULL;
	lp_auto(lp_session_free) struct lp_session *session = NULL;
	struct lp_err err = { 0 };
	const struct lp_session_opts opts = {
		.target = o->target,
		.follow = o->follow,
		.count = o->count,
		.duration = o->duration,
		.max_overhead = o->max_overhead,
		.exact = o->exact,
		.last = o->last,
		.limits = o->limits,
	};

	if (lp_points_gather(o, &points, &err) < 0 || check_options(o, &points, &err) < 0)
		return lp_report(&err);

	signal(SIGPIPE, SIG_IGN); /* a reader that is gone ends the session: -EPIPE */
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing */
	if (o->last)
		signal(SIGUSR1, SIG_IGN); /* before anything is kept, and when all is written */
	out = open_output(o->output, &err);
	if (out < 0 || lp_sink_new(o->format, out, wants_color(out), &sink, &err) < 0 ||
	    (o->last && lp_sink_keep_last(sink, o->last, &err) < 0) ||
	    lp_session_new(&opts, &session_ops, sink, &session, &err) < 0)
		return lp_report(&err);

	size_t bad = SIZE_MAX;
	if (start(session, &points, &err, &bad) < 0)
		return bad < points.all.len ? lp_report_point(&points.all.data[bad], &err)
					    : lp_report(&err);
	if (empty_output(o, out, &err) < 0)
		return lp_report(&err);
	return run(session, sink, o);
}
