// SPDX-License-Identifier: GPL-2.0-only
/* Threads as the kernel knows them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/stacks_impl.h"
#include "target/procfs.h"

#define STATUS_MAX 65536

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

bool stacks_slept(pid_t pid, struct os_thread *t)
{
	struct os_thread now;

	if (t->state == 'R' || read_status(pid, t->tid, &now) < 0)
		return false;

	const bool slept = now.state != 'R' && now.switches == t->switches;
	t->state = now.state;
	t->switches = now.switches;
	return slept;
}
