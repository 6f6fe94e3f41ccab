// SPDX-License-Identifier: GPL-2.0-only
/* Where a thread is, told by what the kernel says of its time (proc(5)).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe/kernel.h"

static bool read_file(pid_t pid, pid_t tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* Its name, in parentheses, can have any characters. */
static bool is_asleep(pid_t pid, pid_t tid)
{
	char buf[256];

	if (!read_file(pid, tid, "stat", buf, sizeof(buf)))
		return true; /* it is gone */
	const char *state = strrchr(buf, ')');
	return state && state[1] && state[2] != 'R';
}

uint64_t lp_thread_ran(pid_t pid, pid_t tid)
{
	char buf[64];
	uint64_t ns;

	if (!read_file(pid, tid, "schedstat", buf, sizeof(buf)) ||
	    sscanf(buf, "%" SCNu64, &ns) != 1)
		return 0;
	return ns;
}

bool lp_thread_went_on(pid_t pid, pid_t tid, uint64_t since, uint64_t ns)
{
	return is_asleep(pid, tid) || lp_thread_ran(pid, tid) >= since + ns;
}
