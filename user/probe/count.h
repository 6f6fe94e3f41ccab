/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/count.h
 *
 * count - how often places of machine code are run into, counted for a moment by a program of its own
 * while other things go on. What it costs the target is bounded: the moment is over as soon as one
 * place was run into LP_COUNT_MAX times. Then those that are still wanted are counted once more by
 * themselves, as the others have slowed the target down.
 */
#ifndef LP_PROBE_COUNT_H
#define LP_PROBE_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/err.h"

#define LP_COUNT_MAX 1000

/* In place of a rate: the target wanted a CPU and had none. */
#define LP_COUNT_UNKNOWN UINT64_MAX

struct lp_count;

struct lp_count_item {
	const char *path; /* as in struct lp_attach */
	size_t n;
	const uint64_t *offsets; /* file offsets: each is a place of the item */
};

struct lp_count_spec {
	pid_t pid; /* 0: every process that maps the files */
	size_t n;
	const struct lp_count_item
		*items;	 /* they and what they point to stay until lp_count_free() */
	uint64_t moment; /* ns */
	/* Sets which items are counted on; called by another thread. */
	void (*choose)(void *arg, const uint64_t *runs, bool *keep);
	void *arg;
};

/* -ENOTSUP: the kernel can't take probes out quickly enough (before 6.10). */
int lp_count_begin(const struct lp_count_spec *spec, struct lp_count **ret, struct lp_err *err);
/* Waits until it is over. By item: runs a second, or LP_COUNT_UNKNOWN. */
int lp_count_end(struct lp_count *c, uint64_t *ret_rates, struct lp_err *err);
void lp_count_free(struct lp_count *c);
LP_CLEANUP(struct lp_count *, lp_count_free)

#endif
