// SPDX-License-Identifier: GPL-2.0-only
#include "collect/order.h"

#include <string.h>

#define STEPS_MAX 64 /* further out of place than this: sort later */

void lp_order_done(struct lp_order *o)
{
	lp_vec_done(&o->entries);
	lp_buf_done(&o->bytes);
	lp_buf_done(&o->spare);
}

/* Drops the bytes of records that are gone. */
static int compact(struct lp_order *o)
{
	size_t left = o->entries.len - o->head;

	if (!left) {
		o->entries.len = o->head = o->bytes.len = 0;
		return 0;
	}
	if (o->head < left)
		return 0;

	lp_buf_clear(&o->spare);
	for (size_t i = 0; i < left; i++) {
		struct lp_order_entry *e = &o->entries.data[o->head + i];
		const struct lp_record *rec = (const void *)(o->bytes.data + e->at);
		size_t at = o->spare.len, len = LP_ALIGN((size_t)rec->len);

		if (!lp_buf_room(&o->spare, len))
			return -ENOMEM;
		memcpy(o->spare.data + at, rec, rec->len);
		o->spare.len += len;
		o->entries.data[i] = (struct lp_order_entry){ e->time, e->seq, at };
	}
	o->entries.len = left;
	o->head = 0;

	struct lp_buf freed = o->bytes;
	o->bytes = o->spare;
	o->spare = freed;
	return 0;
}

int lp_order_add(struct lp_order *o, const struct lp_record *rec)
{
	size_t len = LP_ALIGN((size_t)rec->len);

	if (o->head && compact(o) < 0)
		return -ENOMEM;
	if (!lp_buf_room(&o->bytes, len) || lp_vec_reserve(&o->entries, o->entries.len + 1) < 0)
		return -ENOMEM;

	struct lp_order_entry e = { rec->time, o->seq++, o->bytes.len };
	memcpy(o->bytes.data + e.at, rec, rec->len);
	o->bytes.len += len;

	size_t at = o->entries.len++;
	struct lp_order_entry *list = o->entries.data;
	if (!o->unsorted)
		for (size_t steps = 0; at > o->head && list[at - 1].time > e.time; at--) {
			if (steps++ == STEPS_MAX) {
				o->unsorted = true;
				break;
			}
			list[at] = list[at - 1];
		}
	list[at] = e;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct lp_order_entry *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void sort(struct lp_order *o)
{
	if (!o->unsorted)
		return;
	qsort(o->entries.data + o->head, o->entries.len - o->head, sizeof(*o->entries.data),
	      compare);
	o->unsorted = false;
}

const struct lp_record *lp_order_next(struct lp_order *o, uint64_t before)
{
	sort(o);
	if (o->head == o->entries.len ||
	    (before != UINT64_MAX && o->entries.data[o->head].time >= before))
		return NULL;
	return (const void *)(o->bytes.data + o->entries.data[o->head++].at);
}
