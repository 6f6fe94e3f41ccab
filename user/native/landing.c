// SPDX-License-Identifier: GPL-2.0-only
/* Landing pads, by .eh_frame_hdr, .eh_frame and .gcc_except_table. Facts: Linux Standard Base 5.0, Core,
 * 10.6 (exception frames), and GCC's libgcc/unwind-pe.h and libstdc++-v3/libsupc++/eh_personality.cc.
 */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "native/arrive.h"
#include "native/cursor.h"

#define RECORD_MAX 4096	     /* bytes of a CIE or FDE that are looked at */
#define TABLE_MAX  (1 << 20) /* of a function's table of calls */
#define HEAD_MAX   64	     /* of what comes before the calls in it */

/* What is read, and where it lies. */
struct source {
	struct lp_module *m;
	struct lp_cursor c;
	const uint8_t *bytes;
	uint64_t vaddr;
};

static uint64_t here(const struct source *s)
{
	return s->vaddr + (uint64_t)(s->c.p - s->bytes);
}

/* A pointer, as its encoding says; 0: none. data: what `datarel` counts from. */
static uint64_t pointer(struct source *s, uint8_t encoding, uint64_t data)
{
	const uint64_t at = here(s);
	uint64_t v, word = 0;

	if (encoding == DW_EH_PE_omit)
		return 0;
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		v = lp_cursor_uint(&s->c, 8);
		break;
	case DW_EH_PE_uleb128:
		v = lp_cursor_uleb(&s->c);
		break;
	case DW_EH_PE_sleb128:
		v = (uint64_t)lp_cursor_sleb(&s->c);
		break;
	case DW_EH_PE_udata2:
		v = lp_cursor_uint(&s->c, 2);
		break;
	case DW_EH_PE_sdata2:
		v = (uint64_t)(int64_t)(int16_t)lp_cursor_uint(&s->c, 2);
		break;
	case DW_EH_PE_udata4:
		v = lp_cursor_uint(&s->c, 4);
		break;
	case DW_EH_PE_sdata4:
		v = (uint64_t)(int64_t)(int32_t)lp_cursor_uint(&s->c, 4);
		break;
	default:
		s->c.bad = true;
		return 0;
	}
	if (!v)
		return 0;
	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		v += at;
	else if ((encoding & 0x70) == DW_EH_PE_datarel)
		v += data;
	else if (encoding & 0x70)
		s->c.bad = true;
	if ((encoding & DW_EH_PE_indirect) && lp_module_bytes(s->m, v, &word, 8) == 8)
		v = word;
	return v;
}

static bool find_segment(struct lp_module *m, uint32_t type, uint64_t *ret)
{
	GElf_Phdr ph;
	size_t n;

	if (elf_getphdrnum(m->elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n && gelf_getphdr(m->elf, (int)i, &ph); i++)
		if (ph.p_type == type && (*ret = ph.p_vaddr))
			return true;
	return false;
}

/* Entry i of the sorted table behind the header. */
static bool entry_at(struct lp_module *m, uint64_t hdr, uint64_t i, uint64_t *ret_start,
		     uint64_t *ret_fde)
{
	int32_t pair[2];

	if (lp_module_bytes(m, hdr + 12 + i * sizeof(pair), pair, sizeof(pair)) != sizeof(pair))
		return false;
	*ret_start = hdr + (uint64_t)(int64_t)pair[0];
	*ret_fde = hdr + (uint64_t)(int64_t)pair[1];
	return true;
}

/* FDEs of [part) are those from *ret_first on. -ENOTSUP: a header of another kind. */
static int find_first(struct lp_module *m, uint64_t hdr, uint64_t vaddr, uint64_t *ret_first,
		      uint64_t *ret_n)
{
	const uint8_t usual[4] = { 1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_udata4,
				   DW_EH_PE_datarel | DW_EH_PE_sdata4 };
	uint8_t head[12];
	uint32_t count;
	uint64_t low = 0, start, fde;

	if (lp_module_bytes(m, hdr, head, sizeof(head)) != sizeof(head) ||
	    memcmp(head, usual, sizeof(usual)) != 0)
		return -ENOTSUP;
	memcpy(&count, head + 8, sizeof(count));
	*ret_n = count;
	for (uint64_t high = count; low < high;) {
		const uint64_t mid = low + (high - low) / 2;

		if (!entry_at(m, hdr, mid, &start, &fde))
			return -ENOTSUP;
		if (start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_first = low ? low - 1 : 0;
	return 0;
}

struct fde {
	uint64_t start, end, table; /* table: of calls; 0: none */
};

/* From its length on; the CIE says how its pointers are written. */
static bool open_record(struct lp_module *m, uint64_t vaddr, uint8_t *buf, struct source *ret)
{
	const size_t n = lp_module_bytes(m, vaddr, buf, RECORD_MAX);

	*ret = (struct source){
		.m = m, .bytes = buf, .vaddr = vaddr, .c = { .p = buf, .end = buf + n }
	};

	const uint64_t len = lp_cursor_uint(&ret->c, 4);
	if (len == UINT32_MAX || ret->c.bad || len == 0)
		return false;
	if (len < lp_cursor_left(&ret->c))
		ret->c.end = ret->c.p + len;
	return true;
}

static bool read_cie(struct lp_module *m, uint64_t vaddr, uint8_t *ret_pointers,
		     uint8_t *ret_tables)
{
	uint8_t buf[RECORD_MAX];
	struct source s;

	*ret_pointers = DW_EH_PE_absptr;
	*ret_tables = DW_EH_PE_omit;
	if (!open_record(m, vaddr, buf, &s) || lp_cursor_uint(&s.c, 4) != 0)
		return false;
	const uint64_t version = lp_cursor_uint(&s.c, 1);
	const char *augmentation = lp_cursor_str(&s.c);

	lp_cursor_uleb(&s.c);
	lp_cursor_sleb(&s.c);
	if (version == 1)
		lp_cursor_uint(&s.c, 1);
	else
		lp_cursor_uleb(&s.c);
	if (*augmentation != 'z')
		return !*augmentation && !s.c.bad;
	lp_cursor_uleb(&s.c);
	for (const char *a = augmentation + 1; *a; a++) {
		if (*a == 'R')
			*ret_pointers = (uint8_t)lp_cursor_uint(&s.c, 1);
		else if (*a == 'L')
			*ret_tables = (uint8_t)lp_cursor_uint(&s.c, 1);
		else if (*a == 'P')
			pointer(&s, (uint8_t)lp_cursor_uint(&s.c, 1) & ~DW_EH_PE_indirect, 0);
		else if (*a != 'S' && *a != 'B')
			return false;
	}
	return !s.c.bad;
}

static int read_fde(struct lp_module *m, uint64_t vaddr, struct fde *ret)
{
	uint8_t buf[RECORD_MAX], pointers, tables;
	struct source s;

	if (!open_record(m, vaddr, buf, &s))
		return -ENOTSUP;
	const uint64_t at = here(&s), back = lp_cursor_uint(&s.c, 4);
	if (!back || !read_cie(m, at - back, &pointers, &tables))
		return -ENOTSUP;
	ret->start = pointer(&s, pointers, 0);
	ret->end = ret->start + pointer(&s, pointers & 0x0f, 0);
	ret->table = 0;
	if (tables != DW_EH_PE_omit) {
		lp_cursor_uleb(&s.c);
		ret->table = pointer(&s, tables, 0);
	}
	return s.c.bad ? -ENOTSUP : 0;
}

static int each_landing(struct source *s, uint64_t base, int (*fn)(uint64_t vaddr, void *arg),
			void *arg)
{
	const uint8_t encoding = (uint8_t)lp_cursor_uint(&s->c, 1);
	const uint64_t len = lp_cursor_uleb(&s->c);
	int r = 0;

	if (s->c.bad || len > lp_cursor_left(&s->c))
		return -ENOTSUP;
	for (const uint8_t *end = s->c.p + len; r == 0 && s->c.p < end && !s->c.bad;) {
		pointer(s, encoding, 0);
		pointer(s, encoding, 0);
		const uint64_t pad = pointer(s, encoding, 0);
		lp_cursor_uleb(&s->c);
		if (pad)
			r = fn(base + pad, arg);
	}
	return s->c.bad ? -ENOTSUP : r;
}

/* Up to the calls: what their landing pads count from. */
static uint64_t read_head(struct source *s, const struct fde *fde)
{
	const uint8_t start = (uint8_t)lp_cursor_uint(&s->c, 1);
	const uint64_t base = start == DW_EH_PE_omit ? fde->start : pointer(s, start, 0);

	if (lp_cursor_uint(&s->c, 1) != DW_EH_PE_omit)
		lp_cursor_uleb(&s->c);
	return base;
}

/* Bytes of the table of a function's calls, with its head; 0: that can't be told. */
static size_t table_size(struct lp_module *m, const struct fde *fde)
{
	uint8_t head[HEAD_MAX];
	const size_t n = lp_module_bytes(m, fde->table, head, sizeof(head));
	struct source s = {
		.m = m, .bytes = head, .vaddr = fde->table, .c = { .p = head, .end = head + n }
	};

	read_head(&s, fde);
	lp_cursor_uint(&s.c, 1);
	const uint64_t len = lp_cursor_uleb(&s.c);
	return s.c.bad || len > TABLE_MAX ? 0 : (size_t)(s.c.p - head) + len;
}

/* Where each call of a function lands. */
static int read_table(struct lp_module *m, const struct fde *fde,
		      int (*fn)(uint64_t vaddr, void *arg), void *arg)
{
	const size_t size = table_size(m, fde);
	lp_auto(lp_free) uint8_t *buf = malloc(size ? size : 1);

	if (!buf)
		return -ENOMEM;
	const size_t n = lp_module_bytes(m, fde->table, buf, size);
	struct source s = {
		.m = m, .bytes = buf, .vaddr = fde->table, .c = { .p = buf, .end = buf + n }
	};
	const uint64_t base = read_head(&s, fde);
	return each_landing(&s, base, fn, arg);
}

int lp_landings_find(struct lp_module *m, const struct lp_range *part,
		     int (*fn)(uint64_t vaddr, void *arg), void *arg)
{
	uint64_t hdr, i, n, start, at;
	struct fde fde;

	if (!find_segment(m, PT_GNU_EH_FRAME, &hdr))
		return 0; /* nothing unwinds here */
	int r = find_first(m, hdr, part->start, &i, &n);
	for (; r == 0 && i < n; i++) {
		if (!entry_at(m, hdr, i, &start, &at))
			return -ENOTSUP;
		if (start >= part->end)
			break;
		r = read_fde(m, at, &fde);
		if (r == 0 && fde.table)
			r = read_table(m, &fde, fn, arg);
	}
	return r;
}
