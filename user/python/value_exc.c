// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions, and what str() of one is, as Objects/exceptions.c makes it: which of the functions there it
 * is the class tells (tp_str). Nothing is shown as a message that str() might not give.
 */
#include <errno.h>
#include <string.h>

#include "base/show.h"
#include "base/utf8.h"
#include "python/value_impl.h"

#define NESTING_MAX 8 /* exceptions that are the argument of another one */

struct exc {
	struct lp_pv *p;
	struct lp_pv_class *class; /* NULL: not known */
	uint64_t object;	   /* 0: not made yet */
	uint64_t args;		   /* a tuple; 0: `single` is its only item */
	uint64_t single;	   /* 0: there is none */
	unsigned int nesting;
	const char *why; /* there is no message */
};

/* Appends the message; false: e->why. */
typedef bool (*message_fn)(struct exc *e, struct lp_buf *out);

static message_fn message_of(const struct lp_py_runtime *rt, uint64_t str);

static bool cannot(struct exc *e, const char *why)
{
	e->why = why;
	return false;
}

static bool read_word(struct exc *e, uint64_t addr, uint64_t *ret)
{
	return lp_pv_read(e->p, addr, ret, sizeof(*ret)) >= 0;
}

/* --- parts --- */

static bool count_args(struct exc *e, uint64_t *ret)
{
	*ret = e->single != 0;
	if (e->args && !read_word(e, e->args + e->p->l->ob_size, ret))
		return cannot(e, "its arguments were not copied");
	return true;
}

static bool arg(struct exc *e, uint64_t i, uint64_t *ret)
{
	*ret = e->single;
	if (e->args && !read_word(e, e->args + e->p->l->tuple_items + i * 8, ret))
		return cannot(e, "its arguments were not copied");
	return true;
}

/* A word of the exception's own structure. One that is not made yet would have it from its arguments. */
static bool field(struct exc *e, unsigned int i, uint64_t *ret)
{
	uint64_t at = e->object + e->p->l->exc_suppress + 8u;

	if (!e->object || !read_word(e, at + i * 8u, ret))
		return cannot(e, "not copied");
	return true;
}

/* The first n of them. */
static bool read_fields(struct exc *e, unsigned int n, uint64_t *ret)
{
	for (unsigned int i = 0; i < n; i++)
		if (!field(e, i, &ret[i]))
			return false;
	return true;
}

/* Is what lp_show() makes of it what repr() does? */
static bool is_repr(const struct lp_value *v)
{
	static const char *const known[] = { "<class '", "<function ", "<built-in " };

	if (v->is_foreign)
		return false;
	switch (v->kind) {
	case LP_VAL_ENUM:
	case LP_VAL_POINTER:
	case LP_VAL_CHAR:
		return false;
	case LP_VAL_OBJECT:
		for (size_t i = 0; v->str && i < LP_ARRAY_SIZE(known); i++)
			if (!strncmp(v->str, known[i], strlen(known[i])))
				return true;
		return v->str && v->str[0] != '<';
	case LP_VAL_LIST:
	case LP_VAL_TUPLE:
	case LP_VAL_SET:
	case LP_VAL_MAP:
	case LP_VAL_STRUCT:
		for (size_t i = 0; i < v->len; i++)
			if (!is_repr(&v->items[i]))
				return false;
		return true;
	default:
		return true;
	}
}

static bool put_repr(struct exc *e, uint64_t addr, struct lp_buf *out)
{
	struct lp_value v = { 0 };

	lp_pv_object(e->p, addr, &v);
	if (!is_repr(&v))
		return cannot(e, "would run code");
	lp_show(out, &v, false);
	return true;
}

/* Kinds of objects whose str() is their repr(). */
#define STR_IS_REPR                                                                                \
	(1u << LP_PK_NONE | 1u << LP_PK_LONG | 1u << LP_PK_FLOAT | 1u << LP_PK_COMPLEX |           \
	 1u << LP_PK_BYTES | 1u << LP_PK_BYTEARRAY | 1u << LP_PK_LIST | 1u << LP_PK_TUPLE |        \
	 1u << LP_PK_DICT | 1u << LP_PK_SET | 1u << LP_PK_DEQUE | 1u << LP_PK_RANGE |              \
	 1u << LP_PK_SLICE | 1u << LP_PK_FUNCTION | 1u << LP_PK_CFUNCTION | 1u << LP_PK_CLASS)

static struct lp_pv_class *class_at(struct exc *e, uint64_t addr)
{
	uint64_t type;

	return addr && read_word(e, addr + e->p->l->ob_type, &type) ? lp_pv_class(e->p, type)
								    : NULL;
}

static bool put_message(struct exc *e, struct lp_buf *out)
{
	message_fn fn = e->class ? message_of(e->p->r->runtime, e->class->str) : NULL;

	if (!e->class || !e->class->str)
		return cannot(e, "its class is not known");
	return fn ? fn(e, out) : cannot(e, "would run code");
}

/* str() of an exception that is an argument of another one. */
static bool put_inner(struct exc *e, uint64_t addr, struct lp_buf *out)
{
	struct exc inner = {
		.p = e->p, .class = class_at(e, addr), .object = addr, .nesting = e->nesting + 1
	};

	if (inner.nesting > NESTING_MAX || !read_word(e, addr + LP_PY_EXC_ARGS, &inner.args) ||
	    !inner.args)
		return cannot(e, "its arguments were not copied");
	bool is_told = put_message(&inner, out);
	e->why = inner.why;
	return is_told;
}

static bool put_text(struct exc *e, uint64_t addr, struct lp_buf *out)
{
	struct lp_value v = { 0 };

	lp_pv_object(e->p, addr, &v);
	if (v.kind != LP_VAL_STRING)
		return cannot(e, v.kind == LP_VAL_DEEPER || v.kind == LP_VAL_ERROR
					 ? "not copied"
					 : "would run code");
	lp_show(out, &v, true);
	return true;
}

/* str() */
static bool put_str(struct exc *e, uint64_t addr, struct lp_buf *out)
{
	const struct lp_py_runtime *rt = e->p->r->runtime;
	struct lp_pv_class *c;

	if (addr == rt->none || addr == rt->true_ || addr == rt->false_)
		return put_repr(e, addr, out);
	c = class_at(e, addr);
	if (!c)
		return cannot(e, "not copied");
	if (c->kind == LP_PK_EXCEPTION)
		return put_inner(e, addr, out);
	if (c->is_python)
		return cannot(e, "would run code");
	if (c->kind == LP_PK_STR)
		return put_text(e, addr, out);
	if (!(STR_IS_REPR >> c->kind & 1))
		return cannot(e, "would run code");
	return put_repr(e, addr, out);
}

/* None in place of what is NULL. */
static bool put_str_or_none(struct exc *e, uint64_t addr, struct lp_buf *out)
{
	return put_str(e, addr ? addr : e->p->r->runtime->none, out);
}

/* --- messages, each as the function of that name in Objects/exceptions.c --- */

static bool put_base(struct exc *e, struct lp_buf *out) /* BaseException_str */
{
	uint64_t n, item;

	if (!count_args(e, &n))
		return false;
	if (n == 1)
		return arg(e, 0, &item) && put_str(e, item, out);
	return !n || put_repr(e, e->args, out);
}

static bool put_key_error(struct exc *e, struct lp_buf *out)
{
	uint64_t n, item;

	if (!count_args(e, &n))
		return false;
	if (n != 1)
		return put_base(e, out);
	return arg(e, 0, &item) && put_repr(e, item, out);
}

static bool put_os_error(struct exc *e, struct lp_buf *out)
{
	enum { ERRNO, STRERROR, FILENAME, FILENAME2, N };
	uint64_t fields[N] = { 0 }, n;

	if (e->object && !read_fields(e, N, fields))
		return false;
	if (!e->object) {
		if (!count_args(e, &n))
			return false;
		for (uint64_t i = 0; n >= 2 && i < n && i < 3; i++)
			if (!arg(e, i, &fields[i]))
				return false;
	}
	if (!fields[FILENAME] && !(fields[ERRNO] && fields[STRERROR]))
		return put_base(e, out);
	lp_buf_str(out, "[Errno ");
	if (!put_str_or_none(e, fields[ERRNO], out))
		return false;
	lp_buf_str(out, "] ");
	if (!put_str_or_none(e, fields[STRERROR], out))
		return false;
	for (unsigned int i = FILENAME; i < N && fields[FILENAME] && fields[i]; i++) {
		lp_buf_str(out, i == FILENAME ? ": " : " -> ");
		if (!put_repr(e, fields[i], out))
			return false;
	}
	return true;
}

static bool put_import_error(struct exc *e, struct lp_buf *out)
{
	uint64_t msg = 0, n;

	if (e->object && !field(e, 0, &msg))
		return false;
	if (!e->object && (!count_args(e, &n) || (n == 1 && !arg(e, 0, &msg))))
		return false;

	struct lp_pv_class *c = class_at(e, msg);
	if (c && c->addr == e->p->r->runtime->type_str)
		return put_text(e, msg, out);
	return put_base(e, out);
}

/* SyntaxError's message, file name and line, also of one that is made of (msg, (file, line, ...)). */
static bool syntax_fields(struct exc *e, uint64_t fields[3])
{
	uint64_t n, info, len = 0;

	if (e->object)
		return read_fields(e, 3, fields);
	memset(fields, 0, 3 * sizeof(*fields));
	if (!count_args(e, &n) || (n && !arg(e, 0, &fields[0])))
		return false;
	if (n != 2)
		return true;
	if (!arg(e, 1, &info) || !read_word(e, info + e->p->l->ob_size, &len))
		return cannot(e, "not copied");
	for (unsigned int i = 0; i < 2 && i < len; i++)
		if (!read_word(e, info + e->p->l->tuple_items + i * 8u, &fields[i + 1]))
			return cannot(e, "not copied");
	return true;
}

static bool put_syntax_error(struct exc *e, struct lp_buf *out)
{
	struct lp_value file = { 0 }, line = { 0 };
	uint64_t fields[3];

	if (!syntax_fields(e, fields))
		return false;
	if (fields[1])
		lp_pv_object(e->p, fields[1], &file);
	if (fields[2])
		lp_pv_object(e->p, fields[2], &line);
	if (file.kind == LP_VAL_DEEPER || line.kind == LP_VAL_DEEPER)
		return cannot(e, "not copied");
	if (!put_str_or_none(e, fields[0], out))
		return false;

	bool has_file = file.kind == LP_VAL_STRING,
	     has_line = line.kind == LP_VAL_INT && !line.is_foreign;
	if (!has_file && !has_line)
		return true;
	lp_buf_str(out, " (");
	if (has_file) {
		const char *slash = memrchr(file.str, '/', file.len);
		const char *name = slash ? slash + 1 : file.str;

		lp_buf_add(out, name, file.len - (size_t)(name - file.str));
		if (file.cut)
			lp_buf_str(out, "...");
	}
	if (has_line)
		lp_buf_fmt(out, "%sline %lld", has_file ? ", " : "", (long long)line.s);
	lp_buf_char(out, ')');
	return true;
}

/* What a Unicode error says of a single character or byte of its object. */
enum unicode { ENCODE, DECODE, TRANSLATE };

/* The character or byte at `at` of the object; false: it was not copied, or there is none. */
static bool unit_at(struct exc *e, uint64_t object, uint64_t at, uint32_t *ret)
{
	struct lp_pv_class *c = class_at(e, object);
	struct lp_value v = { 0 };

	if (!c)
		return false;
	lp_pv_slice(e->p, object, c, at, at + 1, &v);
	if (v.cut || !v.len)
		return false;
	if (v.kind == LP_VAL_BYTES)
		*ret = (uint8_t)v.str[0];
	else if (v.kind != LP_VAL_STRING)
		return false;
	else if (lp_utf8_decode(v.str, v.len, ret) == 0 && v.len == 3) /* a lone surrogate */
		*ret = (uint32_t)(v.str[0] & 0xf) << 12 | (uint32_t)(v.str[1] & 0x3f) << 6 |
		       (uint32_t)(v.str[2] & 0x3f);
	return true;
}

static void put_unit(enum unicode what, bool is_there, uint32_t c, struct lp_buf *out)
{
	if (what == DECODE)
		lp_buf_str(out, "byte ");
	else
		lp_buf_str(out, "character '\\");
	if (!is_there)
		lp_buf_str(out, "...");
	else if (what == DECODE)
		lp_buf_fmt(out, "0x%02x", c);
	else
		lp_buf_fmt(out, c <= 0xff ? "x%02x" : c <= 0xffff ? "u%04x" : "U%08x", c);
	if (what != DECODE)
		lp_buf_char(out, '\'');
}

static bool unit_count(struct exc *e, uint64_t object, uint64_t *ret)
{
	struct lp_pv_class *c = class_at(e, object);
	uint64_t at = object + (c && c->kind == LP_PK_STR ? e->p->l->str_length : e->p->l->ob_size);

	return read_word(e, at, ret) || cannot(e, "not copied");
}

static bool put_unicode_error(struct exc *e, enum unicode what, struct lp_buf *out)
{
	enum { ENCODING, OBJECT, START, END, REASON, N };
	/* UnicodeTranslateError has the same structure, and no encoding */
	uint64_t fields[N], n;
	uint32_t c = 0;

	if (!read_fields(e, N, fields))
		return false;
	if (!fields[OBJECT])
		return true;
	if (!unit_count(e, fields[OBJECT], &n))
		return false;
	if (what != TRANSLATE) {
		lp_buf_char(out, '\'');
		if (!put_str_or_none(e, fields[ENCODING], out))
			return false;
		lp_buf_str(out, "' codec ");
	}
	lp_buf_fmt(out, "can't %s ",
		   what == ENCODE   ? "encode"
		   : what == DECODE ? "decode"
				    : "translate");
	if (fields[START] < n && fields[END] == fields[START] + 1) {
		bool is_there = unit_at(e, fields[OBJECT], fields[START], &c);

		put_unit(what, is_there, c, out);
		lp_buf_fmt(out, " in position %lld: ", (long long)fields[START]);
	} else {
		lp_buf_fmt(out,
			   "%s in position %lld-%lld: ", what == DECODE ? "bytes" : "characters",
			   (long long)fields[START], (long long)(fields[END] - 1));
	}
	return put_str_or_none(e, fields[REASON], out);
}

static bool put_encode_error(struct exc *e, struct lp_buf *out)
{
	return put_unicode_error(e, ENCODE, out);
}

static bool put_decode_error(struct exc *e, struct lp_buf *out)
{
	return put_unicode_error(e, DECODE, out);
}

static bool put_translate_error(struct exc *e, struct lp_buf *out)
{
	return put_unicode_error(e, TRANSLATE, out);
}

/* A group's message and its tuple of exceptions. */
static bool put_group(struct exc *e, struct lp_buf *out)
{
	uint64_t msg, members, n;

	if (!field(e, 0, &msg) || !field(e, 1, &members) || !put_str_or_none(e, msg, out))
		return false;
	if (!members || !read_word(e, members + e->p->l->ob_size, &n))
		return cannot(e, "not copied");
	lp_buf_fmt(out, " (%lld sub-exception%s)", (long long)n, n == 1 ? "" : "s");
	return true;
}

static message_fn message_of(const struct lp_py_runtime *rt, uint64_t str)
{
	const struct {
		uint64_t str;
		message_fn fn;
	} known[] = {
		{ rt->str_exception, put_base },
		{ rt->str_os_error, put_os_error },
		{ rt->str_key_error, put_key_error },
		{ rt->str_import_error, put_import_error },
		{ rt->str_syntax_error, put_syntax_error },
		{ rt->str_encode_error, put_encode_error },
		{ rt->str_decode_error, put_decode_error },
		{ rt->str_translate_error, put_translate_error },
		{ rt->str_group, put_group },
	};

	for (size_t i = 0; str && i < LP_ARRAY_SIZE(known); i++)
		if (known[i].str == str)
			return known[i].fn;
	return NULL;
}

/* --- the whole --- */

static void read_message(struct exc *e, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	bool is_told = put_message(e, &text);

	*ret = (struct lp_value){ .kind = LP_VAL_ERROR, .is_python = true, .str = e->why };
	if (!is_told)
		return;
	ret->str = lp_arena_strndup(e->p->r->arena, text.data ? text.data : "", text.len);
	if (ret->str && !text.failed) {
		ret->kind = LP_VAL_STRING;
		ret->len = text.len;
	} else {
		ret->str = "out of memory";
	}
}

static void read_args(struct exc *e, struct lp_value *ret)
{
	*ret = (struct lp_value){ .kind = LP_VAL_TUPLE, .is_python = true };
	if (e->args)
		lp_pv_object(e->p, e->args, ret);
	else if (e->single && lp_pv_items(e->p, 1, ret))
		lp_pv_object(e->p, e->single, &ret->items[0]);
}

static void read_members(struct exc *e, struct lp_value *ret)
{
	uint64_t members;

	*ret = (struct lp_value){ .kind = LP_VAL_NULL };
	if (e->object && e->class && e->class->str &&
	    e->class->str == e->p->r->runtime->str_group && field(e, 1, &members) && members)
		lp_pv_object(e->p, members, ret);
}

/* What it is made of, where it is: of a tuple that has the wrong type nothing is known. */
static void find_args(struct exc *e, const struct lp_py_exc *from)
{
	struct lp_pv_class *c;

	if (!(from->flags & LP_PY_EXC_UNNORMALISED)) {
		e->object = from->object;
		e->args = from->args.bits;
		return;
	}
	if (!from->args.bits || from->args.bits == e->p->r->runtime->none)
		return;
	c = class_at(e, from->args.bits);
	if (c && c->kind == LP_PK_TUPLE)
		e->args = from->args.bits;
	else
		e->single = from->args.bits;
}

static const char *title_of(struct lp_pv *p, struct lp_pv_class *c)
{
	static const char *const hidden[] = { "__main__.", "builtins." };
	const char *title = c ? lp_pv_class_title(p, c) : "?";

	for (size_t i = 0; i < LP_ARRAY_SIZE(hidden); i++)
		if (!strncmp(title, hidden[i], strlen(hidden[i])))
			title += strlen(hidden[i]);
	title = lp_arena_strdup(p->r->arena, title);
	return title ? title : "?";
}

void lp_py_read_exception(const struct lp_py_reader *r, const struct lp_py_exc *from,
			  struct lp_py_exception *ret)
{
	struct lp_pv p = { .r = r, .l = &r->runtime->layout, .types = r->types };
	struct lp_py_types *own = NULL;
	struct exc e = { .p = &p };

	*ret = (struct lp_py_exception){
		.type = "?",
		.message = { .kind = LP_VAL_ERROR, .str = "out of memory" },
	};
	if (!p.types)
		p.types = own = lp_py_types_new();
	if (!p.types)
		return;
	lp_pv_types_trim(p.types);
	e.class = from->type ? lp_pv_class(&p, from->type) : NULL;
	find_args(&e, from);
	ret->type = title_of(&p, e.class);
	read_message(&e, &ret->message);
	read_args(&e, &ret->args);
	read_members(&e, &ret->members);
	ret->notes = (struct lp_value){ .kind = LP_VAL_NULL };
	if (from->notes.bits)
		lp_pv_object(&p, from->notes.bits, &ret->notes);
	lp_py_types_free(own);
}
