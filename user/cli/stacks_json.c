// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/stacks.h"
#include "sink/frame.h"
#include "sink/json_value.h"

static void put_stack(struct lp_buf *out, const struct lp_stack *s)
{
	lp_auto(lp_buf_done) struct lp_buf path = { 0 };
	const char *comma = "";

	lp_buf_str(out, ",\"stack\":[");
	if (s->changed) {
		lp_buf_str(out, "{\"note\":\"changed while read\"}");
		comma = ",";
	}
	for (size_t i = 0; i < s->n; i++, comma = ",") {
		lp_buf_str(out, comma);
		lp_frame_json(out, &path, &s->frames[i],
			      LP_FRAME_WITH_ERRORS | LP_FRAME_WITH_MODULE);
	}
	if (s->cut) {
		lp_buf_str(out, comma);
		lp_buf_str(out, LP_FRAME_GAP_JSON);
	}
	lp_buf_char(out, ']');
}

static void put_thread(struct lp_buf *out, const struct lp_thread_stack *t)
{
	lp_json_put_number(out, "{\"tid\":", t->tid);
	lp_json_put_string(out, ",\"comm\":", t->comm);
	lp_json_put_string(out, ",\"name\":", t->name);
	lp_json_put_string(out, ",\"state\":", lp_stacks_state(t->state));
	if (t->is_python)
		lp_buf_str(out, t->has_gil ? ",\"gil\":true" : ",\"gil\":false");
	if (t->interpreter)
		lp_json_put_number(out, ",\"interpreter\":", t->interpreter);
	lp_json_put_string(out, ",\"task\":", t->task);
	put_stack(out, &t->stack);
	lp_buf_char(out, '}');
}

static void put_task(struct lp_buf *out, const struct lp_task_stack *t)
{
	lp_json_put_hex(out, "{\"id\":", t->id);
	lp_json_put_string(out, ",\"name\":", t->name);
	lp_json_put_string(out, ",\"state\":", t->state);
	lp_json_put_string(out, ",\"function\":", t->function);
	lp_json_put_string(out, ",\"waits_for\":", t->waits_for);
	if (t->tid)
		lp_json_put_number(out, ",\"tid\":", t->tid);
	lp_buf_str(out, ",\"awaits\":[");
	for (size_t i = 0; i < t->n_awaits; i++)
		lp_json_put_hex(out, i ? "," : "", t->awaits[i]);
	lp_buf_char(out, ']');
	put_stack(out, &t->stack);
	lp_buf_char(out, '}');
}

static void put_process(struct lp_buf *out, const struct lp_process_stacks *p)
{
	lp_json_put_number(out, "{\"pid\":", p->pid);
	lp_json_put_string(out, ",\"comm\":", p->comm);
	lp_json_put_string(out, ",\"python\":", p->python);
	lp_json_put_string(out, ",\"why\":", p->why);
	lp_json_put_string(out, ",\"no_native_frames\":", p->no_native);
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
