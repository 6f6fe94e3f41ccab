// SPDX-License-Identifier: GPL-2.0-only
/* text - one record a line:
 *
 *	06:06:46.123456 python3[4711:4712] Task-3 app.py:42 user=7 items=3
 *
 * local time, process and thread, task if there is one, logpoint, of an exception its place, message. Stack and locals follow
 * on the same line: the innermost frame first, what called it after " < ", locals in brackets:
 *
 *	... got 7 | handle server.c:42 [n=7, buf="GET"] < serve server.c:80 < main server.c:12
 *
 * A frame without a name is its address and module, 0x7f3a10 (libfoo.so); frames of libraries are
 * "... 12 library frames" together; where frames are missing there is "...". Whatever comes from the target is escaped (base/utf8.h), so that a
 * record is one line and does nothing to a terminal.
 */
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/time.h"
#include "base/utf8.h"
#include "sink/formats.h"
#include "sink/frame.h"

struct text {
	uint64_t second;
	char clock[9]; /* "06:06:46." */
	bool have_clock;
	struct lp_buf value;
};

/* Escape sequences; "" without colour. */
enum color { PLAIN, DIM, CYAN, BOLD, COLOR_COUNT };

static void put_color(struct lp_sink *s, enum color c)
{
	static const char *const codes[COLOR_COUNT] = { "\033[0m", "\033[2m", "\033[36m",
							"\033[1m" };

	if (s->color)
		lp_buf_str(&s->out, codes[c]);
}

static void put_time(struct lp_sink *s, struct text *t, uint64_t ns)
{
	uint64_t second = ns / LP_NS_PER_S;
	char *room = lp_buf_room(&s->out, 16);

	if (!room)
		return;
	if (!t->have_clock || second != t->second) {
		time_t when = (time_t)second;
		struct tm tm = { 0 };

		localtime_r(&when, &tm);
		strftime(room, 16, "%H:%M:%S.", &tm);
		memcpy(t->clock, room, sizeof(t->clock));
		t->second = second;
		t->have_clock = true;
	}
	memcpy(room, t->clock, sizeof(t->clock));
	lp_number_padded(room + sizeof(t->clock), (uint32_t)(ns % LP_NS_PER_S / 1000), 6);
	lp_buf_advance(&s->out, sizeof(t->clock) + 6);
}

static void put_text(struct lp_sink *s, const char *text)
{
	lp_utf8_escape(&s->out, text, strlen(text), 0);
}

static void put_stack(struct lp_sink *s, const struct lp_event *ev)
{
	for (size_t i = 0; i < ev->n_stack; i++) {
		lp_buf_str(&s->out, i ? " < " : " | ");
		lp_frame_text(&s->out, &((struct text *)s->state)->value, &ev->stack[i]);
	}
	if (ev->stack_cut)
		lp_sink_add(&s->out, " < ...");
}

static void put_process(struct lp_sink *s, const struct lp_event *ev)
{
	put_color(s, CYAN);
	put_text(s, ev->comm);
	lp_buf_char(&s->out, '[');
	lp_buf_s64(&s->out, ev->pid);
	lp_buf_char(&s->out, ':');
	lp_buf_s64(&s->out, ev->tid);
	lp_buf_char(&s->out, ']');
	put_color(s, PLAIN);
	if (ev->task) {
		lp_buf_char(&s->out, ' ');
		put_text(s, ev->task);
	}
}

static int emit(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err)
{
	struct text *t = (struct text *)s->state;

	(void)err;
	put_color(s, DIM);
	put_time(s, t, ev->time);
	put_color(s, PLAIN);
	lp_buf_char(&s->out, ' ');
	put_process(s, ev);
	lp_buf_char(&s->out, ' ');
	put_color(s, BOLD);
	put_text(s, ev->logpoint);
	put_color(s, PLAIN);
	if (ev->exception) /* the logpoint's name doesn't say where */
		lp_frame_place_text(&s->out, ev->file, ev->line);
	if (ev->message_len) {
		lp_buf_char(&s->out, ' ');
		lp_utf8_escape(&s->out, ev->message, ev->message_len, 0);
	}
	put_stack(s, ev);
	lp_buf_char(&s->out, '\n');
	return 0;
}

static void close_text(struct lp_sink *s)
{
	lp_buf_done(&((struct text *)s->state)->value);
}

const struct lp_sink_ops lp_sink_text = {
	.name = "text",
	.state_size = sizeof(struct text),
	.open = lp_sink_open_plain,
	.emit = emit,
	.flush = lp_sink_flush_plain,
	.close = close_text,
};
