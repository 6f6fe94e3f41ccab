// SPDX-License-Identifier: GPL-2.0-only
#include "sink/json_shared.h"

#include "sink/formats.h"
#include "sink/json_value.h"

static void place_done(struct lp_json_place *p)
{
	p->plan = 0;
	lp_buf_done(&p->of.texts);
	lp_buf_done(&p->before);
	lp_buf_done(&p->after);
	for (size_t i = 0; i < LP_JSON_NAMES; i++) {
		lp_buf_done(&p->names[i].of);
		lp_buf_done(&p->names[i].json);
	}
}

static void thread_done(struct lp_json_thread *t)
{
	lp_buf_done(&t->of.texts);
	lp_buf_done(&t->json);
}

void lp_json_shared_done(struct lp_json_shared *s)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(s->places); i++)
		place_done(&s->places[i]);
	for (size_t i = 0; i < LP_ARRAY_SIZE(s->threads); i++)
		thread_done(&s->threads[i]);
}

static bool is_of(const struct lp_json_key *of, const char *const texts[LP_JSON_TEXTS],
		  const int numbers[2])
{
	const char *at = of->texts.data;

	if (!of->texts.len || of->numbers[0] != numbers[0] || of->numbers[1] != numbers[1])
		return false;
	for (size_t i = 0; i < LP_JSON_TEXTS; i++) {
		if (!texts[i] != !(of->has >> i & 1) || (texts[i] && strcmp(at, texts[i])))
			return false;
		if (texts[i])
			at += strlen(at) + 1;
	}
	return true;
}

static void note_key(struct lp_json_key *of, const char *const texts[LP_JSON_TEXTS],
		     const int numbers[2])
{
	lp_buf_clear(&of->texts);
	of->has = 0;
	for (size_t i = 0; i < LP_JSON_TEXTS; i++) {
		if (!texts[i])
			continue;
		lp_buf_add(&of->texts, texts[i], strlen(texts[i]) + 1);
		of->has |= 1u << i;
	}
	of->numbers[0] = numbers[0];
	of->numbers[1] = numbers[1];
}

struct lp_json_place *lp_json_place(struct lp_json_shared *s, const struct lp_event *ev)
{
	const char *const texts[LP_JSON_TEXTS] = { ev->logpoint, ev->file, ev->function };
	const int numbers[2] = { ev->line };
	struct lp_json_place *p =
		&s->places[(uintptr_t)ev->logpoint / 16 % LP_ARRAY_SIZE(s->places)];

	if (ev->plan && p->plan == ev->plan)
		return p;
	p->plan = ev->plan;
	if (is_of(&p->of, texts, numbers))
		return p;
	note_key(&p->of, texts, numbers);
	lp_buf_clear(&p->before);
	lp_buf_clear(&p->after);
	lp_json_put_string(&p->before, ",\"logpoint\":", ev->logpoint);
	lp_sink_add(&p->before, ",\"hit\":");
	lp_json_put_string(&p->after, ",\"file\":", ev->file);
	if (ev->line > 0)
		lp_json_put_number(&p->after, ",\"line\":", ev->line);
	lp_json_put_string(&p->after, ",\"function\":", ev->function);
	lp_sink_add(&p->after, ",\"message\":");
	if (!p->of.texts.failed && !p->before.failed && !p->after.failed)
		return p;
	place_done(p);
	return NULL;
}

const struct lp_json_thread *lp_json_thread(struct lp_json_shared *s, const struct lp_event *ev)
{
	const char *const texts[LP_JSON_TEXTS] = { ev->comm, ev->thread, ev->task };
	const int numbers[2] = { ev->pid, ev->tid };
	struct lp_json_thread *t = &s->threads[(unsigned int)ev->tid % LP_ARRAY_SIZE(s->threads)];

	if (is_of(&t->of, texts, numbers))
		return t;
	note_key(&t->of, texts, numbers);
	lp_buf_clear(&t->json);
	lp_json_put_number(&t->json, ",\"pid\":", ev->pid);
	lp_json_put_number(&t->json, ",\"tid\":", ev->tid);
	lp_json_put_string(&t->json, ",\"comm\":", ev->comm);
	lp_json_put_string(&t->json, ",\"thread\":", ev->thread);
	lp_json_put_string(&t->json, ",\"task\":", ev->task);
	if (!t->of.texts.failed && !t->json.failed)
		return t;
	thread_done(t);
	return NULL;
}

static void meet_name(struct lp_json_name *known, uint64_t plan, const char *name)
{
	bool first = false;

	known->plan = plan;
	known->at = name;
	if (known->of.len && !strcmp(known->of.data, name))
		return;
	lp_buf_clear(&known->of);
	lp_buf_clear(&known->json);
	lp_buf_add(&known->of, name, strlen(name) + 1);
	lp_json_name(&known->json, &first, name);
}

void lp_json_value_name(struct lp_json_place *place, size_t n, const char *name, bool *first,
			struct lp_buf *out)
{
	struct lp_json_name *known = n < LP_JSON_NAMES ? &place->names[n] : NULL;

	if (!known) {
		lp_json_name(out, first, name);
		return;
	}
	if (!place->plan || known->plan != place->plan || known->at != name)
		meet_name(known, place->plan, name);
	if (known->of.failed || known->json.failed) {
		known->plan = 0;
		lp_buf_done(&known->of);
		lp_buf_done(&known->json);
		out->failed = true;
		return;
	}
	lp_buf_add(out, known->json.data + *first, known->json.len - *first);
	*first = false;
}
