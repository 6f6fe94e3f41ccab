/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/probes.c
 *
 * probes COUNT
 *
 * Static probes. With SEMAPHORE defined, tick fires only while somebody listens; the program says
 * how often it saw a listener.
 */
#ifdef SEMAPHORE
#define _SDT_HAS_SEMAPHORES 1
#endif
#include <stdlib.h>
#include <sys/sdt.h>

#include "target.h"

#ifdef SEMAPHORE
__extension__ unsigned short shop_tick_semaphore __attribute__((unused, section(".probes")));
__extension__ unsigned short shop_bye_semaphore __attribute__((unused, section(".probes")));
#define LISTENING __builtin_expect(*(volatile unsigned short *)&shop_tick_semaphore, 0)
#else
#define LISTENING 0
#endif

static NOINLINE int work(int i, const char *name, signed char small)
{
	int seen = LISTENING != 0;

#ifdef SEMAPHORE
	if (seen)
#endif
		DTRACE_PROBE4(shop, tick, i, name, small, (unsigned long)i << 33);
	return seen;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "spring", "summer", "autumn", "winter" };
	int n = argc > 1 ? atoi(argv[1]) : 1;
	int seen = 0;

	target_wait();
	for (int i = 0; i < n; i++)
		seen += work(i, names[i % 4], (signed char)(-1 - i % 100));
	DTRACE_PROBE1(shop, bye, n);
	printf("seen %d\n", seen);
	return 0;
}
