// SPDX-License-Identifier: GPL-2.0-only
/* The variables of Python's frames, as a record has them: their names are objects, too. */
#include <errno.h>
#include <string.h>

#include "collect/plan.h"
#include "python/value.h"

/* What the block has of one frame. */
struct group {
	struct lp_py_locals head;
	const char *words;
};

static bool next_group(const char *data, size_t len, size_t *at, struct group *ret)
{
	if (len - *at < sizeof(ret->head))
		return false;
	memcpy(&ret->head, data + *at, sizeof(ret->head));
	*at += sizeof(ret->head);
	if (ret->head.n > (len - *at) / sizeof(uint64_t))
		return false;
	ret->words = data + *at;
	*at += ret->head.n * sizeof(uint64_t);
	return true;
}

static uint64_t word_of(const struct group *g, size_t i)
{
	uint64_t word;

	memcpy(&word, g->words + i * sizeof(word), sizeof(word));
	return word;
}

static void read_object(const struct lp_py_reader *r, uint64_t object, struct lp_value *ret)
{
	const struct lp_py_value v = { .tag = LP_PY_OBJECT, .bits = object };

	lp_py_read_value(r, &v, ret);
}

static void set_error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why, .len = strlen(why) };
}

/* NULL: it is not on record. */
static const char *name_of(const struct lp_py_reader *r, const struct group *g, size_t i)
{
	uint64_t at = g->head.names + r->runtime->layout.tuple_items + 8 * i, name;

	return r->memory->read(r->memory, at, &name, sizeof(name)) < 0 ? NULL
								       : lp_py_name_in(r, name);
}

static bool is_cell(const struct lp_py_reader *r, const struct group *g, size_t i, uint64_t object)
{
	uint64_t kinds = g->head.kinds + r->runtime->layout.bytes_data, type;
	uint8_t kind;

	if (g->head.kinds && (r->memory->read(r->memory, kinds + i, &kind, sizeof(kind)) < 0 ||
			      !(kind & (LP_PY_KIND_CELL | LP_PY_KIND_FREE))))
		return false;
	/* an argument is put into its cell when the function begins */
	return (g->head.kinds || g->head.cells) &&
	       r->memory->read(r->memory, object + r->runtime->layout.ob_type, &type,
			       sizeof(type)) >= 0 &&
	       type == r->runtime->type_cell;
}

/* False: it is unbound, or not even its name is known. */
static bool read_variable(const struct lp_py_reader *r, const struct group *g, size_t i,
			  struct lp_named *ret)
{
	uint64_t object = word_of(g, i);

	if (!object || !(ret->name = name_of(r, g, i)))
		return false;
	if (r->is_redacted && r->is_redacted(r->redact, ret->name, strlen(ret->name))) {
		set_error(&ret->value, "redacted");
		return true;
	}
	object &= ~(uint64_t)r->runtime->layout.frame_tags;
	if (is_cell(r, g, i, object)) {
		uint64_t cell = object + r->runtime->layout.cell_ref;

		if (r->memory->read(r->memory, cell, &object, sizeof(object)) < 0) {
			set_error(&ret->value, "truncated");
			return true;
		}
		if (!object)
			return false;
	}
	read_object(r, object, &ret->value);
	return true;
}

/* Appends to what the frame has from another group. */
static int add_group(const struct lp_py_reader *r, const struct group *g, struct lp_frame *to)
{
	size_t room = to->n_locals + g->head.n;
	struct lp_named *named = lp_arena_array(r->arena, struct lp_named, room);

	if (!named)
		return -ENOMEM;
	if (to->n_locals)
		memcpy(named, to->locals, to->n_locals * sizeof(*named));
	for (size_t i = 0; i < g->head.n; i++)
		if (read_variable(r, g, i, &named[to->n_locals]))
			to->n_locals++;
	to->locals = named;
	to->has_locals = true;
	return 0;
}

int lp_plan_python_locals(const struct lp_py_reader *reader, const struct lp_decoded *d,
			  struct lp_frame *frames, size_t n)
{
	const struct lp_block *b = d->py_locals.n ? d->py_locals.first : NULL;
	struct group g;
	size_t at = 0;
	int status = 0;

	while (b && b->status == LP_ST_OK && status == 0 &&
	       next_group((const char *)(b + 1), b->len, &at, &g))
		if (g.head.frame < n)
			status = add_group(reader, &g, &frames[g.head.frame]);
	return status;
}
