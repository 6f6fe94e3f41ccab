// SPDX-License-Identifier: GPL-2.0-only
#include "native_scoped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

int native_scoped_setup(void **state)
{
	*state = calloc(1, sizeof(struct native_scoped));
	return *state ? 0 : -1;
}

static void close_scope(struct native_scoped *s)
{
	lp_scope_free(lp_take(s->scope));
	lp_emit_done(&s->emit);
}

int native_scoped_teardown(void **state)
{
	struct native_scoped *s = *state;

	close_scope(s);
	native_program_done(&s->program);
	free(s);
	return 0;
}

void native_scoped_build(struct native_scoped *s, const char *command, const char *source)
{
	bool cxx = strstr(command, "++");

	close_scope(s);
	native_program_done(&s->program);
	native_program_init(&s->program);
	native_program_write(&s->program, cxx ? "p.cc" : "p.c", source);
	native_program_run(&s->program, "%s -g -w -o p %s", command, cxx ? "p.cc" : "p.c");
	native_program_open(&s->program, "p");
	s->source = source;
}

void native_scoped_open(struct native_scoped *s, const struct lp_place *place,
			enum lp_scope_half half)
{
	struct lp_err err = { 0 };

	close_scope(s);
	if (lp_scope_open(s->program.module, place, half, &s->scope, &err) < 0)
		fail_msg("%s", err.msg);
}

static void open_first(struct native_scoped *s, int resolved, enum lp_scope_half half)
{
	if (resolved < 0)
		fail_msg("%s", s->program.err.msg);
	assert_true(s->program.places.len > 0);
	native_scoped_open(s, &s->program.places.data[0], half);
}

void native_scoped_entry(struct native_scoped *s, const char *function)
{
	open_first(s, native_program_function(&s->program, LP_AT_ENTRY, function), LP_SCOPE_HERE);
}

void native_scoped_leave(struct native_scoped *s, const char *function)
{
	open_first(s, native_program_function(&s->program, LP_AT_RETURN, function), LP_SCOPE_LEAVE);
}

void native_scoped_line(struct native_scoped *s, const char *mark)
{
	const char *at = strstr(s->source, mark);
	int line = 1;

	assert_non_null(at);
	for (const char *p = s->source; p < at; p++)
		line += *p == '\n';
	int r = native_program_line(&s->program, "p.c", line);
	if (r == -ENOENT)
		r = native_program_line(&s->program, "p.cc", line);
	open_first(s, r, LP_SCOPE_HERE);
}

bool native_scoped_has(struct native_scoped *s, const char *name)
{
	struct lp_var v;

	return s->scope->ops->lookup(s->scope, name, strlen(name), &v, NULL) == 0;
}

struct lp_var native_scoped_var(struct native_scoped *s, const char *name)
{
	struct lp_var v;

	if (s->scope->ops->lookup(s->scope, name, strlen(name), &v, NULL) < 0)
		fail_msg("'%s' is not in scope", name);
	return v;
}

struct lp_loc native_scoped_locate(struct native_scoped *s, const struct lp_var *v)
{
	struct lp_err err = { 0 };
	struct lp_loc loc;

	lp_emit_done(&s->emit);
	if (s->scope->ops->locate(s->scope, v, &s->emit, &loc, &err) < 0)
		fail_msg("%s: %s", v->name, err.msg);
	assert_int_equal(s->emit.status, 0);
	return loc;
}

struct lp_loc native_scoped_where(struct native_scoped *s, const char *name)
{
	struct lp_var v = native_scoped_var(s, name);

	return native_scoped_locate(s, &v);
}
