// SPDX-License-Identifier: GPL-2.0-only
#include "collect/decode.h"

#include <string.h>

static const struct lp_block *next_block(const struct lp_block *b)
{
	return (const void *)((const char *)(b + 1) + LP_ALIGN((size_t)b->len));
}

int lp_record_check(const void *record, size_t len, struct lp_err *err)
{
	const struct lp_record *rec = record;

	if (len < sizeof(*rec))
		return lp_err_set(err, EPROTO, "record of %zu bytes is too short", len);
	if (rec->kind < LP_REC_HIT || rec->kind > LP_REC_CODE)
		return lp_err_set(err, EPROTO, "record of unknown kind %u", rec->kind);
	if (rec->len < sizeof(*rec) || rec->len > len)
		return lp_err_set(err, EPROTO, "record claims %u bytes of %zu", rec->len, len);

	size_t at = sizeof(*rec);
	while (at < rec->len) {
		const struct lp_block *b = (const void *)((const char *)record + at);
		size_t left = rec->len - at;

		if (left < sizeof(*b) || b->len > left - sizeof(*b))
			return lp_err_set(err, EPROTO, "block at %zu leaves the record of %u bytes",
					  at, rec->len);
		if (b->status >= LP_ST_COUNT)
			return lp_err_set(err, EPROTO, "block at %zu has status %u", at, b->status);
		at += sizeof(*b) + LP_ALIGN((size_t)b->len);
	}
	return 0;
}

const struct lp_block *lp_record_next(const struct lp_record *rec, const struct lp_block *b)
{
	const char *end = (const char *)rec + rec->len;

	b = b ? next_block(b) : (const void *)(rec + 1);
	return (const char *)b < end ? b : NULL;
}

const struct lp_block *lp_record_find(const struct lp_record *rec, uint16_t slot)
{
	for (const struct lp_block *b = NULL; (b = lp_record_next(rec, b));)
		if (b->slot == slot && b->status == LP_ST_OK)
			return b;
	return NULL;
}

static int by_addr(const void *a, const void *b)
{
	const struct lp_block *x = *(const struct lp_block *const *)a;
	const struct lp_block *y = *(const struct lp_block *const *)b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->len < y->len ? -1 : x->len > y->len;
}

/* Index behind the last block that starts at addr or below. */
static size_t blocks_up_to(const struct lp_decoded *d, uint64_t addr)
{
	return lp_partition_point(d->blocks.len, i, d->blocks.data[i]->addr <= addr);
}

/* A block with len bytes at addr. Blocks may overlap. */
static const struct lp_block *mem_block(const struct lp_decoded *d, uint64_t addr, size_t len)
{
	for (size_t i = blocks_up_to(d, addr); i-- > 0;) {
		const struct lp_block *b = d->blocks.data[i];
		uint64_t off = addr - b->addr;

		if (off > d->longest)
			break;
		if (b->status == LP_ST_OK && off <= b->len && b->len - off >= len)
			return b;
	}
	return NULL;
}

/* Why nothing can be had at an address: it was tried, or it wasn't. */
static int why_not(const struct lp_decoded *d, uint64_t addr)
{
	for (size_t i = blocks_up_to(d, addr); i-- > 0 && d->blocks.data[i]->addr == addr;)
		if (d->blocks.data[i]->status != LP_ST_OK)
			return -EFAULT;
	return -ENODATA;
}

static int read_mem(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	const struct lp_decoded *d = (const struct lp_decoded *)m;
	const struct lp_block *b = mem_block(d, addr, len);

	if (!b)
		return why_not(d, addr);
	memcpy(buf, (const char *)(b + 1) + (addr - b->addr), len);
	return 0;
}

static long read_mem_string(struct lp_memory *m, uint64_t addr, char *buf, size_t max, int *ret_cut)
{
	const struct lp_decoded *d = (const struct lp_decoded *)m;
	/* an empty string is a block without bytes, or what is behind the last one of another */
	const struct lp_block *b = mem_block(d, addr, 1);

	if (!b)
		b = mem_block(d, addr, 0);
	if (!b || (b->addr != addr && addr - b->addr == b->len))
		return why_not(d, addr);

	const char *s = (const char *)(b + 1) + (addr - b->addr);
	size_t room = b->len - (addr - b->addr);
	size_t n = strnlen(s, room);
	*ret_cut = n > max || (n == room && (b->flags & LP_BLKF_CUT));
	if (n > max)
		n = max;
	memcpy(buf, s, n);
	return (long)n;
}

/* Where blocks of this slot are kept; NULL: nobody asks for them. */
static struct lp_blocks *span_of(struct lp_decoded *d, uint16_t slot)
{
	if (slot < d->slots.len)
		return &d->slots.data[slot];
	switch (slot) {
	case LP_SLOT_COND:
		return &d->cond;
	case LP_SLOT_REGS:
		return &d->regs;
	case LP_SLOT_STACK:
		return &d->stack;
	case LP_SLOT_PYSTACK:
		return &d->py_stack;
	case LP_SLOT_PYLOCALS:
		return &d->py_locals;
	case LP_SLOT_PYTHREAD:
		return &d->py_thread;
	case LP_SLOT_PYTASK:
		return &d->py_task;
	case LP_SLOT_SIGNAL:
		return &d->signal;
	case LP_SLOT_ABORT:
		return &d->abort;
	default:
		return NULL;
	}
}

int lp_decode(struct lp_decoded *d, const struct lp_record *rec, size_t n_slots)
{
	if (n_slots > LP_SLOT_MAX)
		n_slots = LP_SLOT_MAX;
	if (lp_vec_reserve(&d->slots, n_slots) < 0)
		return -ENOMEM;
	d->slots.len = n_slots;
	if (n_slots)
		memset(d->slots.data, 0, n_slots * sizeof(*d->slots.data));
	d->blocks.len = d->exceptions.len = d->awaiters.len = 0;
	d->longest = 0;
	d->cond = d->regs = d->stack = (struct lp_blocks){ 0 };
	d->py_locals = (struct lp_blocks){ 0 };
	d->py_stack = d->py_thread = d->py_task = (struct lp_blocks){ 0 };
	d->signal = d->abort = (struct lp_blocks){ 0 };
	d->rec = rec;
	d->memory.read = read_mem;
	d->memory.read_string = read_mem_string;

	int last = -1;
	for (const struct lp_block *b = NULL; (b = lp_record_next(rec, b));) {
		if (b->slot == LP_SLOT_MEM) {
			if (lp_vec_push(&d->blocks, b) < 0)
				return -ENOMEM;
			if (b->len > d->longest)
				d->longest = b->len;
		} else if (b->slot == LP_SLOT_PYEXC) {
			if (b->status == LP_ST_OK && lp_vec_push(&d->exceptions, b) < 0)
				return -ENOMEM;
		} else if (b->slot == LP_SLOT_PYAWAIT) {
			if (b->status == LP_ST_OK && lp_vec_push(&d->awaiters, b) < 0)
				return -ENOMEM;
		} else {
			struct lp_blocks *s = span_of(d, b->slot);

			if (s && !s->n)
				s->first = b;
			if (s && (!s->n || last == b->slot))
				s->n++;
		}
		last = b->slot;
	}
	if (d->blocks.len > 1)
		qsort(d->blocks.data, d->blocks.len, sizeof(*d->blocks.data), by_addr);
	return 0;
}

void lp_decoded_done(struct lp_decoded *d)
{
	lp_vec_done(&d->slots);
	lp_vec_done(&d->blocks);
	lp_vec_done(&d->exceptions);
	lp_vec_done(&d->awaiters);
}

/* How many bytes of its value a block stands for; 0: it doesn't tell. */
static size_t block_span(const struct lp_block *b)
{
	bool hole = b->status == LP_ST_OPTIMIZED_OUT || b->status == LP_ST_UNAVAILABLE ||
		    b->status == LP_ST_NOT_IN_SCOPE || b->status == LP_ST_REDACTED;

	if (b->len || !hole)
		return b->len;
	return b->addr <= LP_CAP_LEN(UINT32_MAX) ? b->addr : 0;
}

/* Pieces side by side, with what is missing of them. */
static bool join(const struct lp_blocks *span, struct lp_arena *a, struct lp_bytes *ret)
{
	char *data = lp_arena_alloc(a, ret->len);
	struct lp_hole *holes = lp_arena_array(a, struct lp_hole, ret->n_holes), *hole = holes;
	const struct lp_block *b = span->first;

	if (!data || !holes)
		return false;
	for (size_t i = 0, at = 0; i < span->n; i++, b = next_block(b)) {
		if (b->status != LP_ST_OK)
			*hole++ = (struct lp_hole){ at, block_span(b), b->status };
		else
			memcpy(data + at, b + 1, b->len);
		at += block_span(b);
	}
	ret->data = data;
	ret->holes = holes;
	return true;
}

bool lp_decoded_bytes(const struct lp_blocks *span, struct lp_arena *a, struct lp_bytes *ret,
		      bool *ret_cut, struct lp_value *ret_error)
{
	const struct lp_block *b = span->first;
	struct lp_bytes bytes = { .data = b + 1, .addr = b->addr };

	*ret_cut = false;
	for (uint32_t i = 0; i < span->n; i++, b = next_block(b)) {
		/* where it isn't known how much is missing, it isn't where the rest belongs */
		if (b->status != LP_ST_OK && (span->n == 1 || !block_span(b))) {
			lp_status_text(b->status, b->addr, a, ret_error);
			return false;
		}
		if (b->addr != span->first->addr + bytes.len || b->status != LP_ST_OK)
			bytes.addr = 0;
		bytes.n_holes += b->status != LP_ST_OK;
		bytes.len += block_span(b);
		*ret_cut |= b->flags & LP_BLKF_CUT;
	}

	if (bytes.len > LP_RECORD_MAX) {
		lp_status_text(LP_ST_NO_ROOM, 0, a, ret_error);
		return false;
	}
	if (span->n > 1 && !join(span, a, &bytes)) {
		*ret_error = (struct lp_value){ .kind = LP_VAL_ERROR, .str = "out of memory" };
		return false;
	}
	*ret = bytes;
	return true;
}
