// SPDX-License-Identifier: GPL-2.0-only
/* What another thread does while the programs of hits are opened, and verified: it makes room for records
 * and code, loads and attaches the programs of processes' lives, and maps the ring. The two wait for each
 * other where one needs what the other makes.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

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

/* What fails here libbpf makes, and says why it can't. */
static void make_room(struct lp_beside *b)
{
	const struct lp_kernel_conf *c = &b->kernel->conf;
	LIBBPF_OPTS(bpf_map_create_opts, shared, .map_flags = BPF_F_MMAPABLE);

	b->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, c->ring_size, NULL);
	b->code = bpf_map_create(BPF_MAP_TYPE_ARRAY, "code", sizeof(uint32_t),
				 c->max_code * (uint32_t)sizeof(struct lp_insn), 1, &shared);
}

static int load_life(struct lp_beside *b)
{
	int r = lp_life_open(b->kernel, b->types, &b->err);

	lp_beside_reach(b, LP_STAGE_OPENED);
	if (r < 0)
		return r;
	return lp_beside_await(b, LP_STAGE_SHARED) ? lp_life_load(b->kernel, &b->err) : 0;
}

static void map_ring(struct lp_beside *b)
{
	const uint32_t size = b->kernel->conf.ring_size;

	b->is_mapped = b->ring >= 0 && lp_ring_open(&b->mapped, b->ring, size, NULL) >= 0;
	if (!b->is_mapped)
		lp_ring_close(&b->mapped);
}

static void *work(void *arg)
{
	struct lp_beside *b = arg;

	make_room(b);
	lp_beside_reach(b, LP_STAGE_ROOM);
	if (!lp_beside_await(b, LP_STAGE_TYPES))
		return NULL;
	b->r = load_life(b);
	map_ring(b);
	return NULL;
}

int lp_beside_begin(struct lp_beside *b, struct lp_kernel *k, struct lp_err *err)
{
	*b = (struct lp_beside){ .kernel = k, .ring = -1, .code = -1, .types = -1 };
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);

	int r = pthread_create(&b->thread, NULL, work, b);
	b->is_started = r == 0;
	return r ? lp_err_set(err, r, "cannot start a thread: %s", strerror(r)) : 0;
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
	if (b->is_mapped)
		lp_ring_close(&b->mapped);
	const int fds[] = { b->ring, b->code, b->types };
	for (size_t i = 0; i < LP_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
