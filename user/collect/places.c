// SPDX-License-Identifier: GPL-2.0-only
#include "collect/places.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "python/value.h"

static void known_done(struct lp_code_known *k)
{
	free(k->function);
	free(k->file);
	lp_buf_done(&k->table);
}

void lp_places_done(struct lp_places *p)
{
	lp_vec_each (&p->all, k)
		known_done(k);
	lp_vec_done(&p->all);
}

static bool is_before(const struct lp_code_known *k, uint32_t pid, uint64_t code)
{
	return k->pid < pid || (k->pid == pid && k->frame.code < code);
}

/* Where it is, or belongs; *ret_found: it is. */
static size_t find(const struct lp_places *p, uint32_t pid, uint64_t code, bool *ret_found)
{
	const size_t at = lp_partition_point(p->all.len, i, is_before(&p->all.data[i], pid, code));
	const struct lp_code_known *k = at < p->all.len ? &p->all.data[at] : NULL;

	*ret_found = k && k->pid == pid && k->frame.code == code;
	return at;
}

/* Takes the table. What there is no memory for stays unknown. */
static void set(struct lp_places *p, uint32_t pid, const struct lp_py_frame *frame,
		const char *function, const char *file, struct lp_buf *table)
{
	struct lp_code_known made = { .pid = pid,
				      .frame = *frame,
				      .function = strdup(function),
				      .file = file ? strdup(file) : NULL };
	bool found;
	size_t at = find(p, pid, frame->code, &found);

	if (!made.function || (file && !made.file) || lp_vec_reserve(&p->all, p->all.len + 1) < 0) {
		known_done(&made);
		return;
	}
	made.table = *table;
	*table = (struct lp_buf){ 0 };
	if (found) {
		known_done(&p->all.data[at]);
	} else {
		memmove(p->all.data + at + 1, p->all.data + at,
			(p->all.len - at) * sizeof(*p->all.data));
		p->all.len++;
	}
	p->all.data[at] = made;
}

/* NULL: not known. */
static const struct lp_code_known *get(const struct lp_places *p, uint32_t pid,
				       const struct lp_py_frame *frame)
{
	bool found;
	size_t at = find(p, pid, frame->code, &found);
	const struct lp_code_known *k = found ? &p->all.data[at] : NULL;

	return k && k->frame.name == frame->name && k->frame.filename == frame->filename &&
			       k->frame.firstlineno == frame->firstlineno
		       ? k
		       : NULL;
}

void lp_places_find(struct lp_places *p, const struct lp_py_reader *r, uint32_t pid,
		    const struct lp_symbolizer *sym, const struct lp_py_frame *frame,
		    struct lp_frame *ret)
{
	lp_auto(lp_buf_done) struct lp_buf table = { 0 };
	const char *function, *file;

	if (lp_py_code_in(r, frame, &function, &file, &table))
		set(p, pid, frame, function, file, &table);

	const struct lp_code_known *code = get(p, pid, frame);
	if (code) {
		/* it may be replaced for the next frame */
		ret->function = lp_arena_strdup(r->arena, code->function);
		ret->file = code->file ? lp_arena_strdup(r->arena, code->file) : NULL;
		ret->line = lp_py_line_in(r->runtime->layout.minor, frame, &code->table);
		if (ret->file && sym && sym->classify)
			sym->classify(sym->arg, (pid_t)pid, ret);
	}
	if ((!code || (ret->line <= 0 && frame->line <= 0)) && sym && sym->python_frame)
		sym->python_frame(sym->arg, (pid_t)pid, frame, ret);
	if (frame->line > 0)
		ret->line = frame->line;
}

void lp_places_forget(struct lp_places *p, uint32_t pid)
{
	size_t kept = 0;

	lp_vec_each (&p->all, k) {
		if (k->pid == pid)
			known_done(k);
		else
			p->all.data[kept++] = *k;
	}
	p->all.len = kept;
}
