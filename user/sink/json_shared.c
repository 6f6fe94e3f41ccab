// SPDX-License-Identifier: GPL-2.0-only
#include "sink/json_shared.h"

#include "sink/formats.h"
#include "sink/json_value.h"

static void done(struct lp_json_parts *p)
{
	lp_buf_done(&p->first);
	lp_buf_done(&p->second);
	lp_buf_done(&p->texts);
	for (size_t i = 0; i < LP_JSON_NAMES; i++)
		lp_buf_done(&p->names[i]);
}

void lp_json_shared_done(struct lp_json_shared *s)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(s->places); i++)
		done(&s->places[i]);
	for (size_t i = 0; i < LP_ARRAY_SIZE(s->threads); i++)
		done(&s->threads[i]);
}

static bool is_of(const struct lp_json_parts *p, const char *const texts[LP_JSON_TEXTS],
		  const int numbers[2])
{
	const char *at = p->texts.data;

	if (!p->texts.len || p->numbers[0] != numbers[0] || p->numbers[1] != numbers[1])
		return false;
	for (size_t i = 0; i < LP_JSON_TEXTS; i++) {
		if (!texts[i] != !(p->has >> i & 1) || (texts[i] && strcmp(at, texts[i])))
			return false;
		if (texts[i])
			at += strlen(at) + 1;
	}
	return true;
}

/* Empty parts of what they will be of. */
static void begin(struct lp_json_parts *p, const char *const texts[LP_JSON_TEXTS],
		  const int numbers[2])
{
	lp_buf_clear(&p->first);
	lp_buf_clear(&p->second);
	lp_buf_clear(&p->texts);
	p->has = 0;
	for (size_t i = 0; i < LP_JSON_TEXTS; i++) {
		if (!texts[i])
			continue;
		lp_buf_add(&p->texts, texts[i], strlen(texts[i]) + 1);
		p->has |= 1u << i;
	}
	p->numbers[0] = numbers[0];
	p->numbers[1] = numbers[1];
}

static struct lp_json_parts *end(struct lp_json_parts *p)
{
	if (!p->first.failed && !p->second.failed && !p->texts.failed)
		return p;
	done(p);
	return NULL;
}

struct lp_json_parts *lp_json_place(struct lp_json_shared *s, const struct lp_event *ev)
{
	const char *const texts[LP_JSON_TEXTS] = { ev->logpoint, ev->file, ev->function };
	const int numbers[2] = { ev->line };
	struct lp_json_parts *p =
		&s->places[(uintptr_t)ev->logpoint / 16 % LP_ARRAY_SIZE(s->places)];

	if (is_of(p, texts, numbers))
		return p;
	begin(p, texts, numbers);
	lp_json_put_string(&p->first, ",\"logpoint\":", ev->logpoint);
	lp_sink_add(&p->first, ",\"hit\":");
	lp_json_put_string(&p->second, ",\"file\":", ev->file);
	if (ev->line > 0)
		lp_json_put_number(&p->second, ",\"line\":", ev->line);
	lp_json_put_string(&p->second, ",\"function\":", ev->function);
	lp_sink_add(&p->second, ",\"message\":");
	return end(p);
}

const struct lp_json_parts *lp_json_thread(struct lp_json_shared *s, const struct lp_event *ev)
{
	const char *const texts[LP_JSON_TEXTS] = { ev->comm, ev->thread, ev->task };
	const int numbers[2] = { ev->pid, ev->tid };
	struct lp_json_parts *p = &s->threads[(unsigned int)ev->tid % LP_ARRAY_SIZE(s->threads)];

	if (is_of(p, texts, numbers))
		return p;
	begin(p, texts, numbers);
	lp_json_put_number(&p->first, ",\"pid\":", ev->pid);
	lp_json_put_number(&p->first, ",\"tid\":", ev->tid);
	lp_json_put_string(&p->first, ",\"comm\":", ev->comm);
	lp_json_put_string(&p->first, ",\"thread\":", ev->thread);
	lp_json_put_string(&p->first, ",\"task\":", ev->task);
	return end(p);
}

/* Of one with an escape the text differs: it is rendered each time. */
static bool is_name(const struct lp_buf *known, const char *name)
{
	const size_t n = known->len ? known->len - strlen("\"\":") : 0;

	return n && !strncmp(known->data + 1, name, n) && !name[n];
}

void lp_json_value_name(struct lp_json_parts *place, size_t n, const char *name, struct lp_buf *out)
{
	struct lp_buf *known = n < LP_JSON_NAMES ? &place->names[n] : NULL;
	bool first = true;

	if (!known) {
		lp_json_name(out, &first, name);
		return;
	}
	if (!is_name(known, name)) {
		lp_buf_clear(known);
		lp_json_name(known, &first, name);
	}
	lp_buf_add(out, known->data, known->len);
	if (known->failed)
		out->failed = true;
	known->failed = false;
}
