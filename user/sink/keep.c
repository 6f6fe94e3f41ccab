// SPDX-License-Identifier: GPL-2.0-only
#include "sink/keep.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RELEASE_AT (4u << 20) /* bytes of memory that are given back at once */

struct head {
	uint32_t len, point;
};
_Static_assert(sizeof(struct head) == 8, "head has no padding");

int lp_keep_init(struct lp_keep *k, size_t size, struct lp_err *err)
{
	*k = (struct lp_keep){ .size = size, .data = malloc(size) };
	return k->data ? 0 : lp_err_set(err, ENOMEM, "there is no room for %zu bytes", size);
}

void lp_keep_done(struct lp_keep *k)
{
	free(k->data);
	lp_vec_done(&k->points);
	*k = (struct lp_keep){ 0 };
}

/* Offsets within the ring are below its size, lengths at most that. */
static size_t advance(const struct lp_keep *k, size_t at, size_t n)
{
	return n < k->size - at ? at + n : n - (k->size - at);
}

static size_t in_one_piece(const struct lp_keep *k, size_t at, size_t n)
{
	return n < k->size - at ? n : k->size - at;
}

static void put(struct lp_keep *k, size_t at, const void *from, size_t n)
{
	size_t first = in_one_piece(k, at, n);

	memcpy(k->data + at, from, first);
	memcpy(k->data, (const char *)from + first, n - first);
}

static struct head head_at(const struct lp_keep *k, size_t at)
{
	size_t first = in_one_piece(k, at, sizeof(struct head));
	struct head h;

	memcpy(&h, k->data + at, first);
	memcpy((char *)&h + first, k->data, sizeof(h) - first);
	return h;
}

/* Towards the begin, by less than there is room: what is yet to be moved is not touched. */
static void move(struct lp_keep *k, size_t to, size_t from, size_t n)
{
	while (n && to != from) {
		size_t piece = in_one_piece(k, from, in_one_piece(k, to, n));

		memmove(k->data + to, k->data + from, piece);
		to = advance(k, to, piece);
		from = advance(k, from, piece);
		n -= piece;
	}
}

static void overwrite_oldest(struct lp_keep *k)
{
	struct head h = head_at(k, k->start);

	k->start = advance(k, k->start, sizeof(h) + h.len);
	k->used -= sizeof(h) + h.len;
	k->n--;
	k->points.data[h.point].kept--;
	k->points.data[h.point].overwritten++;
}

int lp_keep_add(struct lp_keep *k, uint32_t point, const void *bytes, size_t len)
{
	struct head h = { .len = (uint32_t)len, .point = point };

	while (k->points.len <= point)
		if (lp_vec_push(&k->points, (struct lp_keep_records){ 0 }) < 0)
			return -ENOMEM;
	if (len > UINT32_MAX || k->size < sizeof(h) || len > k->size - sizeof(h)) {
		k->points.data[point].overwritten++;
		return 0;
	}

	while (k->size - k->used < sizeof(h) + len)
		overwrite_oldest(k);
	if (!k->used)
		k->start = 0; /* memory that was never used stays so */

	size_t at = advance(k, k->start, k->used);
	put(k, at, &h, sizeof(h));
	put(k, advance(k, at, sizeof(h)), bytes, len);
	k->used += sizeof(h) + len;
	k->n++;
	k->points.data[point].kept++;
	return 0;
}

/* The whole pages between two offsets. */
static void release(struct lp_keep *k, size_t from, size_t to)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), base = (uintptr_t)k->data;
	uintptr_t start = (base + from + page - 1) & ~(page - 1), end = (base + to) & ~(page - 1);

	if (start < end)
		madvise((void *)start, end - start, MADV_DONTNEED);
}

static void release_gap(struct lp_keep *k)
{
	struct lp_keep_taking *t = &k->taking;

	if (t->stale < RELEASE_AT)
		return;
	t->stale = 0;
	if (t->end <= t->at) {
		release(k, t->end, t->at);
	} else {
		release(k, t->end, k->size);
		release(k, 0, t->at);
	}
}

void lp_keep_take_begin(struct lp_keep *k, const struct lp_keep_choice *choice)
{
	uint64_t n = 0;

	for (uint32_t point = 0; point < k->points.len; point++)
		if (k->points.data[point].kept && choice->wanted(choice->arg, point))
			n += k->points.data[point].kept;
	k->taking = (struct lp_keep_taking){ .choice = *choice,
					     .skip = n > choice->max ? n - choice->max : 0,
					     .end = k->start,
					     .at = k->start,
					     .left = k->used };
}

bool lp_keep_take(struct lp_keep *k, size_t bytes,
		  bool (*take)(void *arg, uint32_t point, const struct iovec bytes[2]), void *arg)
{
	struct lp_keep_taking *t = &k->taking;
	const size_t until = t->left > bytes ? t->left - bytes : 0;

	while (t->left > until) {
		struct head h = head_at(k, t->at);
		size_t len = sizeof(h) + h.len, data = advance(k, t->at, sizeof(h));
		size_t first = in_one_piece(k, data, h.len);
		struct iovec parts[2] = { { k->data + data, first }, { k->data, h.len - first } };
		bool chosen = t->choice.wanted(t->choice.arg, h.point);

		if (!chosen || t->skip || !take(arg, h.point, parts)) {
			move(k, t->end, t->at, len);
			t->end = advance(k, t->end, len);
		} else {
			k->points.data[h.point].kept--;
			k->used -= len;
			k->n--;
			t->stale += len;
		}
		t->skip -= chosen && t->skip;
		t->left -= len;
		t->at = advance(k, t->at, len);
	}
	release_gap(k);
	return t->left;
}

struct lp_keep_records lp_keep_records(const struct lp_keep *k, uint32_t point)
{
	return point < k->points.len ? k->points.data[point] : (struct lp_keep_records){ 0 };
}
