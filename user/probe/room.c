// SPDX-License-Identifier: GPL-2.0-only
/* Room in the tables of sites and of code: both grow at their end, and what is given back is used
 * again, so that processes may come and go for ever.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "logpoint.skel.h"

/* The smallest that is free and has room for n instructions; UINT32_MAX: none. */
static uint32_t find_free(const struct lp_kernel *k, size_t n)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; k->n_free && i < k->rooms.len; i++) {
		const struct lp_room *r = &k->rooms.data[i];

		if (r->is_free && r->size >= n &&
		    (best == UINT32_MAX || r->size < k->rooms.data[best].size))
			best = i;
	}
	return best;
}

/* What attributes were found to be is remembered by instruction: not for another program. */
static void forget_attributes(struct lp_kernel *k, const struct lp_room *room)
{
	size_t size = bpf_map__value_size(k->skel->maps.py_caches);
	lp_auto(lp_free) uint8_t *nothing = calloc(k->cpus, (size + 7) & ~(size_t)7);
	uint32_t caches = bpf_map__max_entries(k->skel->maps.py_caches);

	for (uint32_t i = 0; nothing && i < room->size && i < caches; i++) {
		uint32_t key = (room->code + i) % caches;

		bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_caches), &key, nothing, BPF_ANY);
	}
}

int lp_room_take(struct lp_kernel *k, size_t n, uint32_t *ret_site, struct lp_err *err)
{
	uint32_t free_one = find_free(k, n);

	if (free_one != UINT32_MAX) {
		k->rooms.data[free_one].is_free = false;
		k->n_free--;
		if (lp_kernel_has_python(k))
			forget_attributes(k, &k->rooms.data[free_one]);
		*ret_site = free_one;
		return 0;
	}
	if (k->rooms.len == k->conf.max_sites)
		return lp_err_set(err, ENOSPC, "no room for more than %zu places", k->rooms.len);
	if (n > k->conf.max_code - k->n_code)
		return lp_err_set(err, ENOSPC, "no room for the programs of more logpoints");

	struct lp_room room = { .code = k->n_code, .size = (uint32_t)n };
	if (lp_vec_push(&k->rooms, room) < 0)
		return lp_err_nomem(err);
	k->n_code += (uint32_t)n;
	k->native.live->n_sites = (uint32_t)k->rooms.len;
	*ret_site = (uint32_t)k->rooms.len - 1;
	return 0;
}

void lp_kernel_free_site(struct lp_kernel *k, uint32_t site)
{
	if (site >= k->rooms.len || k->rooms.data[site].is_free)
		return;
	k->rooms.data[site].is_free = true;
	k->n_free++;
	if (lp_kernel_has_python(k))
		lp_watch_forget_runs(k, LP_STEP_RUNS | site);
}
