/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/moving.c
 *
 * moving - memory that comes and goes while it is looked at.
 *
 *	moving COUNT
 *
 * look() is called COUNT times with an address in a page. Another thread puts there, in turn, pages that are filled
 * before and never written after, an empty one, one without access, and none; the kernel soon hands out again what
 * was taken away. A third forks. All that a page says is one number.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

#define PAGE  4096
#define PLACE ((char *)0x200000000000)
#define EACH  128 /* bytes */

struct seen {
	uint64_t a, b;
	char text[24];
};

static volatile int over;

static void put(uint64_t n)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int at = 0; at < PAGE; at += EACH) {
		struct seen *s = (void *)(page + at);

		s->a = n;
		s->b = ~n;
		snprintf(s->text, sizeof(s->text), "%08lx-%08lx", n, n);
	}
	if (mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, PLACE) != PLACE)
		abort();
}

static void *move(void *arg)
{
	for (uint64_t n = 1; !over; n++) {
		put(n);
		if (n % 8 == 3)
			madvise(PLACE, PAGE, MADV_DONTNEED);
		if (n % 8 == 5)
			mprotect(PLACE, PAGE, PROT_NONE);
		if (n % 8 == 7)
			munmap(PLACE, PAGE);
	}
	return arg;
}

static void *split(void *arg)
{
	while (!over) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		usleep(1000);
	}
	return arg;
}

static NOINLINE void look(const struct seen *p, long i)
{
	KEEP(p);
	KEEP(i); /* @look */
}

int main(int argc, char **argv)
{
	const long count = argc > 1 ? atol(argv[1]) : 1;
	pthread_t mover, splitter;

	put(1);
	if (pthread_create(&mover, NULL, move, NULL) || pthread_create(&splitter, NULL, split, NULL))
		return 1;
	for (long i = 0; i < count; i++)
		look((const struct seen *)(PLACE + i * EACH % PAGE), i);
	over = 1;
	pthread_join(mover, NULL);
	pthread_join(splitter, NULL);
	return 0;
}
