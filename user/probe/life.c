// SPDX-License-Identifier: GPL-2.0-only
/* The programs of processes' lives: an object of their own, which another thread loads and attaches while
 * the kernel verifies the programs of hits. The maps of both are made before.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "life.skel.h"

int lp_life_open(struct lp_kernel *k, int types, struct lp_err *err)
{
	const struct lp_kernel_conf *c = &k->conf;
	const bool forks = c->follow || c->exe_ino ||
			   ((lp_kernel_has_python(k) || c->crash) && c->filter == LP_FILTER_CGROUP);
	struct lp_open_opts o;

	k->life = life_bpf__open_opts(lp_open_opts(&o, types));
	if (!k->life)
		return lp_err_set(err, errno, "cannot open the BPF programs: %s", strerror(errno));
	k->life->rodata->lp_fixed = *k->native.fixed;
	lp_program_use(k, k->life->progs.lp_fork, forks, false);
	lp_program_use(k, k->life->progs.lp_loader, true, true);
	return 0;
}

/* As libbpf would. ring: what an array of maps holds. */
static int make_map(struct bpf_map *map, int ring)
{
	const bool is_outer = bpf_map__type(map) == BPF_MAP_TYPE_ARRAY_OF_MAPS;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(map),
		    .inner_map_fd = is_outer ? (uint32_t)ring : 0);
	uint32_t first = 0;
	size_t size;

	lp_auto(lp_close) int fd =
		bpf_map_create(bpf_map__type(map), bpf_map__name(map), bpf_map__key_size(map),
			       bpf_map__value_size(map), bpf_map__max_entries(map), &opts);
	if (fd < 0)
		return -errno;

	const void *initial = bpf_map__initial_value(map, &size);
	if (initial && bpf_map_update_elem(fd, &first, initial, BPF_ANY) < 0)
		return -errno;
	return bpf_map__reuse_fd(map, fd);
}

static int make_shared(struct lp_kernel *k, const struct bpf_object *hits, struct lp_err *err)
{
	struct bpf_map *map;
	int r = 0;

	if (bpf_map__fd(k->native.ring) < 0)
		r = make_map(k->native.ring, -1);
	bpf_object__for_each_map(map, k->life->obj)
	{
		const char *name = bpf_map__name(map);
		struct bpf_map *first = bpf_object__find_map_by_name(hits, name);

		if (r >= 0 && first && bpf_map__fd(first) < 0 && !strstr(name, ".rodata"))
			r = make_map(first, bpf_map__fd(k->native.ring));
	}
	return r < 0 ? lp_err_load(err, r) : lp_share_maps(k->life->obj, hits, err);
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

	for (size_t i = 0; i < LP_ARRAY_SIZE(all); i++) {
		if (!bpf_program__autoload(all[i].program))
			continue;
		*all[i].link = bpf_program__attach(all[i].program);
		if (*all[i].link)
			continue;
		if (errno == EPERM || errno == EACCES)
			return lp_err_permission(err, -errno, "watch processes");
		return lp_err_set(err, errno, "cannot attach to a tracepoint: %s", strerror(errno));
	}
	return 0;
}

static void *load(void *arg)
{
	struct lp_life *l = arg;

	l->r = life_bpf__load(l->kernel->life);
	l->r = l->r < 0 ? lp_err_load(&l->err, l->r) : attach(l->kernel->life, &l->err);
	return NULL;
}

int lp_life_begin(struct lp_life *l, struct lp_kernel *k, struct lp_err *err)
{
	const struct bpf_object *hits = lp_programs_object(k);
	int r = make_shared(k, hits, err);

	if (r < 0)
		return r;
	*l = (struct lp_life){ .kernel = k };
	l->is_started = pthread_create(&l->thread, NULL, load, l) == 0;
	if (!l->is_started)
		load(l);
	return 0;
}

int lp_life_end(struct lp_life *l, struct lp_err *err)
{
	if (l->is_started)
		pthread_join(l->thread, NULL);
	if (l->r < 0)
		*err = l->err;
	return l->r;
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
