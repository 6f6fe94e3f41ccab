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

/* Room for n more than the frame has. */
static struct lp_named *more_locals(struct lp_arena *a, struct lp_frame *f, size_t n)
{
	struct lp_named *named = lp_arena_array(a, struct lp_named, f->n_locals + n);

	if (!named)
		return NULL;
	if (f->n_locals)
		memcpy(named, f->locals, f->n_locals * sizeof(*named));
	f->locals = named;
	f->has_locals = true;
	return named;
}

/* Appends to what the frame has from another group. *ret_cut: of some not even the names are there. */
static int add_group(const struct lp_py_reader *r, const struct group *g, struct lp_frame *to,
		     bool *ret_cut)
{
	struct lp_named *named = more_locals(r->arena, to, g->head.n);
	size_t had = 0;

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < g->head.n; i++) {
		if (read_variable(r, g, i, &named[to->n_locals]))
			to->n_locals++;
		had += word_of(g, i) && !name_of(r, g, i);
	}
	*ret_cut = had || g->head.cut;
	return 0;
}

static int add_cut(struct lp_arena *a, struct lp_frame *f)
{
	if (f->n_locals && !strcmp(f->locals[f->n_locals - 1].name, "..."))
		return 0;

	struct lp_named *named = more_locals(a, f, 1);
	if (!named)
		return -ENOMEM;
	named[f->n_locals].name = "...";
	set_error(&named[f->n_locals++].value, "truncated");
	return 0;
}

int lp_plan_python_locals(const struct lp_py_reader *reader, const struct lp_decoded *d,
			  const struct lp_frame_list *list)
{
	const struct lp_block *b = d->py_locals.n ? d->py_locals.first : NULL;
	const bool is_full = b ? b->flags & LP_BLKF_CUT : d->rec->flags & LP_RECF_CUT;
	struct group g;
	size_t at = 0, have = list->from; /* frames that are on record, with variables or without */
	int status = 0;

	while (b && b->status == LP_ST_OK && status == 0 &&
	       next_group((const char *)(b + 1), b->len, &at, &g)) {
		const size_t last = list->n - 1;
		const size_t i = list->exception ? last - g.head.frame : g.head.frame;
		bool is_cut = false;

		if (g.head.exception > list->exception)
			have = list->n;
		if (g.head.exception != list->exception || i >= list->n)
			continue;
		status = add_group(reader, &g, &list->frames[i], &is_cut);
		if (status == 0 && is_cut)
			status = add_cut(reader->arena, &list->frames[i]);
		have = i + 1;
	}
	for (; status == 0 && is_full && have < list->to; have++)
		status = add_cut(reader->arena, &list->frames[have]);
	return status;
}
