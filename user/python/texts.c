// SPDX-License-Identifier: GPL-2.0-only
#include "python/texts.h"

#include <errno.h>
#include <string.h>

#include "python/batch.h"

#define HEAD	 128 /* bytes of a str that a short text ends in */
#define TEXT_MAX 4096

void lp_py_texts_done(struct lp_py_texts *t)
{
	free(t->slots);
	lp_arena_done(&t->arena);
	*t = (struct lp_py_texts){ 0 };
}

static size_t hash(const char *text, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

/* The slot of a text, or the one that is free for it. */
static const char **slot_of(const char **slots, size_t n_slots, const char *text, size_t len)
{
	for (size_t i = hash(text, len);; i++) {
		const char **slot = &slots[i & (n_slots - 1)];

		if (!*slot || (strlen(*slot) == len && !memcmp(*slot, text, len)))
			return slot;
	}
}

static int grow(struct lp_py_texts *t)
{
	const size_t n = t->n_slots ? t->n_slots * 2 : 1024;
	const char **slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_slots; i++)
		if (t->slots[i])
			*slot_of(slots, n, t->slots[i], strlen(t->slots[i])) = t->slots[i];
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	return 0;
}

const char *lp_py_texts_add(struct lp_py_texts *t, const char *text, size_t len)
{
	if (t->n * 2 >= t->n_slots && grow(t) < 0)
		return NULL;
	/* a NUL would end it anyway */
	len = strnlen(text, len);
	const char **slot = slot_of(t->slots, t->n_slots, text, len);

	if (!*slot) {
		*slot = lp_arena_strndup(&t->arena, text, len);
		t->n += *slot != NULL;
	}
	return *slot;
}

/* The text of a compact ASCII str that is all in its first bytes; NULL. */
static const char *text_in(const struct lp_py_runtime *rt, const uint8_t *head, size_t *ret_len)
{
	const struct lp_py_layout *l = &rt->layout;
	const uint64_t length = lp_py_u64_in(head, l->str_length);
	const uint32_t state = lp_py_u32_in(head, l->str_state) >> l->str_kind_shift;

	if (lp_py_u64_in(head, l->ob_type) != rt->type_str || (state & 7) != 1 ||
	    (state >> 3 & 3) != 3 || length > (uint64_t)HEAD - l->str_ascii)
		return NULL;
	*ret_len = length;
	return (const char *)head + l->str_ascii;
}

int lp_py_texts_read(struct lp_py_texts *t, struct lp_python *py, const uint64_t *addrs, size_t n,
		     const char **ret)
{
	lp_auto(lp_free) uint8_t *heads = malloc(n * HEAD + 1);
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	if (!heads)
		return -ENOMEM;
	lp_py_read_batch(py->pid, addrs, n, HEAD, heads);
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *text = text_in(&py->runtime, heads + i * HEAD, &len);

		ret[i] = NULL;
		if (!text) {
			lp_buf_clear(&b);
			if (!addrs[i] || lp_py_text(&py->memory.memory, &py->runtime.layout,
						    addrs[i], TEXT_MAX, &b) < 0)
				continue;
			text = b.data ? b.data : "";
			len = b.len;
		}
		ret[i] = lp_py_texts_add(t, text, len);
		if (!ret[i])
			return -ENOMEM;
	}
	return 0;
}
