/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.c
 *
 * floor PID FILE OFFSET... - attach an empty program to instructions of a process, as logpoint would
 * attach its own, say "armed", and stay until standard input ends. What a hit costs then is the floor
 * that the benchmarks compare with.
 *
 * floor --look-up PID FILE OFFSET... - a program that looks up whose hit it is, as a logpoint's begins;
 * at the end it says how many were found to be the process's.
 *
 * floor --watch PID ADDRESS - the empty program on a hardware watchpoint, of one byte.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lp/live.h"
#include "floor.skel.h"
#include "probe/kernel.h"

#define OFFSETS_MAX 64

enum what { NOTHING, LOOK_UP, WATCH };
static const char *const options[] = { [LOOK_UP] = "--look-up", [WATCH] = "--watch" };
static const char *const programs[] = { "nothing", "look_up", "nothing_watched" };

/* All that is attached ends with this process. */
static int watch(const struct bpf_program *p, pid_t pid, char **args)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = strtoul(args[0], NULL, 0),
		.bp_len = HW_BREAKPOINT_LEN_1,
		.sample_period = 1,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 || !bpf_program__attach_perf_event(p, fd) ? -errno : 0;
}

static int probe(const struct bpf_program *p, bool multi, pid_t pid, char **args)
{
	const uint64_t cookies[OFFSETS_MAX] = { 0 };
	uint64_t offsets[OFFSETS_MAX];
	size_t n = 0;

	for (; args[n + 1] && n < OFFSETS_MAX; n++)
		offsets[n] = strtoul(args[n + 1], NULL, 0);
	if (multi)
		return lp_multi_link(bpf_program__fd(p), args[0], n, offsets, NULL, cookies, false,
				     pid);
	for (size_t i = 0; i < n; i++)
		if (!bpf_program__attach_uprobe(p, false, pid, args[0], offsets[i]))
			return -errno;
	return 0;
}

static int attach(struct floor_bpf *floor, enum what what, pid_t pid, char **args)
{
	struct bpf_program *p, *chosen = NULL;
	const bool multi = lp_have_uprobe_multi(NULL, 0);

	floor->rodata->lp_fixed.pidns = lp_own_pidns();
	floor->data_live->lp_live.only_tgid = (uint32_t)pid;
	for (char **at = args + 1; what != WATCH && *at; at++)
		floor->data_live->lp_live.near[strtoul(*at, NULL, 0) % LP_NEAR_SITES] = 1;
	bpf_object__for_each_program(p, floor->obj)
	{
		const bool wanted = !strcmp(bpf_program__name(p), programs[what]);

		bpf_program__set_autoload(p, wanted);
		if (wanted)
			chosen = p;
	}
	if (multi && what != WATCH)
		bpf_program__set_expected_attach_type(chosen, LP_UPROBE_MULTI);
	if (floor_bpf__load(floor) < 0)
		return -errno;
	return what == WATCH ? watch(chosen, pid, args) : probe(chosen, multi, pid, args);
}

int main(int argc, char **argv)
{
	enum what what = argc > 1 && !strcmp(argv[1], options[LOOK_UP]) ? LOOK_UP
			 : argc > 1 && !strcmp(argv[1], options[WATCH]) ? WATCH
									: NOTHING;
	char **args = argv + 1 + (what != NOTHING), byte;

	if (argc - (args - argv) < (what == WATCH ? 2 : 3)) {
		fprintf(stderr, "usage: floor [--look-up] PID FILE OFFSET... | floor --watch PID "
				"ADDRESS\n");
		return 2;
	}

	struct floor_bpf *floor = floor_bpf__open();
	int r = floor ? attach(floor, what, atoi(args[0]), args + 1) : -errno;
	if (r < 0) {
		fprintf(stderr, "floor: %s: %s\n", args[0], strerror(-r));
		floor_bpf__destroy(floor);
		return 1;
	}

	signal(SIGINT, SIG_IGN);
	printf("armed\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	if (what == LOOK_UP)
		printf("%llu found\n", (unsigned long long)floor->bss->found);
	floor_bpf__destroy(floor);
	return 0;
}
