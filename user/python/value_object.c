// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "base/show.h"
#include "python/stacks_impl.h"
#include "python/value_impl.h"

static uint64_t field(const struct lp_pv_fields *f, const char *name)
{
	for (size_t i = 0; i < f->len; i++)
		if (!strcmp(f->data[i].name, name))
			return f->data[i].value;
	return 0;
}

static bool put_enum(struct lp_pv *p, const struct lp_pv_class *c, const struct lp_pv_fields *f,
		     struct lp_value *ret)
{
	uint64_t name_at = field(f, "_name_"), value_at = field(f, "_value_");
	const char *name = NULL;

	if (!name_at || !value_at)
		return false;
	if (name_at != p->r->runtime->none)
		name = lp_pv_name(p, p->r->memory, name_at);
	ret->str = name ? lp_arena_fmt(p->r->arena, "%s.%s", c->name, name)
			: lp_arena_strdup(p->r->arena, c->name);
	if (!ret->str || !lp_pv_items(p, 1, ret))
		return false;
	ret->kind = LP_VAL_ENUM;
	lp_pv_object(p, value_at, &ret->items[0]);
	ret->s = ret->items[0].kind == LP_VAL_INT ? ret->items[0].s : 0;
	return true;
}

bool lp_pv_enum(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	struct lp_pv_fields f = { 0 };
	bool is_enum = c->is_python && (c->flags & LP_PY_TP_MANAGED_DICT || c->dictoffset) &&
		       lp_pv_fields(p, addr, c, &f) >= 0 && put_enum(p, c, &f, ret);

	lp_vec_done(&f);
	return is_enum;
}

static bool put_uuid(struct lp_pv *p, const struct lp_pv_class *c, const struct lp_pv_fields *f,
		     struct lp_value *ret)
{
	uint64_t at = field(f, "int"), tag = 0;
	uint32_t digits[5] = { 0 };

	if (strcmp(c->name, "UUID") != 0 || !at || lp_pv_read(p, at + p->l->long_tag, &tag, 8) < 0)
		return false;

	uint64_t n = p->l->long_is_tagged ? tag >> 3 : tag;
	if (n > LP_ARRAY_SIZE(digits))
		return false;
	if (n && lp_pv_read(p, at + p->l->long_digits, digits, n * 4) < 0)
		return false;

	unsigned __int128 v = 0;
	for (size_t i = LP_ARRAY_SIZE(digits); i-- > 0;)
		v = v << 30 | digits[i];

	uint64_t high = (uint64_t)(v >> 64), low = (uint64_t)v;
	ret->kind = LP_VAL_OBJECT;
	ret->str = lp_arena_fmt(p->r->arena, "UUID('%08x-%04x-%04x-%04x-%012llx')",
				(unsigned int)(high >> 32), (unsigned int)(high >> 16 & 0xffff),
				(unsigned int)(high & 0xffff), (unsigned int)(low >> 48),
				(unsigned long long)(low & 0xffffffffffffull));
	return true;
}

static const char *text_field(struct lp_pv *p, const struct lp_pv_fields *f, const char *name)
{
	return lp_pv_name(p, p->r->memory, field(f, name));
}

/* The strs of a list or tuple with separators between them; false: not all were copied. */
static bool join(struct lp_pv *p, uint64_t list, size_t from, char separator, struct lp_buf *out)
{
	struct lp_value v = { 0 };
	struct lp_pv_class *c = NULL;
	uint64_t type = 0;

	if (!list || lp_pv_read(p, list + p->l->ob_type, &type, 8) < 0)
		return false;
	c = lp_pv_class(p, type);
	if (!c || (c->kind != LP_PK_LIST && c->kind != LP_PK_TUPLE))
		return false;
	lp_pv_sequence(p, list, c, &v);
	for (size_t i = from; i < v.len; i++) {
		if (v.items[i].kind != LP_VAL_STRING || v.items[i].cut)
			return false;
		if (i > from)
			lp_buf_char(out, separator);
		lp_buf_add(out, v.items[i].str, v.items[i].len);
	}
	return !v.cut;
}

/* What 3.12 on makes of the parts that a path was given: joined as os.path.join() does, without empty
 * parts and dots between separators.
 */
static bool join_raw(struct lp_pv *p, uint64_t list, struct lp_buf *out)
{
	lp_auto(lp_buf_done) struct lp_buf raw = { 0 };

	if (!join(p, list, 0, '\n', &raw))
		return false;

	const char *s = raw.data ? raw.data : "", *absolute = NULL;
	size_t slashes = 0;
	for (const char *at = s; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (*at == '/')
			absolute = at;
	if (absolute)
		s = absolute;
	slashes = strspn(s, "/");
	if (slashes) /* POSIX: two slashes are a root of their own */
		lp_buf_str(out, slashes == 2 ? "//" : "/");

	bool first = true;
	while (*s) {
		size_t len = strcspn(s, "/\n");

		if (len && !(len == 1 && *s == '.')) {
			if (!first)
				lp_buf_char(out, '/');
			lp_buf_add(out, s, len);
			first = false;
		}
		s += len + (s[len] != '\0');
	}
	return true;
}

/* Fields of PurePath: _str once it was asked for; _drv, _root and _parts (up to 3.11) or
 * _tail_cached; _raw_paths (from 3.12 on).
 */
static bool put_path(struct lp_pv *p, const struct lp_pv_class *c, const struct lp_pv_fields *f,
		     struct lp_value *ret)
{
	static const char *const names[] = { "PosixPath", "PurePosixPath", "WindowsPath",
					     "PureWindowsPath" };
	lp_auto(lp_buf_done) struct lp_buf path = { 0 }, text = { 0 };
	const char *known = text_field(p, f, "_str"), *root = text_field(p, f, "_root");
	const char *drive = text_field(p, f, "_drv");
	uint64_t parts = field(f, "_parts"), raw = field(f, "_raw_paths");
	bool is_path = false, is_windows;

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		is_path |= !strcmp(c->name, names[i]);
	is_windows = strstr(c->name, "Windows") != NULL;
	if (!is_path)
		return false;
	if (known) {
		lp_buf_str(&path, known);
	} else if (parts) {
		bool rooted = drive && root && (*drive || *root);

		if (rooted)
			lp_buf_fmt(&path, "%s%s", drive, root);
		if (!join(p, parts, rooted, is_windows ? '\\' : '/', &path))
			return false;
	} else if (is_windows || !raw || !join_raw(p, raw, &path)) {
		return false;
	}
	if (!path.len)
		lp_buf_char(&path, '.');
	for (size_t i = 0; is_windows && i < path.len; i++) /* as_posix() */
		if (path.data[i] == '\\')
			path.data[i] = '/';
	lp_buf_fmt(&text, "%s(", c->name);
	lp_show_python_string(&text, path.data, path.len, false);
	lp_buf_char(&text, ')');
	lp_pv_text(p, &text, ret);
	return true;
}

bool lp_pv_special(struct lp_pv *p, const struct lp_pv_class *c, const struct lp_pv_fields *f,
		   struct lp_value *ret)
{
	return put_enum(p, c, f, ret) || put_uuid(p, c, f, ret) || put_path(p, c, f, ret);
}

bool lp_pv_leaf(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	struct lp_pv_fields f = { 0 };
	bool is_leaf = lp_pv_fields(p, addr, c, &f) >= 0 && lp_pv_special(p, c, &f, ret);

	lp_vec_done(&f);
	return is_leaf;
}

static void put_fields(struct lp_pv *p, const struct lp_pv_fields *f, struct lp_value *ret)
{
	size_t n = f->len < p->r->max_items ? f->len : p->r->max_items;

	ret->cut = f->cut || n < f->len;
	if (!lp_pv_items(p, n, ret))
		return;
	for (size_t i = 0; i < n; i++) {
		struct lp_value *item = &ret->items[i];

		item->is_python = true;
		item->name = f->data[i].name;
		if (lp_pv_is_redacted(p, item->name)) {
			item->kind = LP_VAL_ERROR;
			item->str = "redacted";
		} else {
			lp_pv_object(p, f->data[i].value, item);
		}
	}
}

void lp_pv_opaque(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	ret->kind = LP_VAL_OBJECT;
	ret->u = addr;
	ret->type_name = lp_arena_strdup(p->r->arena, c->full);
	if (!strcmp(c->full, "ellipsis"))
		ret->str = "Ellipsis";
	else if (!strcmp(c->full, "NotImplementedType"))
		ret->str = "NotImplemented";
}

void lp_pv_instance(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	struct lp_pv_fields f = { 0 };
	int r = lp_pv_fields(p, addr, c, &f);

	if (r < 0) {
		lp_pv_opaque(p, addr, c, ret);
	} else if (!lp_pv_special(p, c, &f, ret)) {
		ret->kind = LP_VAL_STRUCT;
		ret->type_name = strcmp(c->full, "types.SimpleNamespace")
					 ? lp_arena_strdup(p->r->arena, c->name)
					 : "namespace";
		put_fields(p, &f, ret);
	}
	lp_vec_done(&f);
}

void lp_pv_exception(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	uint64_t args = 0, n = 0;
	int r = lp_pv_read(p, addr + LP_PY_EXC_ARGS, &args, 8);

	ret->kind = LP_VAL_STRUCT;
	ret->type_name = lp_arena_strdup(p->r->arena, c->name);
	if (r >= 0 && args)
		r = lp_pv_read(p, args + p->l->ob_size, &n, 8);
	if (r < 0)
		ret->cut = true;
	else if (args)
		lp_pv_pointers(p, args + p->l->tuple_items, n, ret);
}

/* A tuple has the arguments; what is none is the only one. */
void lp_pv_raised(struct lp_pv *p, const struct lp_py_value *v, struct lp_value *ret)
{
	struct lp_pv_class *c = v->tag == LP_PY_RAISED ? lp_pv_class(p, v->from) : NULL;
	uint64_t type = 0, n = 0;

	ret->kind = v->tag == LP_PY_RAISED ? LP_VAL_STRUCT : LP_VAL_TUPLE;
	if (v->tag == LP_PY_RAISED)
		ret->type_name = c ? lp_arena_strdup(p->r->arena, c->name) : "?";
	if (!v->bits || v->bits == p->r->runtime->none)
		return;
	p->depth++;
	if (lp_pv_read(p, v->bits + p->l->ob_type, &type, 8) < 0)
		ret->cut = true;
	else if (type == p->r->runtime->type_tuple &&
		 lp_pv_read(p, v->bits + p->l->ob_size, &n, 8) >= 0)
		lp_pv_pointers(p, v->bits + p->l->tuple_items, n, ret);
	else if (lp_pv_items(p, 1, ret))
		lp_pv_object(p, v->bits, &ret->items[0]);
	p->depth--;
}

/* The str that a member of the object is. */
static const char *name_at(struct lp_pv *p, uint64_t addr)
{
	uint64_t at = 0;
	const char *name = lp_pv_read(p, addr, &at, 8) < 0 ? NULL : lp_pv_name(p, p->r->memory, at);

	return name ? name : "?";
}

void lp_pv_function(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	(void)c;
	ret->kind = LP_VAL_OBJECT;
	ret->str = lp_arena_fmt(p->r->arena, "<function %s at 0x%llx>",
				name_at(p, addr + p->l->func_qualname), (unsigned long long)addr);
}

void lp_pv_method(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_value self = { 0 };
	uint64_t func = 0, at = 0;

	(void)c;
	if (lp_pv_read(p, addr + LP_PY_METHOD_FUNC, &func, 8) < 0 ||
	    lp_pv_read(p, addr + LP_PY_METHOD_SELF, &at, 8) < 0) {
		lp_pv_error(ret, -ENODATA, addr, p->r->arena);
		return;
	}
	p->depth++;
	lp_pv_object(p, at, &self);
	p->depth--;
	lp_buf_fmt(&text, "<bound method %s of ", name_at(p, func + p->l->func_qualname));
	lp_show(&text, &self, false);
	lp_buf_char(&text, '>');
	lp_pv_text(p, &text, ret);
}

void lp_pv_cfunction(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	uint64_t def = 0, at = 0, self = 0, type = 0;
	char name[64] = "?";
	int cut = 0;
	long n = -1;

	(void)c;
	if (lp_pv_read(p, addr + LP_PY_CFUNC_DEF, &def, 8) >= 0 && lp_pv_read(p, def, &at, 8) >= 0)
		n = p->r->memory->read_string(p->r->memory, at, name, sizeof(name) - 1, &cut);
	if (n >= 0)
		name[n] = '\0';

	ret->kind = LP_VAL_OBJECT;
	struct lp_pv_class *of = NULL;
	if (lp_pv_read(p, addr + LP_PY_CFUNC_SELF, &self, 8) >= 0 && self &&
	    lp_pv_read(p, self + p->l->ob_type, &type, 8) >= 0)
		of = lp_pv_class(p, type);
	if (!self || !of || of->kind == LP_PK_MODULE)
		ret->str = lp_arena_fmt(p->r->arena, "<built-in function %s>", name);
	else
		ret->str = lp_arena_fmt(p->r->arena, "<built-in method %s of %s object at 0x%llx>",
					name, of->full, (unsigned long long)self);
}

void lp_pv_module(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	(void)c;
	ret->kind = LP_VAL_OBJECT;
	ret->str = lp_arena_fmt(p->r->arena, "<module '%s'>", name_at(p, addr + p->l->module_name));
}

void lp_pv_class_object(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	struct lp_pv_class *is = lp_pv_class(p, addr);

	(void)c;
	ret->kind = LP_VAL_OBJECT;
	ret->u = addr;
	ret->type_name = "class";
	if (is)
		ret->str = lp_arena_fmt(p->r->arena, "<class '%s'>", lp_pv_class_title(p, is));
}

/* --- generators --- */

/* The frame's code, and bytes from its first unit to the latest instruction. */
static bool read_frame(struct lp_pv *p, uint64_t frame, struct lp_py_frame *ret)
{
	const struct lp_py_layout *l = p->l;
	uint64_t at = 0;
	int32_t lasti = 0;

	if (lp_pv_read(p, frame + l->frame_code, &ret->code, 8) < 0)
		return false;
	if (l->minor >= 11)
		ret->code &= ~(uint64_t)l->frame_tags;
	if (l->minor >= 11 ? lp_pv_read(p, frame + l->frame_lasti, &at, 8) < 0
			   : lp_pv_read(p, frame + l->frame_lasti, &lasti, 4) < 0)
		return false;
	/* what Python calls f_lasti; from 3.13 on of one that waits it is the unit behind the yield */
	if (l->minor >= 11)
		ret->lasti = at - (ret->code + l->code_code);
	else
		ret->lasti = (uint64_t)((int64_t)lasti * l->lasti_unit);
	return lp_pv_read(p, ret->code + l->code_filename, &ret->filename, 8) >= 0 &&
	       lp_pv_read(p, ret->code + l->code_name, &ret->name, 8) >= 0 &&
	       lp_pv_read(p, ret->code + l->code_firstlineno, &ret->firstlineno, 4) >= 0;
}

static void put_place(struct lp_pv *p, const struct lp_py_frame *frame, bool is_started,
		      struct lp_buf *out)
{
	const char *file = lp_pv_name(p, p->r->memory, frame->filename), *function = NULL;
	int line = (int)frame->firstlineno;
	bool known = !is_started;

	if (!known && p->r->line_of)
		known = p->r->line_of(p->r->line_of_arg, frame, &function, &file, &line);
	if (!file)
		return;

	const char *slash = strrchr(file, '/');
	lp_buf_fmt(out, " at %s", slash ? slash + 1 : file);
	if (known)
		lp_buf_fmt(out, ":%d", line);
}

void lp_pv_generator(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	static const char *const states[] = { [LP_PY_GEN_CREATED] = " not started",
					      [LP_PY_GEN_SUSPENDED] = " suspended",
					      [LP_PY_GEN_RUNNING] = " running",
					      [LP_PY_GEN_FINISHED] = " finished" };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_py_frame frame = { 0 };
	enum lp_py_gen_state state;
	uint64_t at;
	int r = lp_py_gen_state(p->r->memory, p->l, addr, &state, &at);

	if (r < 0 && !at) {
		lp_pv_error(ret, -ENODATA, addr, p->r->arena);
		return;
	}
	lp_buf_fmt(&text, "<%s %s%s", c->name, name_at(p, addr + p->l->gen_qualname),
		   r < 0 ? "" : states[state]);
	if (r >= 0 && (state == LP_PY_GEN_SUSPENDED || state == LP_PY_GEN_CREATED) &&
	    read_frame(p, at, &frame))
		put_place(p, &frame, state == LP_PY_GEN_SUSPENDED, &text);
	lp_buf_char(&text, '>');
	lp_pv_text(p, &text, ret);
}
