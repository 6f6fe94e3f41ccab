// SPDX-License-Identifier: GPL-2.0-only
/* Rings that are merged: 64 of them in memory, filled as the kernel does it, and two on the running kernel. */
#include "probe_world.h"

#include <linux/bpf.h>

#include "collect/order.h"

#define RINGS	64
#define THREADS 300
#define SIZE	(4u << 10)
#define EVENTS	400000
#define REORDER 40 /* ticks from the time in a record to its writing, at most */

static struct {
	uint64_t consumer, producer;
	uint8_t data[SIZE];
	uint64_t stalled;	/* 1 + position of a record that is being written; 0: none */
	uint64_t stalled_until; /* tick */
} made[RINGS];
static struct lp_ring rings[RINGS];
static uint32_t seed;

static uint32_t some(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void make_rings(void)
{
	seed = 7;
	for (int i = 0; i < RINGS; i++) {
		memset(&made[i], 0, sizeof(made[i]));
		rings[i] = (struct lp_ring){ .consumer = &made[i].consumer,
					     .producer = &made[i].producer,
					     .data = made[i].data,
					     .size = SIZE,
					     .joined = malloc(LP_RECORD_MAX) };
		assert_non_null(rings[i].joined);
	}
}

static void free_rings(void)
{
	for (int i = 0; i < RINGS; i++)
		free(rings[i].joined);
}

static void put_bytes(int ring, uint64_t pos, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		made[ring].data[(pos + i) % SIZE] = ((const uint8_t *)data)[i];
}

/* kernel/bpf/ringbuf.c: a header, the record, up to the next multiple of 8. False: no room. */
static bool put(int ring, const struct lp_record *rec, uint32_t flags)
{
	const uint64_t at = made[ring].producer, all = BPF_RINGBUF_HDR_SZ + LP_ALIGN(rec->len);
	const uint32_t head[2] = { rec->len | flags };

	if (at + all - made[ring].consumer > SIZE)
		return false;
	put_bytes(ring, at, head, sizeof(head));
	put_bytes(ring, at + sizeof(head), rec, rec->len);
	made[ring].producer = at + all;
	return true;
}

static void finish(int ring)
{
	const uint64_t at = made[ring].stalled - 1;

	made[ring].data[(at + 3) % SIZE] &= (uint8_t) ~(BPF_RINGBUF_BUSY_BIT >> 24);
	made[ring].stalled = 0;
}

struct reader {
	struct lp_order order;
	uint64_t last[THREADS]; /* sequence */
	uint64_t time, n;
};

static int take(const void *record, size_t len, void *arg)
{
	struct reader *r = arg;

	assert_int_equal(len, ((const struct lp_record *)record)->len);
	return lp_order_add(&r->order, record);
}

static void hand_on(struct reader *r, uint64_t before)
{
	const struct lp_record *rec;

	while ((rec = lp_order_next(&r->order, before))) {
		assert_true(rec->time >= r->time);
		assert_true(rec->hit > r->last[rec->tid]);
		r->time = rec->time;
		r->last[rec->tid] = rec->hit;
		r->n++;
	}
}

/* Threads wander from CPU to CPU, one of them is stopped now and then in the middle of its record. */
static void no_two_of_a_thread_are_swapped(void **state)
{
	lp_auto(lp_free) uint64_t *free_at = calloc(THREADS, sizeof(*free_at));
	struct reader reader = { 0 };
	uint64_t now = 1000, written = 0, full = 0, stalls = 0, until;

	(void)state;
	assert_non_null(free_at);
	make_rings();
	for (uint64_t i = 1; i <= EVENTS; i++, now++) {
		const uint32_t thread = some(THREADS), length = sizeof(struct lp_record) + some(60);
		const int ring = (int)some(RINGS);
		struct {
			struct lp_record rec;
			uint8_t body[64];
		} r = { .rec = { .len = length,
				 .hit = i,
				 .tid = thread,
				 .time = now - some(REORDER) } };
		uint32_t flags = some(50) ? 0 : BPF_RINGBUF_DISCARD_BIT;

		for (int k = 0; k < RINGS; k++)
			if (made[k].stalled && made[k].stalled_until <= now)
				finish(k);
		if (!some(800)) {
			assert_true(lp_rings_drain(rings, RINGS, now, take, &reader, &until) >= 0);
			hand_on(&reader, until > REORDER ? until - REORDER : 0);
		}
		if (free_at[thread] > now || made[ring].stalled)
			continue; /* it is stopped, or its CPU is another's */
		if (free_at[thread] > r.rec.time)
			r.rec.time = free_at[thread];
		free_at[thread] = now + 1;
		if (!flags && !some(2000)) {
			flags = BPF_RINGBUF_BUSY_BIT;
			made[ring].stalled = made[ring].producer + 1;
			made[ring].stalled_until = free_at[thread] = now + 3000;
		}
		if (!put(ring, &r.rec, flags)) {
			if (flags & BPF_RINGBUF_BUSY_BIT)
				made[ring].stalled = 0;
			full++;
			continue;
		}
		written += !(flags & BPF_RINGBUF_DISCARD_BIT);
		stalls += (flags & BPF_RINGBUF_BUSY_BIT) != 0;
	}
	for (int k = 0; k < RINGS; k++)
		if (made[k].stalled)
			finish(k);
	assert_true(lp_rings_drain(rings, RINGS, now, take, &reader, &until) >= 0);
	assert_int_equal(until, now);
	hand_on(&reader, UINT64_MAX);
	assert_int_equal(reader.n, written);
	assert_true(written > EVENTS / 2 && stalls > 50 && full > 0);
	lp_order_done(&reader.order);
	free_rings();
}

/* What wasn't handed on is still there. */
static int stop_at(const void *record, size_t len, void *arg)
{
	uint64_t *hit = arg;

	(void)len;
	*hit = ((const struct lp_record *)record)->hit;
	return *hit == 5 ? -EPIPE : 0;
}

static void the_oldest_comes_first_and_a_stop_loses_one(void **state)
{
	uint64_t hit, until;

	(void)state;
	make_rings();
	for (uint64_t i = 1; i <= 10; i++) {
		struct lp_record rec = { .len = sizeof(rec), .hit = i, .time = i };

		assert_true(put((int)(RINGS - i * 3), &rec, 0));
	}
	assert_int_equal(lp_rings_drain(rings, RINGS, 20, stop_at, &hit, &until), -EPIPE);
	assert_int_equal(hit, 5);
	assert_int_equal(lp_rings_drain(rings, RINGS, 30, stop_at, &hit, &until), 5);
	assert_int_equal(hit, 10);
	for (int i = 0; i < RINGS; i++)
		assert_true(lp_ring_is_empty(&rings[i]));
	free_rings();
}

#define HOPS 20000

static void from_cpu_to_cpu(void)
{
	for (uint64_t i = 0; i < HOPS; i++) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(i / 10 % 2, &one);
		if (i % 10 == 0)
			sched_setaffinity(0, sizeof(one), &one);
		hit_me(i, "text");
	}
}

struct wanderer {
	struct lp_order order;
	uint64_t next, cpus;
};

static int keep(const void *record, size_t len, void *arg)
{
	const struct lp_record *rec = record;
	struct wanderer *w = arg;

	(void)len;
	if (rec->kind != LP_REC_HIT)
		return 0;
	w->cpus |= 1ull << rec->cpu;
	return lp_order_add(&w->order, rec);
}

static uint64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void read_some(struct wanderer *w, uint64_t slack, bool all)
{
	const struct lp_record *rec;
	uint64_t until;

	assert_true(lp_kernel_drain(kernel, monotonic(), keep, w, &until) >= 0);
	while ((rec = lp_order_next(&w->order, all ? UINT64_MAX : until - slack)))
		assert_int_equal(rec->hit, ++w->next);
}

static void a_thread_that_wanders(void **state)
{
	struct wanderer w = { 0 };
	int status;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	start_kernel(&(struct lp_kernel_conf){ .n_rings = 2 });
	child_start(&children[0], from_cpu_to_cpu);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	assert_int_equal(write(children[0].go, "", 1), 1);
	while (waitpid(children[0].pid, &status, WNOHANG) == 0) {
		read_some(&w, 2000000, false);
		usleep(1000);
	}
	close(children[0].go);
	children[0].pid = 0;
	read_some(&w, 0, true);
	assert_int_equal(w.next, HOPS);
	assert_int_equal(w.cpus & 3, 3);
	assert_int_equal(counts_of(point).logged, HOPS);
	assert_true(lp_kernel_sleep(kernel));
	lp_order_done(&w.order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_of_a_thread_are_swapped),
		cmocka_unit_test(the_oldest_comes_first_and_a_stop_loses_one),
		CASE(a_thread_that_wanders),
	};

	return cmocka_run_group_tests_name("probe_rings", tests, NULL, NULL);
}
