// SPDX-License-Identifier: GPL-2.0-only
/* json - one object a line, the members in the order of emit(); those that are absent are left out.
 *
 * Always valid UTF-8. A byte of the target that is no UTF-8 becomes the four characters \xff (in
 * JSON "\\xff"), as in text; lone surrogates would keep the byte, but strict parsers refuse the
 * whole record for them. Control characters, C1 ones and bidirectional overrides are \u escapes.
 *
 * Values (json_value.c): integers have all their digits, also where they exceed 2^53; NaN and infinities are
 * the strings "nan", "inf", "-inf"; a character is a string; a pointer "0x1f", a null pointer null;
 * an enum its name, or its number where it has none; what is cut ends in "...". A value that could
 * not be had is left out (null within a struct or array) and is under "errors": "req",
 * "req.peer", "req.tags[2]", "$return"; those of the locals of callers are in their frames.
 */
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/time.h"
#include "lp/limits.h"
#include "sink/formats.h"
#include "sink/frame.h"
#include "sink/json_shared.h"
#include "sink/json_value.h"

struct json {
	uint64_t second;
	char date[32]; /* 2026-11-23T06:06:46. */
	size_t n_date;
	struct lp_buf path;
	struct lp_json_shared shared;
};

/* Returns what is behind it; 9 digits and a letter behind the date. */
static char *put_time(struct json *j, char *to, uint64_t ns)
{
	uint64_t second = ns / LP_NS_PER_S;

	if (!j->n_date || second != j->second) {
		time_t when = (time_t)second;
		struct tm tm = { 0 };

		gmtime_r(&when, &tm);
		j->n_date = strftime(j->date, sizeof(j->date), "%Y-%m-%dT%H:%M:%S.", &tm);
		j->second = second;
	}
	to = mempcpy(to, j->date, j->n_date);
	lp_number_padded(to, (uint32_t)(ns % LP_NS_PER_S), 9);
	to[9] = 'Z';
	return to + 10;
}

#define HEAD_ROOM 96 /* the time, its key, and a number */

/* All up to the message: most of it was rendered before. */
static void put_head(struct lp_buf *out, struct json *j, const struct lp_event *ev,
		     const struct lp_json_place *place, const struct lp_json_thread *thread)
{
	static const char key[] = "{\"time\":\"";
	const struct lp_buf *before = &place->before, *who = &thread->json, *after = &place->after;
	char *to = lp_buf_room(out, before->len + who->len + after->len + HEAD_ROOM);

	if (!to)
		return;
	to = mempcpy(to, key, sizeof(key) - 1);
	to = put_time(j, to, ev->time);
	*to++ = '"';
	to = mempcpy(to, before->data, before->len);
	to += lp_number_u64(to, ev->hit);
	to = mempcpy(to, who->data, who->len);
	to = mempcpy(to, after->data, after->len);
	lp_buf_advance_to(out, to);
}

static void put_values(struct lp_buf *out, struct lp_json_place *place, const struct lp_event *ev)
{
	bool first = true;

	for (size_t i = 0; i < ev->n_values; i++) {
		const struct lp_named *v = &ev->values[i];

		if (v->value.kind == LP_VAL_ERROR)
			continue;
		if (first)
			lp_sink_add(out, ",\"values\":{");
		lp_json_value_name(place, i, v->name, &first, out);
		lp_json_value(out, &v->value);
	}
	if (!first)
		lp_buf_char(out, '}');
}

/* has_own: the first frame is the logpoint's, whose errors are the record's. */
static void put_stack(struct lp_sink *s, const struct lp_frame *stack, size_t n, bool cut,
		      bool has_own)
{
	struct lp_buf *path = &((struct json *)s->state)->path, *out = &s->out;

	lp_sink_add(out, ",\"stack\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			lp_buf_char(out, ',');
		lp_frame_json(out, path, &stack[i], has_own && i == 0 ? 0 : LP_FRAME_WITH_ERRORS);
	}
	if (cut)
		lp_buf_str(out, n ? "," LP_FRAME_GAP_JSON : LP_FRAME_GAP_JSON);
	lp_buf_char(out, ']');
}

static void put_registers(struct lp_buf *out, const uint64_t *registers)
{
	static const char *const names[LP_MACH_REGS] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi",
							 "rbp", "rsp", "r8",  "r9",  "r10", "r11",
							 "r12", "r13", "r14", "r15", "rip" };

	lp_sink_add(out, ",\"registers\":{");
	for (size_t i = 0; i < LP_MACH_REGS; i++) {
		lp_json_put_string(out, i ? "," : "", names[i]);
		lp_json_put_hex(out, ":", registers[i]);
	}
	lp_buf_char(out, '}');
}

static void put_crash(struct lp_buf *out, const struct lp_crash *c)
{
	lp_sink_add(out, ",\"signal\":{");
	lp_json_put_string(out, "\"name\":", c->name);
	lp_json_put_number(out, c->name ? ",\"number\":" : "\"number\":", c->number);
	if (c->code_name)
		lp_json_put_string(out, ",\"code\":", c->code_name);
	else if (c->has_code)
		lp_json_put_number(out, ",\"code\":", c->code);
	if (c->has_addr)
		lp_json_put_hex(out, ",\"addr\":", c->addr);
	if (c->has_sender)
		lp_json_put_number(out, ",\"pid\":", c->sender);
	if (c->abort) {
		lp_sink_add(out, ",\"message\":");
		lp_json_string(out, c->abort, c->abort_len, false);
	}
	lp_buf_char(out, '}');
	if (c->registers)
		put_registers(out, c->registers);
}

static bool is_value(const struct lp_event *ev, const char *name)
{
	for (size_t i = 0; i < ev->n_values; i++)
		if (!strcmp(ev->values[i].name, name))
			return true;
	return false;
}

/* Of the values, the result, and the locals of the logpoint's own frame. */
static void put_errors(struct lp_sink *s, struct json *j, const struct lp_event *ev)
{
	struct lp_json_errors e = { .out = &s->out, .path = &j->path };
	const struct lp_frame *own = ev->n_stack ? &ev->stack[0] : NULL;

	for (size_t i = 0; i < ev->n_values; i++)
		lp_json_errors(&e, ev->values[i].name, &ev->values[i].value);
	if (ev->result && !is_value(ev, "$return"))
		lp_json_errors(&e, "$return", ev->result);
	for (size_t i = 0; own && i < own->n_locals; i++)
		if (!is_value(ev, own->locals[i].name))
			lp_json_errors(&e, own->locals[i].name, &own->locals[i].value);
	if (e.n)
		lp_buf_char(&s->out, '}');
}

static void put_notes(struct lp_buf *out, const struct lp_exception *e)
{
	for (size_t i = 0; i < e->n_notes; i++) {
		lp_buf_str(out, i ? "," : ",\"notes\":[");
		lp_json_value(out, &e->notes[i]);
	}
	if (e->n_notes)
		lp_buf_char(out, ']');
}

/* ,"key":{...}; the chain is short (LP_PY_EXC_MAX). */
static void put_exception(struct lp_sink *s, const char *key, const struct lp_exception *e)
{
	struct lp_json_errors errors = { .out = &s->out, .path = &((struct json *)s->state)->path };
	struct lp_buf *out = &s->out;

	lp_buf_fmt(out, ",\"%s\":{", key);
	lp_json_put_string(out, "\"type\":", e->type);
	if (e->message.kind == LP_VAL_STRING) {
		lp_sink_add(out, ",\"message\":");
		lp_json_value(out, &e->message);
	} else {
		lp_sink_add(out, ",\"args\":");
		lp_json_value(out, &e->args);
		lp_json_errors(&errors, "message", &e->message);
		lp_buf_str(out, errors.n ? "}" : "");
	}
	put_notes(out, e);
	if (e->members.kind == LP_VAL_TUPLE) {
		lp_sink_add(out, ",\"exceptions\":");
		lp_json_value(out, &e->members);
	}
	if (e->n_stack || e->stack_cut)
		put_stack(s, e->stack, e->n_stack, e->stack_cut, false);
	if (e->cause)
		put_exception(s, "cause", e->cause);
	if (e->context)
		put_exception(s, "context", e->context);
	if (e->chain_cut)
		lp_sink_add(out, ",\"...\":null");
	lp_buf_char(out, '}');
}

static int emit(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err)
{
	struct json *j = (struct json *)s->state;
	struct lp_buf *out = &s->out;
	struct lp_json_place *place = lp_json_place(&j->shared, ev);
	const struct lp_json_thread *thread = lp_json_thread(&j->shared, ev);

	if (!place || !thread)
		return lp_err_nomem(err);
	put_head(out, j, ev, place, thread);
	lp_json_string(out, ev->message, ev->message_len, false);
	put_values(out, place, ev);
	put_errors(s, j, ev);
	if (ev->result && ev->result->kind != LP_VAL_ERROR) {
		lp_sink_add(out, ",\"return\":");
		lp_json_value(out, ev->result);
	}
	if (ev->has_elapsed)
		lp_json_put_number(out, ",\"elapsed_ns\":", (int64_t)ev->elapsed);
	if (ev->crash)
		put_crash(out, ev->crash);
	if (ev->exception)
		put_exception(s, "exception", ev->exception);
	if (ev->n_stack || ev->stack_cut)
		put_stack(s, ev->stack, ev->n_stack, ev->stack_cut, true);
	lp_sink_add(out, "}\n");
	if (j->path.failed)
		out->failed = true;
	return 0;
}

static void close_json(struct lp_sink *s)
{
	struct json *j = (struct json *)s->state;

	lp_buf_done(&j->path);
	lp_json_shared_done(&j->shared);
}

const struct lp_sink_ops lp_sink_json = {
	.name = "json",
	.state_size = sizeof(struct json),
	.open = lp_sink_open_plain,
	.emit = emit,
	.flush = lp_sink_flush_plain,
	.close = close_json,
};
