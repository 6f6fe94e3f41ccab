/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/tree.c
 *
 * tree DEPTH WIDTH		forks WIDTH children, each of which does so, DEPTH levels deep
 * tree exec N			runs itself again N times by execve, N counting down
 *
 * Each process runs visit() once and says its pid.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "target.h"

static NOINLINE void visit(int level, int pid)
{
	KEEP(level);
	HERE(pid); /* @visit */
}

static void grow(int depth, int width)
{
	visit(depth, getpid());
	printf("visit %d %d\n", depth, getpid());
	fflush(stdout);
	if (depth == 0)
		return;
	for (int i = 0; i < width; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			grow(depth - 1, width);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "exec") != 0) {
		target_wait();
		grow(atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	int n = atoi(argv[2]);

	if (argc == 3)
		target_wait();
	visit(n, getpid());
	printf("visit %d %d\n", n, getpid());
	fflush(stdout);
	if (n == 0)
		return 7;
	char next[16];

	snprintf(next, sizeof(next), "%d", n - 1);
	execl("/proc/self/exe", argv[0], "exec", next, "again", (char *)NULL);
	return 1;
}
