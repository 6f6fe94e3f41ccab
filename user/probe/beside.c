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
#include "base/time.h"
#include "probe/kernel.h"

#define FORETOLD_WITHIN (4 * LP_NS_PER_MS)

void lp_beside_reach(struct lp_beside *b, enum lp_stage stage)
{
	pthread_mutex_lock(&b->lock);
	b->reached |= 1u << stage;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

/* until: of the clock that only goes on; 0: for as long as it takes. */
static bool await(struct lp_beside *b, enum lp_stage stage, uint64_t until)
{
	const struct timespec at = { .tv_sec = (time_t)(until / LP_NS_PER_S),
				     .tv_nsec = (long)(until % LP_NS_PER_S) };
	const uint32_t given_up = 1u << LP_STAGE_GIVEN_UP;
	int r = 0;

	pthread_mutex_lock(&b->lock);
	while (!(b->reached & (1u << stage | given_up)) && !r)
		r = until ? pthread_cond_clockwait(&b->changed, &b->lock, CLOCK_MONOTONIC, &at)
			  : pthread_cond_wait(&b->changed, &b->lock);
	bool reached = !r && !(b->reached & given_up);
	pthread_mutex_unlock(&b->lock);
	return reached;
}

bool lp_beside_await(struct lp_beside *b, enum lp_stage stage)
{
	return await(b, stage, 0);
}

/* Where places are found quickly; else all are loaded while they are searched. */
uint32_t lp_beside_foretold(struct lp_beside *b)
{
	const uint64_t until = lp_clock_ns(CLOCK_MONOTONIC) + FORETOLD_WITHIN;

	if (b->kernel->conf.foretold && await(b, LP_STAGE_FORETOLD, until))
		return b->parts & LP_PARTS_LEAN;
	return LP_PARTS_LEAN;
}

static int make_room(struct lp_beside *b)
{
	const struct lp_kernel_conf *c = &b->kernel->conf;
	const uint32_t code = c->max_code * (uint32_t)sizeof(struct lp_insn),
		       key = sizeof(uint32_t);
	LIBBPF_OPTS(bpf_map_create_opts, shared, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, of_rings);

	b->ring[0] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, c->ring_size, NULL);
	if (b->ring[0] < 0)
		return lp_err_load(&b->err, b->ring[0]);
	of_rings.inner_map_fd = (uint32_t)b->ring[0];
	b->rings = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", key, sizeof(uint32_t),
				  c->n_rings, &of_rings);
	if (b->rings < 0)
		return lp_err_load(&b->err, b->rings);
	b->code = bpf_map_create(BPF_MAP_TYPE_ARRAY, "code", key, code, 1, &shared);
	return b->code < 0 ? lp_err_load(&b->err, b->code) : 0;
}

/* Those of groups of CPUs, by number. Programs look among them only where there are several: who puts a map
 * into a map waits until none can use what was there.
 */
static int fill_rings(struct lp_beside *b)
{
	const struct lp_kernel_conf *c = &b->kernel->conf;

	if (c->n_rings == 1)
		return 0;
	for (uint32_t group = 0; group < c->n_rings; group++) {
		int *fd = &b->ring[group];

		if (group)
			*fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, c->ring_size,
					     NULL);
		if (*fd < 0 || bpf_map_update_elem(b->rings, &group, fd, 0))
			return lp_err_set(&b->err, errno, "cannot make a ring buffer: %s",
					  strerror(errno));
	}
	return 0;
}

static int map_all(struct lp_beside *b)
{
	const struct lp_kernel_conf *c = &b->kernel->conf;
	int r = lp_kernel_map(b->kernel, &b->err);

	for (uint32_t group = 0; group < c->n_rings && r >= 0; group++)
		r = lp_ring_open(&b->kernel->rings[group], b->ring[group], c->ring_size, &b->err);
	return r;
}

static int prepare(struct lp_beside *b)
{
	int r = make_room(b);

	if (r < 0)
		return r;
	lp_beside_reach(b, LP_STAGE_ROOM);
	if ((r = fill_rings(b)) < 0 || !lp_beside_await(b, LP_STAGE_TYPES) ||
	    (r = lp_life_open(b->kernel, b->types, &b->err)) < 0 ||
	    !lp_beside_await(b, LP_STAGE_MAPS) || (r = map_all(b)) < 0)
		return r;
	lp_beside_reach(b, LP_STAGE_MAPPED);
	return 0;
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
	*b = (struct lp_beside){ .kernel = k, .rings = -1, .code = -1, .types = -1 };
	for (size_t i = 0; i < LP_RINGS_MAX; i++)
		b->ring[i] = -1;
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
	const int fds[] = { b->rings, b->code, b->types };
	for (size_t i = 0; i < LP_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (size_t i = 0; i < LP_RINGS_MAX; i++)
		if (b->ring[i] >= 0)
			close(b->ring[i]);
}
