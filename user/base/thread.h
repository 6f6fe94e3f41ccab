/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/thread.h
 *
 * thread - threads that work beside the one that a session runs in.
 */
#ifndef LP_THREAD_H
#define LP_THREAD_H

#include <pthread.h>

/* No signal is delivered to it: they are for who waits for them. 0 or -errno. */
int lp_thread_start(pthread_t *ret, void *(*fn)(void *arg), void *arg);

#endif
