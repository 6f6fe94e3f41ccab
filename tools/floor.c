/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.c
 *
 * floor PID FILE OFFSET... - attach an empty program to instructions of a process, as logpoint would
 * attach its own, say "armed", and stay until standard input ends. What a hit costs then is the floor
 * that the benchmarks compare with.
 *
 * floor --watch PID ADDRESS - the same on a hardware watchpoint, of one byte.
 */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.skel.h"
#include "probe/kernel.h"

#define OFFSETS_MAX 64

static int watch(struct floor_bpf *floor, char **argv)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = strtoul(argv[3], NULL, 0),
		.bp_len = HW_BREAKPOINT_LEN_1,
		.sample_period = 1,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, atoi(argv[2]), -1, -1,
			      PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	floor->links.nothing_watched =
		bpf_program__attach_perf_event(floor->progs.nothing_watched, fd);
	return floor->links.nothing_watched ? 0 : -errno;
}

/* Both end with the process. */
static int probe(struct floor_bpf *floor, bool multi, int argc, char **argv)
{
	int prog = bpf_program__fd(floor->progs.nothing);
	uint64_t offsets[OFFSETS_MAX];
	size_t n = 0;

	for (int i = 3; i < argc && n < OFFSETS_MAX; i++)
		offsets[n++] = strtoul(argv[i], NULL, 0);
	if (multi) {
		int link =
			lp_multi_link(prog, argv[2], n, offsets, NULL, NULL, false, atoi(argv[1]));
		return link < 0 ? link : 0;
	}
	for (size_t i = 0; i < n; i++)
		if (!bpf_program__attach_uprobe(floor->progs.nothing, false, atoi(argv[1]), argv[2],
						offsets[i]))
			return -errno;
	return 0;
}

static struct floor_bpf *load(bool multi)
{
	struct floor_bpf *floor = floor_bpf__open();

	if (!floor)
		return NULL;
	if (multi)
		bpf_program__set_expected_attach_type(floor->progs.nothing, LP_UPROBE_MULTI);
	if (floor_bpf__load(floor) == 0)
		return floor;
	floor_bpf__destroy(floor);
	return NULL;
}

int main(int argc, char **argv)
{
	const bool multi = lp_have_uprobe_multi(NULL, 0);
	char byte;

	if (argc < 4) {
		fprintf(stderr, "usage: floor PID FILE OFFSET... | floor --watch PID ADDRESS\n");
		return 2;
	}

	struct floor_bpf *floor = load(multi);
	if (!floor) {
		fprintf(stderr, "floor: %s\n", strerror(errno));
		return 1;
	}

	int r = strcmp(argv[1], "--watch") ? probe(floor, multi, argc, argv) : watch(floor, argv);
	if (r < 0) {
		fprintf(stderr, "floor: %s %s %s: %s\n", argv[1], argv[2], argv[3], strerror(-r));
		return 1;
	}

	printf("armed\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	floor_bpf__destroy(floor);
	return 0;
}
