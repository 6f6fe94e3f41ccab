// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/stacks.h"
#include "sink/json_value.h"

#define GAP "{\"function\":\"...\"}" /* as in records: frames that could not be had */

static void put_string(struct lp_buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	lp_buf_str(out, key);
	lp_json_string(out, text, strlen(text), false);
}

static void put_number(struct lp_buf *out, const char *key, int64_t number)
{
	lp_buf_str(out, key);
	lp_buf_s64(out, number);
}

static void put_locals(struct lp_buf *out, const struct lp_frame *f)
{
	lp_auto(lp_buf_done) struct lp_buf path = { 0 };
	struct lp_json_errors e = { .out = out, .path = &path };
	bool first = true;

	lp_buf_str(out, ",\"locals\":{");
	for (size_t i = 0; i < f->n_locals; i++) {
		if (f->locals[i].value.kind == LP_VAL_ERROR)
			continue;
		put_string(out, first ? "" : ",", f->locals[i].name);
		first = false;
		lp_buf_char(out, ':');
		lp_json_value(out, &f->locals[i].value);
	}
	lp_buf_char(out, '}');
	for (size_t i = 0; i < f->n_locals; i++)
		lp_json_errors(&e, f->locals[i].name, &f->locals[i].value);
	if (e.n)
		lp_buf_char(out, '}');
	out->failed |= path.failed;
}

static void put_frame(struct lp_buf *out, const struct lp_frame *f)
{
	if (f->kind == LP_FRAME_FOLDED) {
		put_number(out, "{\"folded\":", f->n_folded);
		lp_buf_char(out, '}');
		return;
	}
	if (f->kind == LP_FRAME_GAP) {
		lp_buf_str(out, GAP);
		return;
	}
	if (f->function) {
		put_string(out, "{\"function\":", f->function);
	} else {
		lp_buf_str(out, "{\"address\":\"");
		lp_buf_hex(out, f->addr);
		lp_buf_char(out, '"');
	}
	put_string(out, ",\"module\":", f->module);
	put_string(out, ",\"file\":", f->file);
	if (f->line > 0)
		put_number(out, ",\"line\":", f->line);
	if (f->has_locals)
		put_locals(out, f);
	lp_buf_char(out, '}');
}

static void put_stack(struct lp_buf *out, const struct lp_stack *s)
{
	const char *comma = "";

	lp_buf_str(out, ",\"stack\":[");
	if (s->changed) {
		lp_buf_str(out, "{\"note\":\"changed while read\"}");
		comma = ",";
	}
	for (size_t i = 0; i < s->n; i++, comma = ",") {
		lp_buf_str(out, comma);
		put_frame(out, &s->frames[i]);
	}
	if (s->cut) {
		lp_buf_str(out, comma);
		lp_buf_str(out, GAP);
	}
	lp_buf_char(out, ']');
}

static void put_thread(struct lp_buf *out, const struct lp_thread_stack *t)
{
	put_number(out, "{\"tid\":", t->tid);
	put_string(out, ",\"comm\":", t->comm);
	put_string(out, ",\"name\":", t->name);
	put_string(out, ",\"state\":", lp_stacks_state(t->state));
	if (t->is_python)
		lp_buf_str(out, t->has_gil ? ",\"gil\":true" : ",\"gil\":false");
	if (t->interpreter)
		put_number(out, ",\"interpreter\":", t->interpreter);
	put_string(out, ",\"task\":", t->task);
	put_stack(out, &t->stack);
	lp_buf_char(out, '}');
}

static void put_id(struct lp_buf *out, const char *key, uint64_t id)
{
	lp_buf_str(out, key);
	lp_buf_char(out, '"');
	lp_buf_hex(out, id);
	lp_buf_char(out, '"');
}

static void put_task(struct lp_buf *out, const struct lp_task_stack *t)
{
	put_id(out, "{\"id\":", t->id);
	put_string(out, ",\"name\":", t->name);
	put_string(out, ",\"state\":", t->state);
	put_string(out, ",\"function\":", t->function);
	put_string(out, ",\"waits_for\":", t->waits_for);
	if (t->tid)
		put_number(out, ",\"tid\":", t->tid);
	lp_buf_str(out, ",\"awaits\":[");
	for (size_t i = 0; i < t->n_awaits; i++)
		put_id(out, i ? "," : "", t->awaits[i]);
	lp_buf_char(out, ']');
	put_stack(out, &t->stack);
	lp_buf_char(out, '}');
}

static void put_process(struct lp_buf *out, const struct lp_process_stacks *p)
{
	put_number(out, "{\"pid\":", p->pid);
	put_string(out, ",\"comm\":", p->comm);
	put_string(out, ",\"python\":", p->python);
	put_string(out, ",\"why\":", p->why);
	put_string(out, ",\"no_native_frames\":", p->no_native);
	if (p->cut)
		lp_buf_str(out, ",\"cut\":true");
	lp_buf_str(out, ",\"threads\":[");
	for (size_t i = 0; i < p->n_threads; i++) {
		if (i)
			lp_buf_char(out, ',');
		put_thread(out, &p->threads[i]);
	}
	lp_buf_str(out, "],\"tasks\":[");
	for (size_t i = 0; i < p->n_tasks; i++) {
		if (i)
			lp_buf_char(out, ',');
		put_task(out, &p->tasks[i]);
	}
	lp_buf_str(out, "]}");
}

void lp_stacks_json(struct lp_buf *out, const struct lp_process_stacks *list, size_t n)
{
	lp_buf_str(out, "{\"processes\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			lp_buf_char(out, ',');
		put_process(out, &list[i]);
	}
	lp_buf_str(out, "]}\n");
}
