// SPDX-License-Identifier: GPL-2.0-only
/* Names at a place: locals by their number in the frame, cells, and by name what is global. */
#include <errno.h>
#include <string.h>

#include "python/inlined.h"
#include "python/place.h"

#define LOCALS_MAX   4096
#define NAME_MAX_LEN 1024

#define KIND_HIDDEN 0x10u /* CO_FAST_HIDDEN (Include/internal/pycore_code.h) */

struct variable {
	const char *name;
	uint32_t index; /* in the frame's localsplus */
	bool is_cell, is_argument;
	bool is_hidden; /* bound only while a comprehension runs; else the name is another's */
};

struct py_scope {
	struct lp_scope scope;
	struct lp_python *py;
	LP_VEC(struct variable) locals; /* what shadows comes first */
	struct lp_arena arena;
	uint64_t globals, builtins; /* dicts; 0: not known */
	bool by_name;		    /* of a class or module: names are in a dict */
	bool is_leave;
	uint8_t returns; /* of the place's instruction: LP_PYOP_RETURN, _CONST; else 0 */
	uint32_t constant;
};

static int add_local(struct py_scope *s, uint64_t str, struct variable v)
{
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	int r = lp_py_text(&s->py->memory.memory, &s->py->runtime.layout, str, NAME_MAX_LEN, &b);

	if (r < 0)
		return r;
	v.name = lp_arena_strndup(&s->arena, b.data ? b.data : "", b.len);
	return !v.name || lp_vec_push(&s->locals, v) < 0 ? -ENOMEM : 0;
}

/* Up to 3.10: a tuple of names, whose locals begin at `first`. */
static int add_tuple(struct py_scope *s, uint64_t pointer, uint32_t first, bool is_cell,
		     uint32_t n_arguments, uint32_t *ret_n)
{
	const struct lp_py_layout *l = &s->py->runtime.layout;
	struct lp_memory *m = &s->py->memory.memory;
	uint64_t tuple, n, item;
	int r = lp_py_u64(m, pointer, &tuple);

	if (r == 0)
		r = lp_py_length(m, l, tuple, &n);
	if (r == 0 && n > LOCALS_MAX)
		r = -EINVAL;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		r = lp_py_tuple_item(m, l, tuple, i, &item);
		if (r == 0)
			r = add_local(s, item,
				      (struct variable){ .index = first + i,
							 .is_cell = is_cell,
							 .is_argument = i < n_arguments });
	}
	*ret_n = r == 0 ? (uint32_t)n : 0;
	return r;
}

/* Up to 3.10. An argument that is in a cell is moved there before the function runs. */
static int read_old_locals(struct py_scope *s, uint64_t code, uint32_t n_arguments)
{
	const struct lp_py_layout *l = &s->py->runtime.layout;
	uint32_t n_locals, n_cells, n;
	int r = lp_py_u32(&s->py->memory.memory, code + l->code_nlocals, &n_locals);

	if (r == 0)
		r = add_tuple(s, code + l->code_cellvars, n_locals, true, 0, &n_cells);
	if (r == 0)
		r = add_tuple(s, code + l->code_freevars, n_locals + n_cells, true, 0, &n);
	if (r == 0)
		r = add_tuple(s, code + l->code_varnames, 0, false, n_arguments, &n);
	return r;
}

/* From 3.11 on. */
static int read_new_locals(struct py_scope *s, uint64_t code, uint32_t n_arguments)
{
	const struct lp_py_layout *l = &s->py->runtime.layout;
	struct lp_memory *m = &s->py->memory.memory;
	lp_auto(lp_buf_done) struct lp_buf kinds = { 0 };
	uint64_t names, kinds_object, n, item;
	int r = lp_py_u64(m, code + l->code_localsplusnames, &names);

	if (r == 0)
		r = lp_py_u64(m, code + l->code_localspluskinds, &kinds_object);
	if (r == 0)
		r = lp_py_length(m, l, names, &n);
	if (r == 0)
		r = lp_py_bytes(m, l, kinds_object, LOCALS_MAX, &kinds);
	if (r == 0 && n != kinds.len)
		r = -EINVAL;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		const uint8_t kind = (uint8_t)kinds.data[i];

		r = lp_py_tuple_item(m, l, names, i, &item);
		if (r == 0)
			r = add_local(s, item,
				      (struct variable){
					      .index = i,
					      .is_cell = kind & (LP_PY_KIND_CELL | LP_PY_KIND_FREE),
					      .is_argument = i < n_arguments,
					      .is_hidden = s->by_name && (kind & KIND_HIDDEN) });
	}
	return r;
}

static int read_locals(struct py_scope *s, const struct lp_py_code *code)
{
	uint32_t n;
	int r = lp_py_code_arguments(s->py, code, &n);

	if (r < 0)
		return r;
	return s->py->runtime.layout.minor >= 11 ? read_new_locals(s, code->addr, n)
						 : read_old_locals(s, code->addr, n);
}

/* The module's dict, as a function of this code, of one around it, or of the same file has it. */
static uint64_t globals_of(struct lp_python *py, struct lp_py_codes *codes,
			   const struct lp_py_code *code)
{
	const struct lp_py_layout *l = &py->runtime.layout;

	if (code->globals && lp_py_is_dict(&py->memory.memory, l, code->globals))
		return code->globals;
	lp_vec_each (&codes->all, other)
		if (other->file == code->file && other->globals &&
		    lp_py_is_dict(&py->memory.memory, l, other->globals))
			return other->globals;
	return 0;
}

static uint64_t builtins_of(struct lp_python *py)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	struct lp_memory *m = &py->memory.memory;
	uint64_t interp, dict;

	if (lp_py_main_interpreter(py, &interp) < 0 ||
	    lp_py_u64(m, interp + l->interp_builtins, &dict) < 0 || !lp_py_is_dict(m, l, dict))
		return 0;
	return dict;
}

/* What the instruction at the place returns. */
static void find_return(struct py_scope *s, const struct lp_py_code *code, uint64_t unit)
{
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	uint64_t units;

	if (lp_py_code_flow(s->py, code, &flow, &units) < 0)
		return;
	lp_vec_each (&flow.instrs, in)
		if (units + 2 * (uint64_t)in->unit == unit &&
		    (in->kind == LP_PYOP_RETURN || in->kind == LP_PYOP_RETURN_CONST)) {
			s->returns = in->kind;
			s->constant = in->oparg;
		}
}

/* Drops from a function's locals those of comprehensions that are elsewhere. */
static void drop_inlined(struct py_scope *s, const struct lp_py_code *code, uint64_t unit)
{
	lp_auto(lp_py_flow_done) struct lp_py_flow flow = { 0 };
	uint64_t units;
	size_t kept = 0;

	if (s->by_name || s->py->runtime.layout.minor < 12 ||
	    lp_py_code_flow(s->py, code, &flow, &units) < 0 || unit < units)
		return;
	lp_vec_each (&s->locals, v)
		if (v->is_argument ||
		    !lp_py_inlined_elsewhere(&flow, v->index, (uint32_t)((unit - units) / 2)))
			s->locals.data[kept++] = *v;
	s->locals.len = kept;
}

static struct py_scope *of(struct lp_scope *scope)
{
	return (struct py_scope *)scope;
}

static void scope_free(struct lp_scope *scope)
{
	struct py_scope *s = of(scope);

	lp_vec_done(&s->locals);
	lp_arena_done(&s->arena);
	free(s);
}

static uint64_t scope_hash(struct lp_scope *scope, const char *text, size_t len, bool is_bytes)
{
	return lp_python_hash(of(scope)->py, text, len, is_bytes);
}

/* hidden: the local of that name that a comprehension has; NULL */
static uint8_t emit_key(struct py_scope *s, struct lp_emit *e, const char *name,
			const struct variable *hidden)
{
	const enum lp_op op = s->by_name ? LP_OP_PY_NAME : LP_OP_PY_GLOBAL;
	const size_t len = strlen(name);
	struct lp_py_key key = {
		.hash = lp_python_hash(s->py, name, len, false),
		.len = (uint32_t)len,
		.is_ascii = true,
	};
	const uint8_t reg = lp_emit_reg(e);

	for (size_t i = 0; i < len; i++)
		key.is_ascii &= (unsigned char)name[i] < 0x80;
	const size_t at = lp_emit_key(e, op, reg, 0, &key, name);
	if (hidden && e->status == 0)
		e->code.data[at].n = LP_PY_HIDDEN(hidden->index, hidden->is_cell);
	return reg;
}

static bool dict_has(struct py_scope *s, uint64_t dict, const char *name)
{
	uint64_t value;

	return dict && lp_py_dict_find(&s->py->memory.memory, &s->py->runtime.layout, dict, name,
				       NULL, &value) == 0;
}

static const struct variable *find_local(const struct py_scope *s, const char *name)
{
	lp_vec_each (&s->locals, v)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* A module's own names are its globals; those of a class are not. */
static bool is_class(const struct py_scope *s)
{
	return s->by_name && strcmp(s->scope.function, "<module>") != 0;
}

/* The class in whose body a name is written, as far as the qualified name says: private names are
 * that class's. A part of it is a class where another one follows but for "<locals>".
 */
static const char *class_around(const struct py_scope *s, size_t *ret_len)
{
	const char *part = s->scope.function, *found = NULL;

	for (const char *dot; (dot = strchr(part, '.')); part = dot + 1) {
		if (part[0] == '<' || !strncmp(dot + 1, "<locals>", 8))
			continue;
		found = part;
		*ret_len = (size_t)(dot - part);
	}
	if (is_class(s)) {
		found = part;
		*ret_len = strlen(part);
	}
	for (; found && *ret_len > 0 && *found == '_'; found++)
		--*ret_len;
	return found && *ret_len > 0 ? found : NULL;
}

/* "__x" in a class is "_Cart__x". */
static char *mangle(const struct py_scope *s, const char *name, size_t len)
{
	const bool is_private =
		len > 2 && !memcmp(name, "__", 2) && memcmp(name + len - 2, "__", 2) != 0;
	size_t n = 0;
	const char *class = is_private ? class_around(s, &n) : NULL;
	char *made = NULL;

	if (!class)
		return strndup(name, len);
	return asprintf(&made, "_%.*s%.*s", (int)n, class, (int)len, name) < 0 ? NULL : made;
}

static int scope_load(struct lp_scope *scope, const char *name, size_t len, struct lp_emit *e,
		      uint8_t *ret_reg, struct lp_err *err)
{
	struct py_scope *s = of(scope);
	lp_auto(lp_free) char *text = mangle(s, name, len);

	if (!text)
		return lp_err_nomem(err);

	const struct variable *v = find_local(s, text);
	if (v && !v->is_hidden) {
		*ret_reg = lp_emit_reg(e);
		if (v->is_cell)
			lp_emit(e, PY_CELL, .dst = *ret_reg, .n = v->index);
		else
			lp_emit(e, PY_FAST, .dst = *ret_reg, .n = v->index);
		return 0;
	}
	/* a class's own names are in a dict that only its frame has */
	if (!v && !is_class(s) && s->globals && !dict_has(s, s->globals, text) &&
	    !dict_has(s, s->builtins, text))
		return -ENOENT;
	*ret_reg = emit_key(s, e, text, v);
	return 0;
}

static char *scope_mangle(struct lp_scope *scope, const char *name, size_t len)
{
	return mangle(of(scope), name, len);
}

static int scope_result(struct lp_scope *scope, struct lp_emit *e, uint8_t *ret_reg,
			struct lp_err *err)
{
	struct py_scope *s = of(scope);

	if (!s->is_leave || !s->returns)
		return lp_err_set(err, ENOENT,
				  "$return is there in 'return FUNCTION' and 'call FUNCTION'");
	*ret_reg = lp_emit_reg(e);
	if (s->returns == LP_PYOP_RETURN_CONST)
		lp_emit(e, PY_CONST, .dst = *ret_reg, .n = s->constant);
	else
		lp_emit(e, PY_RETURN, .dst = *ret_reg);
	return 0;
}

/* In a cell, an argument is still one; up to 3.10 it is listed in its own place, too. */
static bool is_argument(const struct py_scope *s, const char *name)
{
	lp_vec_each (&s->locals, v)
		if (v->is_argument && !strcmp(v->name, name))
			return true;
	return false;
}

static int each_local(struct py_scope *s, bool arguments,
		      int (*fn)(const struct lp_dynamic_name *n, void *arg), void *arg)
{
	int r = 0;

	lp_vec_each (&s->locals, v) {
		const struct lp_dynamic_name n = {
			.kind = arguments ? LP_VAR_ARGUMENT : LP_VAR_LOCAL,
			.name = v->name,
		};

		/* a hidden one is mostly not there; ".0" is the iterator of a comprehension */
		if (r == 0 && !v->is_hidden && is_argument(s, v->name) == arguments &&
		    v->name[0] != '.' && find_local(s, v->name) == v)
			r = fn(&n, arg);
	}
	return r;
}

struct global_walk {
	struct py_scope *s;
	int (*fn)(const struct lp_dynamic_name *n, void *arg);
	void *arg;
};

static int each_global(uint64_t key, uint64_t value, void *arg)
{
	struct global_walk *w = arg;
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };
	struct lp_dynamic_name n = { .kind = LP_VAR_GLOBAL };

	(void)value;
	if (lp_py_text(&w->s->py->memory.memory, &w->s->py->runtime.layout, key, NAME_MAX_LEN, &b) <
		    0 ||
	    b.len == 0 || !strncmp(b.data, "__", 2))
		return 0;
	n.name = lp_arena_strdup(&w->s->arena, b.data);
	return n.name ? w->fn(&n, w->arg) : -ENOMEM;
}

static int scope_each(struct lp_scope *scope, unsigned int what,
		      int (*fn)(const struct lp_dynamic_name *n, void *arg), void *arg)
{
	struct py_scope *s = of(scope);
	struct global_walk w = { s, fn, arg };
	int r = 0;

	if (what & LP_EACH_ARGUMENTS)
		r = each_local(s, true, fn, arg);
	if (r == 0 && (what & LP_EACH_LOCALS))
		r = each_local(s, false, fn, arg);
	/* a class's or module's names are what it is made of */
	if (s->by_name && (what & LP_EACH_LOCALS))
		what |= LP_EACH_GLOBALS;
	if (r == 0 && s->globals && (what & LP_EACH_GLOBALS))
		r = lp_py_dict_each(&s->py->memory.memory, &s->py->runtime.layout, s->globals,
				    each_global, &w);
	return r > 0 ? r : r == -ENOMEM ? r : 0;
}

static const struct lp_scope_ops scope_ops = { .free = scope_free };

static const struct lp_dynamic_ops dynamic_ops = {
	.load = scope_load,
	.mangle = scope_mangle,
	.result = scope_result,
	.hash = scope_hash,
	.each = scope_each,
};

int lp_python_scope_open(struct lp_python *py, const struct lp_py_place *place, bool is_leave,
			 struct lp_scope **ret, struct lp_err *err)
{
	struct lp_py_codes *codes;
	int r = lp_py_codes_get(py, &codes, err);

	if (r < 0)
		return r;

	const struct lp_py_code *code = lp_py_code_at(codes, place->site.code);
	lp_auto(lp_scope_free) struct lp_scope *made = NULL;
	struct py_scope *s = calloc(1, sizeof(*s));
	if (!s)
		return lp_err_nomem(err);
	made = &s->scope;
	s->py = py;
	s->scope = (struct lp_scope){
		.ops = &scope_ops,
		.dynamic = &dynamic_ops,
		.function = place->function,
		.file = place->file,
		.line = place->line,
	};
	if (!code || code->name != place->site.name)
		return lp_err_set(err, ESRCH, "the code of %s is gone", place->function);
	s->by_name = !lp_py_code_is_function(code);
	s->is_leave = is_leave;
	s->globals = globals_of(py, codes, code);
	s->builtins = builtins_of(py);
	r = read_locals(s, code);
	if (r < 0)
		return r == -ENOMEM ? lp_err_nomem(err)
				    : lp_err_set(err, ESRCH, "the names of %s can't be read",
						 place->function);
	drop_inlined(s, code, place->site.unit);
	if (is_leave)
		find_return(s, code, place->site.unit);
	*ret = lp_take(made);
	return 0;
}
