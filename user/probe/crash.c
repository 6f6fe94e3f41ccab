// SPDX-License-Identifier: GPL-2.0-only
/* The program for signals that end a process, which must not sleep. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "logpoint.skel.h"

int lp_crash_load(struct lp_kernel *k, int types, struct lp_err *err)
{
	return lp_awake_load(k, "lp_crash", types, &k->crash, err);
}

/* What has come is looked at for each signal of the machine: only while there is a logpoint. */
static int attach(struct lp_kernel *k, struct lp_err *err)
{
	if (k->crash->links.lp_crash)
		return 0;
	return lp_attach_tracepoint(k->crash->progs.lp_crash, "watch signals",
				    &k->crash->links.lp_crash, err);
}

static void note_signals(struct lp_kernel *k)
{
	uint64_t all = 0;

	for (size_t i = 0; i < LP_CRASHES_MAX; i++)
		all |= k->skel->bss->lp_crash_wanted[i];
	k->skel->bss->lp_crash_signals = all;
}

int lp_kernel_add_crash(struct lp_kernel *k, uint32_t site, uint64_t signals, struct lp_err *err)
{
	size_t i = 0;

	if (!k->crash)
		return lp_err_set(err, EINVAL, "loaded without what a crash needs");
	while (i < LP_CRASHES_MAX && k->skel->bss->lp_crash_wanted[i])
		i++;
	if (i == LP_CRASHES_MAX)
		return lp_err_set(err, ENOSPC, "more than %d logpoints of crashes", LP_CRASHES_MAX);
	int r = attach(k, err);
	if (r < 0)
		return r;
	k->skel->bss->lp_crash_sites[i] = site;
	k->skel->bss->lp_crash_wanted[i] = signals;
	note_signals(k);
	return 0;
}

void lp_kernel_drop_crash(struct lp_kernel *k, uint32_t site)
{
	for (size_t i = 0; i < LP_CRASHES_MAX; i++)
		if (k->skel->bss->lp_crash_sites[i] == site)
			k->skel->bss->lp_crash_wanted[i] = 0;
	note_signals(k);
}

void lp_kernel_detach_crashes(struct lp_kernel *k)
{
	if (!k->crash)
		return;
	bpf_link__destroy(k->crash->links.lp_crash);
	k->crash->links.lp_crash = NULL;
}

void lp_kernel_set_crash_message(struct lp_kernel *k, pid_t tgid, uint64_t addr)
{
	int map = bpf_map__fd(k->skel->maps.crash_messages);
	uint32_t key = (uint32_t)tgid;

	if (!k->crash)
		return;
	if (addr)
		bpf_map_update_elem(map, &key, &addr, BPF_ANY);
	else
		bpf_map_delete_elem(map, &key);
}
