/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/some_world.h
 *
 * some_world - the same for each run of a test, but otherwise at random: numbers, and the pages of a vm_world, of which
 * some are away and some are not there.
 */
#ifndef LP_TESTS_SOME_WORLD_H
#define LP_TESTS_SOME_WORLD_H

#include "vm_world.h"

static uint64_t roll(void)
{
	static uint64_t seed = 88172645463325252ull;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

#define ONE_OF(a) ((a)[roll() % (sizeof(a) / sizeof(*(a)))])

static uint64_t some_address(void)
{
	return WORLD_BASE + roll() % sizeof(world.memory);
}

static void some_pages(void)
{
	world_reset();
	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		world.page[i] = i % 8 == 7 ? PAGE_NONE : i % 8 == 6 ? PAGE_AWAY : PAGE_HERE;
}

#endif
