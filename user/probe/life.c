// SPDX-License-Identifier: GPL-2.0-only
/* The programs of processes' lives: an object of their own, with the maps of the others (beside.c). */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "life.skel.h"

int lp_life_open(struct lp_kernel *k, int types, struct lp_err *err)
{
	struct lp_open_opts o;

	k->life = life_bpf__open_opts(lp_open_opts(&o, types));
	return lp_opened(k->life, err);
}

/* Bound to the skeleton, which destroys them. */
static int attach(struct life_bpf *s, struct lp_err *err)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} all[] = {
		{ s->progs.lp_fork, &s->links.lp_fork },
		{ s->progs.lp_exec, &s->links.lp_exec },
		{ s->progs.lp_exit, &s->links.lp_exit },
	};

	int r = 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(all) && r >= 0; i++)
		if (bpf_program__autoload(all[i].program))
			r = lp_attach_tracepoint(all[i].program, "watch processes", all[i].link,
						 err);
	return r;
}

int lp_life_load(struct lp_kernel *k, struct lp_err *err)
{
	const struct lp_kernel_conf *c = &k->conf;
	const bool forks = c->follow || c->exe_ino ||
			   ((lp_kernel_has_python(k) || c->crash) && c->filter == LP_FILTER_CGROUP);

	k->life->rodata->lp_fixed = *k->native.fixed;
	lp_program_use(k, k->life->progs.lp_fork, forks, false);
	lp_program_use(k, k->life->progs.lp_loader, true, true);
	int r = lp_share_maps(k->life->obj, lp_programs_object(k), err);
	if (r < 0)
		return r;
	r = life_bpf__load(k->life);
	return r < 0 ? lp_err_load(err, r) : attach(k->life, err);
}

void lp_life_free(struct lp_kernel *k)
{
	life_bpf__destroy(k->life);
}

int lp_life_hold_fd(const struct lp_kernel *k)
{
	return bpf_map__fd(k->life->maps.hold);
}

struct bpf_program *lp_life_loader(const struct lp_kernel *k)
{
	return k->life->progs.lp_loader;
}
