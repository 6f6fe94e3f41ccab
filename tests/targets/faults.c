/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/faults.c
 *
 * faults FILE
 *
 * Pointers that lead nowhere, strings without an end, and a page that is not resident: FILE (of one
 * page and a bit, "present" at its beginning) is mapped and dropped from memory before it is shown.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

struct node {
	int value;
	struct node *next;
	const char *text;
};

static NOINLINE void show(struct node *chain, struct node *bad, const char *endless,
			  const char *absent, const int *edge, const char *wild)
{
	KEEP(chain);
	KEEP(bad);
	KEEP(endless);
	KEEP(absent);
	KEEP(edge);
	HERE(wild); /* @show */
}

int main(int argc, char **argv)
{
	struct node last = { 2, NULL, NULL }, first = { 1, &last, "first" };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *area =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;

	if (area == MAP_FAILED || fd < 0)
		return 2;
	memset(area + page - 300, 'e', 100);
	memset(area + page - 200, 'x', 200);
	char *file = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		return 2;
	munmap(area + page, 2 * page);
	target_wait();
	for (int i = 0; i < 2; i++) {
		madvise(file, page, MADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		show(&first, (struct node *)0x10, area + page - 10, file,
		     (int *)(void *)(area + page - 6), (const char *)0xdead000000000000);
	}
	puts("done");
	return 0;
}
