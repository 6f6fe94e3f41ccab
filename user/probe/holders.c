// SPDX-License-Identifier: GPL-2.0-only
/* Who else has hardware watchpoints: the kernel doesn't tell. A debugger is known by TracerPid, a
 * profiler by the descriptors of perf events that it holds.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probe/kernel.h"
#include "target/procfs.h"

#define HOLDERS_MAX 4 /* told of */

static void comm_of(pid_t pid, char ret[LP_COMM_LEN + 1])
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	snprintf(ret, LP_COMM_LEN + 1, "?");
	if (lp_procfs_read(pid, "comm", &text, NULL) == 0 && text.len)
		snprintf(ret, LP_COMM_LEN + 1, "%.*s", (int)strcspn(text.data, "\n"), text.data);
}

static void tell(pid_t pid, const char *what, char *ret, size_t size)
{
	size_t n = strlen(ret);
	char comm[LP_COMM_LEN + 1];

	comm_of(pid, comm);
	snprintf(ret + n, size - n, "%s%s[%d] (%s)", n ? ", " : "", comm, (int)pid, what);
}

static pid_t tracer_of(pid_t pid)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	if (lp_procfs_read(pid, "status", &text, NULL) < 0)
		return 0;
	const char *found = strstr(text.data, "\nTracerPid:");
	return found ? (pid_t)atoi(found + strlen("\nTracerPid:")) : 0;
}

static bool has_perf_events(pid_t pid)
{
	char path[32], name[64], to[64];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	for (struct dirent *e; !found && (e = readdir(dir));) {
		snprintf(name, sizeof(name), "%s/%.16s", path, e->d_name);
		ssize_t n = readlink(name, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		found = !strcmp(to, "anon_inode:[perf_event]");
	}
	closedir(dir);
	return found;
}

void lp_watch_holders(pid_t pid, char *ret, size_t size)
{
	pid_t tracer = tracer_of(pid);
	int n = 0;

	*ret = '\0';
	if (tracer)
		tell(tracer, "traces the process", ret, size);
	DIR *dir = opendir("/proc");
	if (!dir)
		return;
	for (struct dirent *e; n < HOLDERS_MAX && (e = readdir(dir));) {
		pid_t other = (pid_t)atoi(e->d_name);

		if (other <= 0 || other == getpid() || other == tracer || !has_perf_events(other))
			continue;
		tell(other, "holds perf events", ret, size);
		n++;
	}
	closedir(dir);
}
