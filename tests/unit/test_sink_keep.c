// SPDX-License-Identifier: GPL-2.0-only
/* The newest records in bounded memory, against a plain list of all that were ever added. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "sink/sink.h"

#define HEAD   8 /* bytes beside a record's own */
#define MANY   4000
#define POINTS 5

struct item {
	uint32_t point;
	size_t len;
	unsigned char first;
	bool gone;
};

/* What should be there. */
struct model {
	struct item items[MANY];
	size_t n, size;
	size_t used, oldest;
	uint64_t overwritten[POINTS];
};

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void drop(struct model *m, struct item *it)
{
	it->gone = true;
	m->used -= it->len + HEAD;
}

static void model_add(struct model *m, struct item it)
{
	it.gone = it.len + HEAD > m->size;
	m->overwritten[it.point] += it.gone;
	for (; !it.gone && m->used + it.len + HEAD > m->size; m->oldest++) {
		struct item *old = &m->items[m->oldest];

		m->overwritten[old->point] += !old->gone;
		if (!old->gone)
			drop(m, old);
	}
	m->used += it.gone ? 0 : it.len + HEAD;
	m->items[m->n++] = it;
}

static void check_sums(const struct lp_keep *k, const struct model *m)
{
	uint64_t kept[POINTS] = { 0 }, n = 0;

	for (size_t i = 0; i < m->n; i++)
		kept[m->items[i].point] += !m->items[i].gone;
	for (uint32_t i = 0; i < POINTS; n += kept[i++])
		assert_int_equal(lp_keep_records(k, i).kept, kept[i]);
	assert_int_equal(k->n, n);
	assert_int_equal(k->used, m->used);
}

static void add(struct lp_keep *k, struct model *m, uint32_t point, size_t len)
{
	static unsigned char bytes[4096];
	struct item it = { .point = point, .len = len, .first = (unsigned char)rnd(256) };

	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(it.first + i);
	assert_int_equal(lp_keep_add(k, point, bytes, len), 0);
	memset(bytes, 0, len);
	model_add(m, it);
	assert_int_equal(k->used, m->used);
	assert_true(k->used <= k->size);
}

struct take {
	struct model *m;
	uint32_t mask; /* of points */
	size_t at;     /* of the model's items, the next */
	uint64_t n, refuse_from;
};

static bool in_mask(void *arg, uint32_t point)
{
	return *(const uint32_t *)arg >> point & 1;
}

static bool take_one(void *arg, uint32_t point, const struct iovec bytes[2])
{
	struct take *t = arg;
	const struct item *it;
	size_t n = 0;

	do
		it = &t->m->items[t->at++];
	while (t->at <= t->m->n && (it->gone || !(t->mask >> it->point & 1)));
	assert_true(t->at <= t->m->n);
	assert_int_equal(point, it->point);
	assert_int_equal(bytes[0].iov_len + bytes[1].iov_len, it->len);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < bytes[i].iov_len; k++, n++)
			assert_int_equal(((unsigned char *)bytes[i].iov_base)[k],
					 (unsigned char)(it->first + n));
	if (t->n >= t->refuse_from)
		return false;
	t->n++;
	drop(t->m, &t->m->items[t->at - 1]);
	return true;
}

/* The newest max of some points; those that the taker refuses stay. */
static void take(struct lp_keep *k, struct model *m, uint32_t mask, uint64_t max, uint64_t refuse)
{
	struct lp_keep_choice choice = { in_mask, &mask, max };
	struct take t = { .m = m, .mask = mask, .refuse_from = refuse };
	uint64_t there = 0;

	for (size_t i = 0; i < m->n; i++)
		there += !m->items[i].gone && mask >> m->items[i].point & 1;
	for (uint64_t skip = there > max ? there - max : 0; skip; t.at++)
		skip -= !m->items[t.at].gone && mask >> m->items[t.at].point & 1;

	lp_keep_take_begin(k, &choice);
	while (lp_keep_take(k, rnd(300), take_one, &t))
		;
	uint64_t want = there < max ? there : max;
	assert_int_equal(t.n, want < refuse ? want : refuse);
	check_sums(k, m);
}

static void start(struct lp_keep *k, struct model *m, size_t size)
{
	*m = (struct model){ .size = size };
	assert_int_equal(lp_keep_init(k, size, NULL), 0);
}

static void end(struct lp_keep *k, struct model *m)
{
	for (uint32_t i = 0; i < POINTS; i++)
		assert_int_equal(lp_keep_records(k, i).overwritten, m->overwritten[i]);
	take(k, m, UINT32_MAX, UINT64_MAX, UINT64_MAX);
	assert_int_equal(k->used, 0);
	assert_int_equal(k->n, 0);
	lp_keep_done(k);
}

static void the_newest_that_fit(void **state)
{
	static struct model m;
	struct lp_keep k;

	(void)state;
	start(&k, &m, 10 * (12 + HEAD));
	for (int i = 0; i < 10; i++)
		add(&k, &m, 0, 12);
	assert_int_equal(k.n, 10); /* to the last byte */
	assert_int_equal(k.used, k.size);
	add(&k, &m, 1, 12);
	assert_int_equal(k.n, 10);
	assert_int_equal(lp_keep_records(&k, 0).overwritten, 1);
	add(&k, &m, 1, 13); /* a byte more takes two */
	assert_int_equal(k.n, 9);
	add(&k, &m, 1, k.size - HEAD);
	assert_int_equal(k.n, 1);
	add(&k, &m, 2, k.size - HEAD + 1); /* can't be kept at all */
	assert_int_equal(k.n, 1);
	assert_int_equal(lp_keep_records(&k, 2).overwritten, 1);
	assert_int_equal(lp_keep_records(&k, 9).overwritten, 0);
	add(&k, &m, 3, 0);
	end(&k, &m);
}

/* Memory that was never used stays so. */
static void an_empty_one_begins_anew(void **state)
{
	static struct model m;
	struct lp_keep k;

	(void)state;
	start(&k, &m, 10 * (12 + HEAD));
	for (int i = 0; i < 11; i++)
		add(&k, &m, 0, 12);
	assert_int_equal(k.start, 12 + HEAD);
	take(&k, &m, UINT32_MAX, UINT64_MAX, UINT64_MAX);
	add(&k, &m, 0, 12);
	assert_int_equal(k.start, 0);
	end(&k, &m);
}

/* Each place of the ring's end within a record, its head too. */
static void around_the_end(void **state)
{
	static struct model m;
	struct lp_keep k;

	(void)state;
	for (size_t size = 60; size < 140; size++) {
		start(&k, &m, size);
		for (int i = 0; i < 300; i++) {
			add(&k, &m, rnd(POINTS), rnd(40));
			if (i % 50 == 49)
				take(&k, &m, UINT32_MAX, UINT64_MAX, UINT64_MAX);
		}
		end(&k, &m);
	}
}

static void some_are_taken_and_some_stay(void **state)
{
	static struct model m;
	struct lp_keep k;

	(void)state;
	for (int run = 0; run < 60; run++) {
		start(&k, &m, 100 + rnd(2000));
		for (int i = 0; i < 800; i++) {
			add(&k, &m, rnd(POINTS), rnd(rnd(8) ? 60 : 400));
			if (rnd(20) == 0)
				take(&k, &m, rnd(1u << POINTS), rnd(3) ? UINT64_MAX : rnd(12),
				     rnd(3) ? UINT64_MAX : rnd(5));
		}
		end(&k, &m);
	}
}

/* Memory is given back on the way: that of nothing that stays. */
static void much_is_taken(void **state)
{
	static struct model m;
	struct lp_keep k;

	(void)state;
	for (uint32_t mask = 1; mask < 1u << POINTS; mask = mask * 2 + 1) {
		start(&k, &m, 11 << 20);
		for (int i = 0; i < 3500; i++)
			add(&k, &m, rnd(POINTS), 4000 + rnd(96));
		take(&k, &m, mask, UINT64_MAX, UINT64_MAX);
		for (int i = 0; i < 400; i++)
			add(&k, &m, rnd(POINTS), 4000 + rnd(96));
		end(&k, &m);
	}
}

/* --- in a sink --- */

static const struct lp_event minimal = { .time = 1795414006123456789u,
					 .logpoint = "app.py:42",
					 .pid = 4711,
					 .tid = 4712,
					 .comm = "python3",
					 .message = "x",
					 .message_len = 1 };

static bool any(void *arg, uint32_t point)
{
	(void)arg, (void)point;
	return true;
}

static const struct lp_keep_choice everything = { any, NULL, UINT64_MAX };

enum way { EMITTED, KEPT, IN_LINE };

static int numbered(struct lp_sink *s, enum way way, int number)
{
	struct lp_event ev = minimal;
	char text[32];

	ev.point = (uint32_t)number % 2;
	ev.message = text;
	ev.message_len = (size_t)snprintf(text, sizeof(text), "%07d", number);
	return way == EMITTED ? lp_sink_emit(s, &ev, NULL)
			      : lp_sink_keep(s, &ev, way == IN_LINE, NULL);
}

/* All of it, by slices. */
static int dump(struct lp_sink *s, uint64_t *ret_n, struct lp_err *err)
{
	bool more = true;
	uint64_t n;
	int r = 0;

	*ret_n = 0;
	lp_sink_dump_begin(s, &everything);
	while (more && r >= 0) {
		r = lp_sink_dump(s, 1000, &n, &more, err);
		*ret_n += n;
	}
	assert_false(more);
	return r;
}

static int file = -1;
static char output[1 << 20];

static int setup(void **state)
{
	(void)state;
	file = memfd_create("out", MFD_CLOEXEC);
	return file < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(file);
	return 0;
}

/* What is in the file from `at` on: the records of these numbers, and nothing else. */
static off_t written(off_t at, int from, int to)
{
	ssize_t n = pread(file, output, sizeof(output) - 1, at);
	const char *p = output;

	assert_true(n >= 0);
	output[n] = '\0';
	for (int i = from; i < to; i++) {
		char want[32];

		snprintf(want, sizeof(want), " %07d\n", i);
		const char *line_end = strchr(p, '\n');
		assert_non_null(line_end);
		assert_memory_equal(line_end + 1 - strlen(want), want, strlen(want));
		p = line_end + 1;
	}
	assert_int_equal(*p, '\0');
	return at + n;
}

static void kept_until_asked_for(void **state)
{
	enum { N_KEPT = 12000 };
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	uint64_t n;
	off_t at;

	(void)state;
	assert_int_equal(lp_sink_new("text", file, false, &s, NULL), 0);
	assert_int_equal(lp_sink_keep_last(s, 2 << 20, NULL), 0);
	for (int i = 0; i < N_KEPT; i++)
		assert_int_equal(numbered(s, KEPT, i), 0);
	assert_int_equal(lp_sink_flush(s, NULL), 0);
	at = written(0, 0, 0);
	assert_int_equal(lp_sink_unwritten(s, 0), N_KEPT / 2);

	/* more than is written at once; then one that is not kept */
	assert_int_equal(dump(s, &n, NULL), 0);
	assert_int_equal(n, N_KEPT);
	assert_true(lseek(file, 0, SEEK_CUR) > 0);
	assert_int_equal(numbered(s, EMITTED, N_KEPT), 0);
	assert_int_equal(lp_sink_flush(s, NULL), 0);
	at = written(at, 0, N_KEPT + 1);
	assert_int_equal(lp_sink_unwritten(s, 0), 0);
	assert_int_equal(lp_sink_overwritten(s, 0), 0);

	assert_int_equal(dump(s, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(numbered(s, KEPT, N_KEPT + 1), 0);
	assert_int_equal(dump(s, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(lp_sink_flush(s, NULL), 0);
	written(at, N_KEPT + 1, N_KEPT + 2);
}

/* What can't be written is not lost track of: written + unwritten == all, wherever it failed. */
static void a_dump_that_cannot_be_written(void **state)
{
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	struct lp_err err = { 0 };
	int fds[2];
	uint64_t n;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(lp_sink_new("text", fds[1], false, &s, NULL), 0);
	assert_int_equal(lp_sink_keep_last(s, 1 << 20, NULL), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(numbered(s, KEPT, i), 0);
	close(fds[0]);
	assert_int_equal(dump(s, &n, &err), -EPIPE);
	assert_int_equal(lp_sink_unwritten(s, 0) + lp_sink_unwritten(s, 1), 3000);
	assert_true(n > 0 && n < 3000);
	assert_int_equal(numbered(s, KEPT, 3000), -EIO);
	assert_int_equal(dump(s, &n, &err), -EIO);
	assert_int_equal(n, 0);
	close(fds[1]);
}

/* What comes meanwhile stands in line, in order, as long as all of it has room; each leaves once. */
static void in_line_behind_a_dump(void **state)
{
	lp_auto(lp_sink_free) struct lp_sink *s = NULL;
	uint32_t point;
	uint64_t n;
	bool more;
	off_t at;
	int next;

	(void)state;
	assert_int_equal(lp_sink_new("text", file, false, &s, NULL), 0);
	assert_int_equal(lp_sink_keep_last(s, 4096, NULL), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbered(s, KEPT, i), 0);
	int kept = (int)s->kept.n;
	assert_false(lp_sink_waiting(s, &point));

	lp_sink_dump_begin(s, &everything);
	assert_int_equal(numbered(s, IN_LINE, 1000), 0); /* the first has room always */
	assert_int_equal(numbered(s, IN_LINE, 1001), -EAGAIN);
	assert_int_equal(lp_sink_dump(s, 1000, &n, &more, NULL), 0);
	assert_true(more);
	for (next = 1001; numbered(s, IN_LINE, next) == 0; next++)
		;
	assert_in_range(next, 1002, 1000 + kept / 2);
	assert_int_equal(lp_sink_unwritten(s, 0) + lp_sink_unwritten(s, 1), next - 1000 + kept);
	assert_true(lp_late_used(&s->late) + s->kept.used <= 4096);
	while (more)
		assert_int_equal(lp_sink_dump(s, 1000, &n, &more, NULL), 0);
	for (int i = 1000; i < next; i++) {
		assert_true(lp_sink_waiting(s, &point));
		assert_int_equal(point, i % 2);
		assert_int_equal(lp_sink_next(s, i < 1002, NULL), 0);
	}
	assert_false(lp_sink_waiting(s, &point));
	assert_int_equal(lp_sink_next(s, true, NULL), 0);
	assert_int_equal(lp_sink_flush(s, NULL), 0);
	at = written(0, 1000 - kept, 1002);
	assert_int_equal(dump(s, &n, NULL), 0);
	assert_int_equal(n, next - 1002);
	assert_int_equal(lp_sink_flush(s, NULL), 0);
	written(at, 1002, next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_that_fit),
		cmocka_unit_test(an_empty_one_begins_anew),
		cmocka_unit_test(around_the_end),
		cmocka_unit_test(some_are_taken_and_some_stay),
		cmocka_unit_test(much_is_taken),
		cmocka_unit_test_setup_teardown(kept_until_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(in_line_behind_a_dump, setup, teardown),
		cmocka_unit_test(a_dump_that_cannot_be_written),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
