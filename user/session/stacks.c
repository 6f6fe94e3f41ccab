// SPDX-License-Identifier: GPL-2.0-only
#include "session/stacks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/stacks_impl.h"
#include "target/procfs.h"

#define STATUS_MAX 65536
#define TRIES	   4

/* pthread_self() is the address of struct pthread, whose `tid` lies there: glibc (nptl/descr.h), x86-64. */
#define PTHREAD_TID 0x2d0

/* --- threads as the kernel knows them --- */

static const char *field(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? found + strlen(name) : "";
}

static int read_status(pid_t pid, pid_t tid, struct os_thread *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	if (lp_file_read(path, STATUS_MAX, &text) < 0 || !text.len)
		return -ESRCH;
	*ret = (struct os_thread){ .tid = tid, .own_tid = tid };

	const char *comm = field(text.data, "Name:\t"), *own = field(text.data, "\nNSpid:\t");
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)strcspn(comm, "\n"), comm);
	ret->state = *field(text.data, "\nState:\t");
	for (char *end; *own && *own != '\n'; own = end) { /* the innermost namespace comes last */
		ret->own_tid = (pid_t)strtol(own, &end, 10);
		if (end == own)
			break;
	}
	ret->switches = strtoull(field(text.data, "\nvoluntary_ctxt_switches:\t"), NULL, 10) +
			strtoull(field(text.data, "\nnonvoluntary_ctxt_switches:\t"), NULL, 10);
	return 0;
}

static int compare_tids(const void *a, const void *b)
{
	const struct os_thread *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int stacks_list_threads(pid_t pid, struct os_threads *ret, struct lp_err *err)
{
	char path[64];
	struct dirent *d;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return lp_procfs_error(pid, "task", errno, err);
	while (r == 0 && (d = readdir(dir))) {
		struct os_thread t;
		const pid_t tid = (pid_t)strtol(d->d_name, NULL, 10);

		if (tid > 0 && read_status(pid, tid, &t) == 0 && t.state != 'Z' && t.state != 'X')
			r = lp_vec_push(ret, t);
	}
	closedir(dir);
	if (r < 0)
		return lp_err_nomem(err);
	if (!ret->len)
		return lp_err_set(err, ESRCH, "process %d has ended", (int)pid);
	qsort(ret->data, ret->len, sizeof(*ret->data), compare_tids);
	return 0;
}

bool stacks_slept(pid_t pid, const struct os_thread *t)
{
	struct os_thread now;

	return t->state != 'R' && read_status(pid, t->tid, &now) == 0 && now.state != 'R' &&
	       now.switches == t->switches;
}

/* --- Python threads --- */

static struct os_thread *find_own(struct stacks *s, pid_t own_tid)
{
	lp_vec_each (&s->os, t)
		if (own_tid > 0 && t->own_tid == own_tid)
			return t;
	return NULL;
}

/* Up to 3.10 only the C library knows the number. */
static struct os_thread *os_thread_of(struct stacks *s, const struct lp_py_thread *t)
{
	struct lp_memory *m = &s->proc->memory.memory;
	int32_t tid = t->tid;

	if (!tid && m->read(m, t->ident + PTHREAD_TID, &tid, sizeof(tid)) < 0)
		return NULL;
	return find_own(s, tid);
}

static bool is_still(void *arg, const struct lp_py_thread *t)
{
	const struct os_thread *os = os_thread_of(arg, t);

	return os && os->state != 'R';
}

/* A thread that did not run while it was read needs no second look. */
static int read_stack(struct stacks *s, struct lp_py_thread *t, struct os_thread *os)
{
	int r = 0;

	for (int i = 0; os && i < TRIES && os->state != 'R'; i++) {
		if (r == 0 && i > 0)
			r = lp_python_thread_stack(s->py, t, LP_PY_LOOKS_STILL);
		if (r < 0 || stacks_slept(s->proc->info.pid, os))
			return r;
		if (read_status(s->proc->info.pid, os->tid, os) < 0)
			break;
	}
	return lp_python_thread_stack(s->py, t, LP_PY_LOOKS_RUNNING);
}

static int put_thread(struct stacks *s, struct lp_py_thread *t, struct lp_thread_stack *ret)
{
	struct os_thread *os = os_thread_of(s, t);
	int r = read_stack(s, t, os);

	*ret = (struct lp_thread_stack){ .is_python = true,
					 .has_gil = t->has_gil,
					 .interpreter = t->interpreter,
					 .name = t->name };
	if (os) {
		ret->tid = os->tid;
		ret->state = os->state;
		ret->comm = lp_arena_strdup(s->arena, os->comm);
		t->tid = os->tid;
		os->own_tid = 0; /* taken */
	} else {
		t->tid = 0;
	}
	return r < 0 ? r : stacks_python(s, &t->stack, &ret->stack);
}

static int compare_threads(const void *a, const void *b)
{
	const struct lp_thread_stack *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int put_threads(struct stacks *s, struct lp_process_stacks *ret)
{
	const size_t room = s->threads.len + s->os.len;
	int r = 0;

	ret->threads = lp_arena_array(s->arena, struct lp_thread_stack, room + 1);
	if (!ret->threads)
		return -ENOMEM;
	if (s->threads.len)
		r = lp_python_still_stacks(s->py, &s->threads, is_still, s);
	lp_vec_each (&s->threads, t)
		if (r == 0)
			r = put_thread(s, t, &ret->threads[ret->n_threads++]);
	lp_vec_each (&s->os, t)
		if (t->own_tid)
			ret->threads[ret->n_threads++] = (struct lp_thread_stack){
				.tid = t->tid,
				.state = t->state,
				.comm = lp_arena_strdup(s->arena, t->comm),
			};
	qsort(ret->threads, ret->n_threads, sizeof(*ret->threads), compare_threads);
	ret->cut = s->threads.cut;
	return r;
}

/* --- */

static int read_python(struct stacks *s, struct lp_process_stacks *ret, struct lp_err *err)
{
	int r = lp_python_skip_scan(s->py, err);

	if (r == 0)
		r = lp_python_threads(s->py, s->arena, &s->threads, err);
	if (r == 0) {
		ret->python = lp_python_version(s->py);
		s->types = lp_py_types_new();
	}
	return r;
}

static void stacks_done(struct stacks *s)
{
	lp_vec_done(&s->os);
	lp_py_threads_done(&s->threads);
	lp_py_types_free(s->types);
}
LP_CLEANUP_DONE(struct stacks, stacks_done)

int lp_stacks_read(struct lp_proc *p, struct lp_python *py, const struct lp_stacks_opts *o,
		   struct lp_arena *arena, struct lp_process_stacks *ret, struct lp_err *err)
{
	lp_auto(stacks_done) struct stacks s = { .proc = p, .py = py, .o = o, .arena = arena };
	struct lp_err why = { 0 };
	int r = stacks_list_threads(p->info.pid, &s.os, err);

	*ret = (struct lp_process_stacks){ .pid = p->info.pid, .comm = p->info.comm };
	if (r < 0)
		return r;
	if (py && read_python(&s, ret, &why) < 0)
		ret->why = lp_arena_strdup(arena, why.msg);
	r = put_threads(&s, ret);
	if (r == 0 && ret->python && stacks_tasks(&s, ret, &why) < 0)
		ret->why = lp_arena_strdup(arena, why.msg);
	return r < 0 ? lp_err_nomem(err) : 0;
}
