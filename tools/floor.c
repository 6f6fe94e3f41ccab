/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/floor.c
 *
 * floor PID FILE OFFSET - attach an empty program to an instruction of a process, say "armed", and
 * stay until standard input ends. What a hit costs then is the floor that `make bench` compares with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.skel.h"

int main(int argc, char **argv)
{
	char byte;

	if (argc != 4) {
		fprintf(stderr, "usage: floor PID FILE OFFSET\n");
		return 2;
	}

	struct floor_bpf *floor = floor_bpf__open_and_load();
	if (!floor) {
		fprintf(stderr, "floor: %s\n", strerror(errno));
		return 1;
	}

	floor->links.nothing = bpf_program__attach_uprobe(
		floor->progs.nothing, false, atoi(argv[1]), argv[2], strtoul(argv[3], NULL, 0));
	if (!floor->links.nothing) {
		fprintf(stderr, "floor: %s+%s: %s\n", argv[2], argv[3], strerror(errno));
		floor_bpf__destroy(floor);
		return 1;
	}

	printf("armed\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	floor_bpf__destroy(floor);
	return 0;
}
