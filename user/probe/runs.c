// SPDX-License-Identifier: GPL-2.0-only
/* How often the kernel has brought a watched byte, or a probe in the evaluation loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "logpoint.skel.h"

/* The key of all processors' counters of a place; their counts are 0. */
static int set_near(struct lp_kernel *k, uint32_t n, uint64_t key)
{
	lp_auto(lp_free) struct lp_watch_near *each = calloc(k->cpus, sizeof(*each));

	if (!each)
		return -ENOMEM;
	for (uint32_t i = 0; i < k->cpus; i++)
		each[i].key = key;
	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.watch_near), &n, each, BPF_ANY) < 0)
		return -errno;
	k->watch_near[n] = key;
	return 0;
}

static void add(struct lp_watch_runs *sum, const struct lp_watch_runs *one)
{
	sum->all += one->all;
	sum->twice += one->twice;
}

static void add_near(struct lp_kernel *k, uint64_t key, struct lp_watch_runs *sum)
{
	uint32_t n = LP_WATCH_NEAR_OF(key);
	lp_auto(lp_free) struct lp_watch_near *each = calloc(k->cpus, sizeof(*each));

	if (!each || k->watch_near[n] != key ||
	    bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.watch_near), &n, each) < 0)
		return;
	for (uint32_t i = 0; i < k->cpus; i++)
		add(sum, &each[i].runs);
}

int lp_watch_note_runs(struct lp_kernel *k, uint64_t key, struct lp_err *err)
{
	lp_auto(lp_free) struct lp_watch_runs *zero = calloc(k->cpus, sizeof(*zero));
	int map = bpf_map__fd(k->skel->maps.watch_runs);

	if (!zero)
		return lp_err_nomem(err);
	if (bpf_map_update_elem(map, &key, zero, BPF_NOEXIST) < 0 && errno != EEXIST)
		return lp_err_set(err, errno, "no room for more watched bytes: %s",
				  strerror(errno));
	if (!k->watch_near[LP_WATCH_NEAR_OF(key)])
		set_near(k, LP_WATCH_NEAR_OF(key), key); /* or they are looked for */
	return 0;
}

void lp_watch_forget_runs(struct lp_kernel *k, uint64_t key)
{
	if (k->watch_near[LP_WATCH_NEAR_OF(key)] == key)
		set_near(k, LP_WATCH_NEAR_OF(key), 0);
	bpf_map_delete_elem(bpf_map__fd(k->skel->maps.watch_runs), &key);
}

void lp_watch_runs(struct lp_kernel *k, uint64_t addr, struct lp_watch_runs *ret)
{
	lp_auto(lp_free) struct lp_watch_runs *each = calloc(k->cpus, sizeof(*each));
	int map = bpf_map__fd(k->skel->maps.watch_runs);

	*ret = (struct lp_watch_runs){ 0 };
	if (!each || bpf_map_lookup_elem(map, &addr, each) < 0)
		return;
	for (uint32_t i = 0; i < k->cpus; i++)
		add(ret, &each[i]);
	add_near(k, addr, ret);
}
