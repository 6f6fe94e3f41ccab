// SPDX-License-Identifier: GPL-2.0-only
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define FIRST_CHUNK 1024 /* most hold little: there is one for each logpoint */
#define CHUNK_SIZE  8192

struct lp_arena_chunk {
	struct lp_arena_chunk *next;
	size_t size;
	_Alignas(16) char data[];
};

/* Makes `current` a chunk with room for size bytes, reusing what reset() kept. */
static int next_chunk(struct lp_arena *a, size_t size)
{
	struct lp_arena_chunk **link = a->current ? &a->current->next : &a->first;

	while (*link && (*link)->size < size)
		link = &(*link)->next;
	if (!*link) {
		size_t usual = a->first ? CHUNK_SIZE : FIRST_CHUNK;
		size_t room = size > usual ? size : usual;
		struct lp_arena_chunk *c = malloc(sizeof(*c) + room);
		if (!c)
			return -1;
		c->next = NULL;
		c->size = room;
		*link = c;
	}
	a->current = *link;
	a->used = 0;
	return 0;
}

void *lp_arena_alloc(struct lp_arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (!a->current || a->current->size - a->used < size)
		if (next_chunk(a, size) < 0)
			return NULL;

	void *p = a->current->data + a->used;
	a->used += size;
	return memset(p, 0, size);
}

void *lp_arena_dup(struct lp_arena *a, const void *data, size_t size)
{
	void *p = lp_arena_alloc(a, size);

	if (p && size)
		memcpy(p, data, size);
	return p;
}

char *lp_arena_strndup(struct lp_arena *a, const char *s, size_t len)
{
	char *p = lp_arena_alloc(a, len + 1);

	if (p && len)
		memcpy(p, s, len);
	return p;
}

char *lp_arena_strdup(struct lp_arena *a, const char *s)
{
	return lp_arena_strndup(a, s, strlen(s));
}

char *lp_arena_fmt(struct lp_arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);

	char *p = n < 0 ? NULL : lp_arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void lp_arena_reset(struct lp_arena *a)
{
	a->current = a->first;
	a->used = 0;
}

void lp_arena_done(struct lp_arena *a)
{
	struct lp_arena_chunk *next;

	for (struct lp_arena_chunk *c = a->first; c; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct lp_arena){ 0 };
}
