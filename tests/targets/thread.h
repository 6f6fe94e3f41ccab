/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/thread.h
 *
 * A thread that runs while its maker executes no line of frames.c: gdb can lose a thread's stop where another
 * one has its own at that moment.
 */
#ifndef LP_TARGETS_THREAD_H
#define LP_TARGETS_THREAD_H

#include <pthread.h>

#include "target.h"

static NOINLINE int run_in_thread(void *(*fn)(void *arg), void *arg, void **ret)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, fn, arg);

	return r ? r : pthread_join(t, ret);
}

#endif
