// SPDX-License-Identifier: GPL-2.0-only
/* The fields of a template, read from a record: captured, computed, or known of the hit itself. */
#include <string.h>

#include "collect/plan.h"

struct reading {
	const struct lp_plan *plan;
	struct lp_decoded *d;
	const struct lp_symbolizer *sym;
	const struct lp_who *who;
	struct lp_reader reader;
};

typedef void read_fn(const struct reading *r, const struct lp_field *f, struct lp_value *ret);

static void put_error(struct lp_value *ret, const char *why)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .str = why };
}

static void put_string(struct lp_value *ret, const char *s, const char *why_not)
{
	if (s)
		*ret = (struct lp_value){ .kind = LP_VAL_STRING, .str = s, .len = strlen(s) };
	else
		put_error(ret, why_not);
}

static void put_number(struct lp_value *ret, uint64_t u, uint8_t size)
{
	*ret = (struct lp_value){ .kind = LP_VAL_UINT, .u = u, .size = size };
}

static const char *symbol_of(const struct reading *r, uint64_t addr)
{
	return r->sym && r->sym->symbol ? r->sym->symbol(r->sym->arg, (pid_t)r->d->rec->pid, addr)
					: NULL;
}

static const char *reader_symbol(void *arg, uint64_t addr)
{
	return symbol_of(arg, addr);
}

/* The bytes are the string's own: up to its terminator. Of a slice, whose length was asked for,
 * all of them.
 */
static void read_string(const struct reading *r, const struct lp_field *f,
			const struct lp_bytes *bytes, bool cut, struct lp_value *ret)
{
	const struct lp_type *t = f->type ? lp_type_strip(f->type) : NULL;
	bool is_array = t && t->kind == LP_TYPE_ARRAY;
	bool is_slice = is_array && t->count == LP_TYPE_COUNT_UNKNOWN;
	size_t len = is_slice ? bytes->len : strnlen(bytes->data, bytes->len);
	uint32_t max = r->plan->info->max_string;

	/* an array that is full needs no terminator */
	if (len < bytes->len || (is_array && !is_slice && len >= t->size))
		cut = false;
	if (max && len > max) {
		len = max;
		cut = true;
	}
	*ret = (struct lp_value){
		.kind = LP_VAL_STRING, .cut = cut, .str = bytes->data, .len = len
	};
}

static const struct lp_blocks *span_of(const struct reading *r, const struct lp_field *f,
				       struct lp_value *ret)
{
	const struct lp_blocks *span =
		f->slot < r->d->slots.len ? &r->d->slots.data[f->slot] : NULL;

	if (span && span->n)
		return span;
	put_error(ret, r->d->rec->flags & LP_RECF_CUT ? "truncated" : "not captured");
	return NULL;
}

static void read_captured(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	const struct lp_blocks *span = span_of(r, f, ret);
	struct lp_bytes bytes;
	bool cut;

	if (!span)
		return;
	if (r->plan->info->python) {
		lp_plan_read_python(r->plan, r->d, r->sym, span, f->in_enter, r->reader.arena, ret);
		return;
	}
	if (!lp_decoded_bytes(span, r->reader.arena, &bytes, &cut, ret)) {
		if (span->first->flags & LP_BLKF_NULL)
			*ret = (struct lp_value){ .kind = LP_VAL_NULL, .size = 8 };
		return;
	}
	if (f->as_string && !bytes.n_holes) {
		read_string(r, f, &bytes, cut, ret);
		return;
	}
	if (!f->type) {
		put_error(ret, "of unknown type");
		return;
	}
	lp_read_value(&r->reader, f->type, &bytes, ret);
	if (cut && (ret->kind == LP_VAL_LIST || ret->kind == LP_VAL_STRING))
		ret->cut = true;
}

static void meta_pid(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_number(ret, r->d->rec->pid, 4);
}

static void meta_tid(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_number(ret, r->d->rec->tid, 4);
}

static void meta_cpu(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_number(ret, r->d->rec->cpu, 4);
}

static void meta_time(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_number(ret, r->d->rec->time, 8);
}

static void meta_hit(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_number(ret, r->d->rec->hit, 8);
}

/* Linux keeps a name for each thread, and comm is this one's. */
static void meta_comm(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	const char *comm = r->d->rec->comm;

	*ret = (struct lp_value){ .kind = LP_VAL_STRING,
				  .str = comm,
				  .len = strnlen(comm, LP_COMM_LEN) };
}

/* Linux's name is not what Python shows of a thread. */
static void meta_thread(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	if (r->plan->info->python)
		put_string(ret, r->who->thread, "thread's name not known");
	else
		meta_comm(r, f, ret);
}

static void meta_task(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	if (r->who->task)
		put_string(ret, r->who->task, NULL);
	else
		*ret = (struct lp_value){ .kind = LP_VAL_NULL,
					  .is_python = r->plan->info->python,
					  .size = 8 };
}

static void meta_func(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_string(ret, r->who->function, "function not known");
}

static void meta_file(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	put_string(ret, r->who->file, "file not known");
}

static void meta_line(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	if (r->who->line > 0)
		put_number(ret, (uint64_t)r->who->line, 4);
	else
		put_error(ret, "line not known");
}

static void meta_elapsed(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	(void)f;
	if (r->d->rec->flags & LP_RECF_ELAPSED)
		put_number(ret, r->d->rec->elapsed, 8);
	else
		put_error(ret, "elapsed time not known");
}

static void meta_caller(const struct reading *r, const struct lp_field *f, struct lp_value *ret)
{
	struct lp_bytes bytes;
	uint64_t addr;
	bool cut;

	if (r->plan->info->python) {
		lp_plan_python_caller(r->d, r->sym, ret);
		return;
	}

	const struct lp_blocks *span = span_of(r, f, ret);
	if (!span || !lp_decoded_bytes(span, r->reader.arena, &bytes, &cut, ret))
		return;
	if (bytes.len < sizeof(addr) || bytes.n_holes) {
		put_error(ret, "caller not known");
		return;
	}
	memcpy(&addr, bytes.data, sizeof(addr));
	if (!addr) {
		put_error(ret, "no caller");
		return;
	}

	/* the call is before the address that it returns to, which may be another function's */
	const char *name = symbol_of(r, addr - 1);
	name = name ? lp_arena_strdup(r->reader.arena, name) : NULL;
	if (name)
		put_string(ret, name, NULL);
	else
		*ret = (struct lp_value){ .kind = LP_VAL_POINTER, .u = addr, .size = 8 };
}

static read_fn *const metas[] = {
	[LP_META_PID] = meta_pid,	[LP_META_TID] = meta_tid,
	[LP_META_COMM] = meta_comm,	[LP_META_THREAD] = meta_thread,
	[LP_META_TASK] = meta_task,	[LP_META_CPU] = meta_cpu,
	[LP_META_TIME] = meta_time,	[LP_META_HIT] = meta_hit,
	[LP_META_FUNC] = meta_func,	[LP_META_FILE] = meta_file,
	[LP_META_LINE] = meta_line,	[LP_META_ELAPSED] = meta_elapsed,
	[LP_META_CALLER] = meta_caller,
};

/* A name that has no value yet, of those that nobody asked for by name. */
static bool is_absent(const struct reading *r, const struct lp_field *f)
{
	const struct lp_blocks *span =
		f->slot < r->d->slots.len ? &r->d->slots.data[f->slot] : NULL;

	return f->optional && f->kind == LP_FIELD_VALUE && span && span->n &&
	       span->first->status == LP_ST_UNBOUND;
}

void lp_plan_read_fields(struct lp_plan *p, struct lp_decoded *d, const struct lp_symbolizer *sym,
			 const struct lp_who *who, struct lp_arena *a)
{
	const struct lp_template *t = p->info->template;
	struct reading r = {
		.plan = p,
		.d = d,
		.sym = sym,
		.who = who,
		.reader = {
			.memory = &d->memory,
			.arena = a,
			.max_string = p->info->max_string,
			.max_items = p->info->max_items,
			.max_depth = p->info->max_depth,
			.symbol = sym && sym->symbol ? reader_symbol : NULL,
		},
	};

	r.reader.symbol_arg = &r;
	for (size_t i = 0; t && i < t->n_fields; i++) {
		const struct lp_field *f = &t->fields[i];
		struct lp_value *v = &p->values[i];

		p->absent[i] = is_absent(&r, f);
		if (f->kind == LP_FIELD_VALUE)
			read_captured(&r, f, v);
		else if (f->kind == LP_FIELD_EVAL)
			lp_eval_run(f->eval, p->values, a, v);
		else if (f->kind == LP_FIELD_META)
			metas[f->meta](&r, f, v);
		else
			*v = f->fixed;
	}
}
