// SPDX-License-Identifier: GPL-2.0-only
#include "target/pages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "target/memfile.h"

#define PAGE	  4096u
#define PAGES_MAX 65536u /* kept at once: 256 MiB; then all are forgotten */
#define BLOCK	  64u	 /* pages that are allocated together */

struct page {
	uint64_t addr; /* 0: a free slot */
	char *data;    /* NULL: it can't be read */
};

struct lp_pages {
	struct lp_memfile *file;
	struct page *slots; /* hashed; a power of two */
	size_t n, n_slots;
	LP_VEC(char *) blocks;
	size_t used; /* pages of them */
};

struct lp_pages *lp_pages_new(struct lp_memfile *file)
{
	struct lp_pages *p = calloc(1, sizeof(*p));

	if (p)
		p->file = file;
	return p;
}

void lp_pages_free(struct lp_pages *p)
{
	if (!p)
		return;
	free(p->slots);
	lp_vec_each (&p->blocks, block)
		free(*block);
	lp_vec_done(&p->blocks);
	free(p);
}

static struct page *slot_of(struct page *slots, size_t n, uint64_t addr)
{
	uint64_t hash = addr * 0x9e3779b97f4a7c15u;

	for (size_t i = (hash >> 32) & (n - 1);; i = (i + 1) & (n - 1))
		if (!slots[i].addr || slots[i].addr == addr)
			return &slots[i];
}

static bool grow(struct lp_pages *p)
{
	const size_t n = p->n_slots ? p->n_slots * 2 : 1024;
	struct page *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i].addr)
			*slot_of(slots, n, p->slots[i].addr) = p->slots[i];
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
	return true;
}

void lp_pages_forget(struct lp_pages *p)
{
	if (p->n_slots)
		memset(p->slots, 0, p->n_slots * sizeof(*p->slots));
	p->n = 0;
	p->used = 0;
}

static bool fetch(const struct lp_pages *p, uint64_t addr, char *data)
{
	return lp_memfile_read(p->file, addr, data, PAGE) == PAGE;
}

/* Room for one more; that of pages that are forgotten is used again. */
static char *take_room(struct lp_pages *p)
{
	if (p->used / BLOCK == p->blocks.len) {
		char *block = malloc(BLOCK * PAGE);

		if (!block || lp_vec_push(&p->blocks, block) < 0) {
			free(block);
			return NULL;
		}
	}
	const size_t at = p->used++;

	return p->blocks.data[at / BLOCK] + at % BLOCK * PAGE;
}

/* The page at an address; NULL: it can't be read. */
static const char *page_at(struct lp_pages *p, uint64_t addr)
{
	if (!addr)
		return NULL;
	if (p->n >= PAGES_MAX)
		lp_pages_forget(p);
	if (p->n * 2 >= p->n_slots && !grow(p))
		return NULL;
	struct page *slot = slot_of(p->slots, p->n_slots, addr);
	if (slot->addr)
		return slot->data;

	char *data = take_room(p);
	if (!data)
		return NULL;
	*slot = (struct page){ .addr = addr, .data = fetch(p, addr, data) ? data : NULL };
	p->n++;
	return slot->data;
}

int lp_pages_read(struct lp_pages *p, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		const size_t at = addr % PAGE, n = len < PAGE - at ? len : PAGE - at;
		const char *from = page_at(p, addr - at);

		if (!from)
			return -EFAULT;
		memcpy(to, from + at, n);
		to += n;
		addr += n;
		len -= n;
	}
	return 0;
}
