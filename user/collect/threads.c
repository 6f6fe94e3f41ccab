// SPDX-License-Identifier: GPL-2.0-only
#include "collect/threads.h"

#include <errno.h>
#include <string.h>

#define FIRST_CAP 64

void lp_threads_done(struct lp_threads *t)
{
	for (size_t i = 0; i < t->cap; i++)
		free(t->slots[i].name);
	free(t->slots);
	*t = (struct lp_threads){ 0 };
}

/* Where the id is, or would be. */
static struct lp_thread_name *slot_of(const struct lp_threads *t, uint64_t id)
{
	size_t i = (size_t)((id ^ id >> 29) * 0x9e3779b97f4a7c15u >> 32);

	for (;; i++) {
		struct lp_thread_name *s = &t->slots[i & (t->cap - 1)];

		if (s->id == id || !s->id)
			return s;
	}
}

/* Twice the room, without those that are forgotten. */
static int grow(struct lp_threads *t)
{
	struct lp_threads bigger = { .cap = t->cap ? t->cap * 2 : FIRST_CAP };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		if (!t->slots[i].name)
			continue;
		*slot_of(&bigger, t->slots[i].id) = t->slots[i];
		bigger.n++;
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

int lp_threads_set(struct lp_threads *t, uint32_t pid, uint32_t tid, const char *name, size_t len)
{
	uint64_t id = (uint64_t)pid << 32 | tid;

	if ((t->n + 1) * 2 > t->cap && grow(t) < 0)
		return -ENOMEM;
	struct lp_thread_name *s = slot_of(t, id);
	if (s->name && strlen(s->name) == len && !memcmp(s->name, name, len))
		return 0;
	char *copy = strndup(name, len);
	if (!copy)
		return -ENOMEM;
	t->n += !s->id;
	free(s->name);
	*s = (struct lp_thread_name){ .id = id, .name = copy };
	return 0;
}

const char *lp_threads_get(const struct lp_threads *t, uint32_t pid, uint32_t tid)
{
	return t->cap ? slot_of(t, (uint64_t)pid << 32 | tid)->name : NULL;
}

void lp_threads_forget(struct lp_threads *t, uint32_t pid)
{
	for (size_t i = 0; i < t->cap; i++) {
		struct lp_thread_name *s = &t->slots[i];

		if (!s->name || s->id >> 32 != pid)
			continue;
		free(s->name);
		s->name = NULL;
	}
}
