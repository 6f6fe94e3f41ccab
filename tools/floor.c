/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.c
 *
 * floor PID FILE OFFSET - attach an empty program to an instruction of a process, say "armed", and
 * stay until standard input ends. What a hit costs then is the floor that `make bench` compares with.
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

static struct bpf_link *watch(struct floor_bpf *floor, pid_t pid, unsigned long address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = address,
		.bp_len = HW_BREAKPOINT_LEN_1,
		.sample_period = 1,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? NULL : bpf_program__attach_perf_event(floor->progs.nothing_watched, fd);
}

static struct bpf_link *attach(struct floor_bpf *floor, char **argv)
{
	if (!strcmp(argv[1], "--watch"))
		return watch(floor, atoi(argv[2]), strtoul(argv[3], NULL, 0));
	return bpf_program__attach_uprobe(floor->progs.nothing, false, atoi(argv[1]), argv[2],
					  strtoul(argv[3], NULL, 0));
}

int main(int argc, char **argv)
{
	char byte;

	if (argc != 4) {
		fprintf(stderr, "usage: floor PID FILE OFFSET | floor --watch PID ADDRESS\n");
		return 2;
	}

	struct floor_bpf *floor = floor_bpf__open_and_load();
	if (!floor) {
		fprintf(stderr, "floor: %s\n", strerror(errno));
		return 1;
	}

	struct bpf_link *link = attach(floor, argv);
	if (!link) {
		fprintf(stderr, "floor: %s %s %s: %s\n", argv[1], argv[2], argv[3],
			strerror(errno));
		floor_bpf__destroy(floor);
		return 1;
	}

	printf("armed\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	bpf_link__destroy(link);
	floor_bpf__destroy(floor);
	return 0;
}
