// SPDX-License-Identifier: GPL-2.0-only
#include "sink/late.h"

#include <errno.h>
#include <string.h>

#define KEEP_ROOM 65536 /* bytes of memory that an empty line keeps */

struct head {
	uint32_t len, point;
};
_Static_assert(sizeof(struct head) == 8, "head has no padding");

void lp_late_done(struct lp_late *l)
{
	lp_buf_done(&l->bytes);
	*l = (struct lp_late){ 0 };
}

/* Where what is gone is more than what is left, that moves up: each byte once, in the long run. */
static void move_up(struct lp_late *l)
{
	size_t left = lp_late_used(l);

	if (!left && l->bytes.cap > KEEP_ROOM)
		lp_buf_done(&l->bytes);
	if (l->head < left)
		return;
	if (left)
		memmove(l->bytes.data, l->bytes.data + l->head, left);
	l->bytes.len = left;
	l->head = 0;
}

int lp_late_add(struct lp_late *l, uint32_t point, const void *data, size_t len)
{
	struct head h = { .len = (uint32_t)len, .point = point };

	if (len > UINT32_MAX || !lp_buf_room(&l->bytes, sizeof(h) + len)) {
		l->bytes.failed = false;
		return -ENOMEM;
	}
	lp_buf_add(&l->bytes, &h, sizeof(h));
	lp_buf_add(&l->bytes, data, len);
	return 0;
}

bool lp_late_at(const struct lp_late *l, size_t at, struct lp_late_record *ret)
{
	struct head h;

	if (at == lp_late_used(l))
		return false;

	const char *from = l->bytes.data + l->head + at;
	memcpy(&h, from, sizeof(h));
	*ret = (struct lp_late_record){ h.point, from + sizeof(h), h.len };
	return true;
}

size_t lp_late_next(size_t at, const struct lp_late_record *r)
{
	return at + sizeof(struct head) + r->len;
}

void lp_late_drop(struct lp_late *l)
{
	struct lp_late_record first;

	if (!lp_late_at(l, 0, &first))
		return;
	l->head += lp_late_next(0, &first);
	move_up(l);
}
