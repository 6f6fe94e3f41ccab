// SPDX-License-Identifier: GPL-2.0-only
/* What another thread does while the programs of hits are opened, and verified: it makes room for records
 * and code, maps the rings, opens the programs of processes' lives. These are loaded once those of hits are:
 * two at once take the kernel longer. What hits can do without comes last: mapping.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/thread.h"
#include "probe/kernel.h"

void lp_beside_reach(struct lp_beside *b, enum lp_stage stage)
{
	pthread_mutex_lock(&b->lock);
	b->reached |= 1u << stage;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

bool lp_beside_await(struct lp_beside *b, enum lp_stage stage)
{
	const uint32_t given_up = 1u << LP_STAGE_GIVEN_UP;

	pthread_mutex_lock(&b->lock);
	while (!(b->reached & (1u << stage | given_up)))
		pthread_cond_wait(&b->changed, &b->lock);
	bool reached = !(b->reached & given_up);
	pthread_mutex_unlock(&b->lock);
	return reached;
}

static int make_room(struct lp_beside *b)
{
	const struct lp_kernel_conf *c = &b->kernel->conf;
	const uint32_t code = c->max_code * (uint32_t)sizeof(struct lp_insn),
		       key = sizeof(uint32_t);
	LIBBPF_OPTS(bpf_map_create_opts, shared, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, of_rings);

	b->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, c->ring_size, NULL);
	if (b->ring < 0)
		return lp_err_load(&b->err, b->ring);
	of_rings.inner_map_fd = (uint32_t)b->ring;
	b->rings = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", key, sizeof(uint32_t),
				  c->n_rings, &of_rings);
	if (b->rings < 0)
		return lp_err_load(&b->err, b->rings);
	b->code = bpf_map_create(BPF_MAP_TYPE_ARRAY, "code", key, code, 1, &shared);
	return b->code < 0 ? lp_err_load(&b->err, b->code) : 0;
}

/* One of a group of CPUs, by its number. Programs look among the rings only where there are several:
 * who puts a map into a map waits until none can use what was there.
 */
static int open_ring(struct lp_beside *b, uint32_t group)
{
	const uint32_t size = b->kernel->conf.ring_size;
	const bool is_only = b->kernel->conf.n_rings == 1;
	lp_auto(lp_close) int made = -1;
	int fd = b->ring;

	if (group)
		fd = made = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, size, NULL);
	if (fd < 0 || (!is_only && bpf_map_update_elem(b->rings, &group, &fd, 0)))
		return lp_err_set(&b->err, errno, "cannot make a ring buffer: %s", strerror(errno));
	return lp_ring_open(&b->kernel->rings[group], fd, size, &b->err);
}

static int prepare(struct lp_beside *b)
{
	int r = make_room(b);

	if (r < 0)
		return r;
	lp_beside_reach(b, LP_STAGE_ROOM);
	for (uint32_t group = 0; group < b->kernel->conf.n_rings; group++)
		if ((r = open_ring(b, group)) < 0)
			return r;
	lp_beside_reach(b, LP_STAGE_RINGS);
	return lp_beside_await(b, LP_STAGE_TYPES) ? lp_life_open(b->kernel, b->types, &b->err) : 0;
}

static void *work(void *arg)
{
	struct lp_beside *b = arg;

	b->r = prepare(b);
	bool is_loaded = b->r >= 0 && lp_beside_await(b, LP_STAGE_LOADED);
	if (is_loaded)
		b->r = lp_life_load(b->kernel, &b->err);
	lp_beside_reach(b, b->r < 0 ? LP_STAGE_GIVEN_UP : LP_STAGE_SETTLED);
	if (is_loaded && b->r >= 0)
		lp_mapping_find(b->kernel);
	return NULL;
}

void lp_beside_init(struct lp_beside *b, struct lp_kernel *k)
{
	*b = (struct lp_beside){ .kernel = k, .ring = -1, .rings = -1, .code = -1, .types = -1 };
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
}

int lp_beside_begin(struct lp_beside *b, struct lp_err *err)
{
	int r = lp_thread_start(&b->thread, work, b);

	b->is_started = r >= 0;
	return r < 0 ? lp_err_set(err, -r, "cannot start a thread: %s", strerror(-r)) : 0;
}

int lp_beside_settle(struct lp_beside *b, struct lp_err *err)
{
	return lp_beside_await(b, LP_STAGE_SETTLED) ? 0 : lp_beside_end(b, err);
}

int lp_beside_end(struct lp_beside *b, struct lp_err *err)
{
	if (b->is_started)
		pthread_join(b->thread, NULL);
	b->is_started = false;
	if (b->r < 0)
		*err = b->err;
	return b->r;
}

void lp_beside_done(struct lp_beside *b)
{
	struct lp_err why;

	lp_beside_reach(b, LP_STAGE_GIVEN_UP);
	lp_beside_end(b, &why);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	const int fds[] = { b->ring, b->rings, b->code, b->types };
	for (size_t i = 0; i < LP_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
