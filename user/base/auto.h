/* SPDX-License-Identifier: GPL-2.0-only */
/* user/base/auto.h
 *
 * auto - ownership by scope. LP_CLEANUP(type, fn) makes fn usable as lp_auto(fn); fn must take
 * NULL (or a zeroed object). lp_take() hands a pointer over and disarms its cleanup.
 */
#ifndef LP_BASE_AUTO_H
#define LP_BASE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define lp_auto(fn) __attribute__((cleanup(fn##_cleanup)))

/* for a pointer type: fn(pointer) */
#define LP_CLEANUP(type, fn)                                                                       \
	static inline void fn##_cleanup(type *p)                                                   \
	{                                                                                          \
		fn(*p);                                                                            \
	}

/* for an embedded object: fn(&object) */
#define LP_CLEANUP_DONE(type, fn)                                                                  \
	static inline void fn##_cleanup(type *p)                                                   \
	{                                                                                          \
		fn(p);                                                                             \
	}

#define lp_take(p)                                                                                 \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

static inline void lp_free_cleanup(void *p)
{
	free(*(void **)p);
}

static inline void lp_close_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline int lp_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void lp_fclose_cleanup(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define LP_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
