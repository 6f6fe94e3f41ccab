// SPDX-License-Identifier: GPL-2.0-only
/* From addresses to code objects: read in batches, checked, named. */
#include "python/code.h"

#include <errno.h>
#include <string.h>

#include "python/batch.h"

#define FUNC_HEAD  120
#define TUPLE_HEAD 160
#define CONSTS_MAX (1u << 20)
#define NESTED_MAX 64 /* functions in functions */

struct taking {
	struct lp_python *py;
	struct lp_py_codes *c;
	LP_VEC(struct lp_py_code) made; /* by address */
	/* by address: texts of str objects */
	struct lp_py_addrs strings;
	const char **texts;
};

/* An object that was freed has a pointer where the count was (pymalloc's list), or 0. */
static bool is_alive(const uint8_t *head)
{
	const uint64_t count = lp_py_u64_in(head, 0);

	return (uint32_t)count != 0 && (count >> 32 & 0xffff) == 0;
}

bool lp_python_has_code(struct lp_python *py, const struct lp_py_site *site)
{
	const struct lp_py_layout *l = &py->runtime.layout;
	uint8_t p[LP_PY_CODE_HEAD];

	return py->memory.memory.read(&py->memory.memory, site->code, p, sizeof(p)) >= 0 &&
	       is_alive(p) && lp_py_u64_in(p, l->ob_type) == py->runtime.type_code &&
	       lp_py_u64_in(p, l->code_name) == site->name &&
	       lp_py_u64_in(p, l->code_filename) == site->filename &&
	       lp_py_u32_in(p, l->code_firstlineno) == site->firstlineno;
}

static int compare_code(const void *a, const void *b)
{
	const struct lp_py_code *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int compare_addr(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void lp_py_addrs_sort(struct lp_py_addrs *a)
{
	size_t kept = 0;

	if (a->len > 0)
		qsort(a->data, a->len, sizeof(*a->data), compare_addr);
	for (size_t i = 0; i < a->len; i++)
		if (kept == 0 || a->data[kept - 1] != a->data[i])
			a->data[kept++] = a->data[i];
	a->len = kept;
}

struct lp_py_code *lp_py_code_at(struct lp_py_codes *c, uint64_t addr)
{
	const struct lp_py_code key = { .addr = addr };

	return c->all.len == 0 ? NULL
			       : bsearch(&key, c->all.data, c->all.len, sizeof(key), compare_code);
}

static const char *text_at(const struct taking *t, uint64_t addr)
{
	const uint64_t *at = t->strings.len == 0 ? NULL
						 : bsearch(&addr, t->strings.data, t->strings.len,
							   sizeof(addr), compare_addr);

	return at ? t->texts[at - t->strings.data] : NULL;
}

static int take_heads(struct taking *t, const struct lp_py_addrs *codes)
{
	const struct lp_py_layout *l = &t->py->runtime.layout;
	lp_auto(lp_free) uint8_t *heads = malloc(codes->len * LP_PY_CODE_HEAD + 1);

	if (!heads || lp_vec_reserve(&t->made, codes->len + 1) < 0)
		return -ENOMEM;
	lp_py_read_batch(t->py->pid, codes->data, codes->len, LP_PY_CODE_HEAD, heads);
	for (size_t i = 0; i < codes->len; i++) {
		const uint8_t *p = heads + i * LP_PY_CODE_HEAD;
		struct lp_py_code c = {
			.addr = codes->data[i],
			.name = lp_py_u64_in(p, l->code_name),
			.filename = lp_py_u64_in(p, l->code_filename),
			.consts = lp_py_u64_in(p, l->code_consts),
			.firstlineno = lp_py_u32_in(p, l->code_firstlineno),
			.flags = lp_py_u32_in(p, l->code_flags),
		};

		if (l->code_qualname != LP_PY_NONE)
			c.qualname = lp_py_u64_in(p, l->code_qualname);
		if (lp_py_u64_in(p, l->ob_type) != t->py->runtime.type_code || !is_alive(p) ||
		    !c.name || !c.filename || !c.consts || (c.name | c.filename | c.consts) & 7 ||
		    lp_py_u32_in(p, l->code_argcount) > 1u << 16 || c.firstlineno > INT32_MAX)
			continue;
		t->made.data[t->made.len++] = c;
		if (lp_vec_push(&t->strings, c.name) < 0 ||
		    lp_vec_push(&t->strings, c.filename) < 0 ||
		    (c.qualname && lp_vec_push(&t->strings, c.qualname) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* A function knows its module's dict and, what up to 3.10 its code does not, its qualified name. */
struct function {
	uint64_t code, globals, qualname;
};

static int read_functions(struct taking *t, const struct lp_py_addrs *functions,
			  struct function *ret)
{
	const struct lp_py_layout *l = &t->py->runtime.layout;
	/* PyFunctionObject: behind func_code up to 3.9, then the first member */
	const unsigned int globals = l->minor <= 9 ? l->func_code + 8u : 16;
	lp_auto(lp_free) uint8_t *heads = malloc(functions->len * FUNC_HEAD + 1);

	if (!heads)
		return -ENOMEM;
	lp_py_read_batch(t->py->pid, functions->data, functions->len, FUNC_HEAD, heads);
	for (size_t i = 0; i < functions->len; i++) {
		const uint8_t *p = heads + i * FUNC_HEAD;

		ret[i] = (struct function){ 0 };
		if (lp_py_u64_in(p, l->ob_type) != t->py->runtime.type_function || !is_alive(p))
			continue;
		ret[i].code = lp_py_u64_in(p, l->func_code);
		ret[i].globals = lp_py_u64_in(p, globals);
		ret[i].qualname = lp_py_u64_in(p, l->func_qualname);
		if (l->minor <= 10 && lp_vec_push(&t->strings, ret[i].qualname) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_texts(struct taking *t)
{
	lp_py_addrs_sort(&t->strings);
	t->texts = calloc(t->strings.len + 1, sizeof(*t->texts));
	return t->texts ? lp_py_texts_read(&t->c->texts, t->py, t->strings.data, t->strings.len,
					   t->texts)
			: -ENOMEM;
}

/* Drops what has no texts where it should, and takes the rest in. */
static int merge(struct taking *t)
{
	struct lp_py_codes *c = t->c;
	size_t kept = 0;

	lp_vec_each (&t->made, code) {
		code->file = text_at(t, code->filename);
		code->base_name = text_at(t, code->name);
		code->function = code->qualname ? text_at(t, code->qualname) : NULL;
		if (!code->file || !code->base_name || (code->qualname && !code->function))
			continue;
		struct lp_py_code *known = lp_py_code_at(c, code->addr);
		if (known)
			*known = *code;
		else
			t->made.data[kept++] = *code;
	}
	if (lp_vec_reserve(&c->all, c->all.len + kept + 1) < 0)
		return -ENOMEM;
	if (kept > 0)
		memcpy(c->all.data + c->all.len, t->made.data, kept * sizeof(*t->made.data));
	c->all.len += kept;
	if (c->all.len > 0)
		qsort(c->all.data, c->all.len, sizeof(*c->all.data), compare_code);
	return 0;
}

int lp_py_code_consts(struct lp_python *py, uint64_t consts, struct lp_py_addrs *ret)
{
	const struct lp_py_runtime *rt = &py->runtime;
	const struct lp_py_layout *l = &rt->layout;
	uint64_t length;

	if (!lp_py_is(&py->memory.memory, l, consts, rt->type_tuple) ||
	    lp_py_u64(&py->memory.memory, consts + l->ob_size, &length) < 0 ||
	    length > CONSTS_MAX || length == 0)
		return 0;

	lp_auto(lp_free) uint64_t *items = malloc(length * sizeof(*items));
	lp_auto(lp_free) uint64_t *types = malloc(length * sizeof(*types));
	lp_auto(lp_free) uint64_t *addrs = malloc(length * sizeof(*addrs));
	if (!items || !types || !addrs)
		return -ENOMEM;
	if (py->memory.memory.read(&py->memory.memory, consts + l->tuple_items, items,
				   length * sizeof(*items)) < 0)
		return 0;
	for (uint64_t i = 0; i < length; i++)
		addrs[i] = items[i] + l->ob_type;
	lp_py_read_batch(py->pid, addrs, length, sizeof(*types), types);
	for (uint64_t i = 0; i < length; i++)
		if (types[i] == rt->type_code && lp_vec_push(ret, items[i]) < 0)
			return -ENOMEM;
	return 0;
}

static void adopt(struct lp_py_codes *c, uint64_t child, const struct lp_py_code *parent)
{
	struct lp_py_code *code = lp_py_code_at(c, child);

	if (code)
		code->parent = parent->addr;
}

/* What stands in these, of which `heads` are the tuples of constants. */
static int adopt_all(struct taking *t, const uint64_t *consts, const uint8_t *heads, size_t n,
		     struct lp_py_code *const *of)
{
	const struct lp_py_layout *l = &t->py->runtime.layout;
	const uint64_t room = (TUPLE_HEAD - l->tuple_items) / 8u;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const uint8_t *p = heads + i * TUPLE_HEAD;
		const uint64_t items = lp_py_u64_in(p, l->ob_size);
		struct lp_py_addrs more = { 0 };

		if (lp_py_u64_in(p, l->ob_type) != t->py->runtime.type_tuple)
			continue;
		for (uint64_t k = 0; k < items && items <= room; k++)
			adopt(t->c, lp_py_u64_in(p, (unsigned int)(l->tuple_items + 8 * k)), of[i]);
		if (items > room)
			r = lp_py_code_consts(t->py, consts[i], &more);
		lp_vec_each (&more, addr)
			adopt(t->c, *addr, of[i]);
		lp_vec_done(&more);
	}
	return r;
}

/* Up to 3.10, where no function has told it, the name comes from what the code stands in. What is made
 * while the program runs stands in what is made with it, which has no name yet, either: not all are read
 * then.
 */
static int read_parents(struct taking *t, bool all)
{
	const size_t room = t->c->all.len + 1;
	lp_auto(lp_free) struct lp_py_code **of = calloc(room, sizeof(struct lp_py_code *));
	lp_auto(lp_free) uint64_t *consts = calloc(room, sizeof(*consts));
	size_t n = 0;

	if (!of || !consts)
		return -ENOMEM;
	lp_vec_each (&t->c->all, code) {
		if (!all && code->function)
			continue;
		of[n] = code;
		consts[n++] = code->consts;
	}

	lp_auto(lp_free) uint8_t *heads = malloc(n * TUPLE_HEAD + 1);
	if (!heads)
		return -ENOMEM;
	lp_py_read_batch(t->py->pid, consts, n, TUPLE_HEAD, heads);
	return adopt_all(t, consts, heads, n, of);
}

static int name_by_parent(struct lp_py_codes *c, struct lp_py_code *code, unsigned int depth)
{
	struct lp_py_code *parent = code->parent ? lp_py_code_at(c, code->parent) : NULL;
	lp_auto(lp_buf_done) struct lp_buf b = { 0 };

	if (code->function)
		return 0;
	if (parent && parent != code && depth < NESTED_MAX &&
	    strcmp(parent->base_name, "<module>")) {
		const int r = name_by_parent(c, parent, depth + 1);

		if (r < 0)
			return r;
		lp_buf_fmt(&b, "%s.%s", parent->function,
			   parent->flags & LP_PY_CO_OPTIMIZED ? "<locals>." : "");
	}
	lp_buf_str(&b, code->base_name);
	code->function = b.failed ? NULL : lp_py_texts_add(&c->texts, b.data, b.len);
	return code->function ? 0 : -ENOMEM;
}

/* functools.wraps() gives a function the name of another one. */
static bool is_own_name(const struct lp_py_code *code, const char *qualified)
{
	const char *dot = qualified ? strrchr(qualified, '.') : NULL;

	return qualified && !strcmp(dot ? dot + 1 : qualified, code->base_name);
}

static int name_all(struct taking *t, const struct function *functions, size_t n)
{
	struct lp_py_codes *c = t->c;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		struct lp_py_code *code = lp_py_code_at(c, functions[i].code);

		if (!code)
			continue;
		code->globals = functions[i].globals;
		const char *name = code->function ? NULL : text_at(t, functions[i].qualname);
		if (is_own_name(code, name))
			code->function = name;
	}
	if (t->py->runtime.layout.minor <= 10 && !c->is_partial)
		r = read_parents(t, n > 0);
	for (size_t i = 0; r == 0 && i < c->all.len; i++)
		r = name_by_parent(c, &c->all.data[i], 0);
	return r;
}

int lp_py_codes_take(struct lp_python *py, struct lp_py_codes *c, const struct lp_py_addrs *codes,
		     const struct lp_py_addrs *functions)
{
	const size_t n = functions ? functions->len : 0;
	lp_auto(lp_free) struct function *read = calloc(n + 1, sizeof(*read));
	struct taking t = { .py = py, .c = c };
	int r = read ? take_heads(&t, codes) : -ENOMEM;

	if (r == 0 && n > 0)
		r = read_functions(&t, functions, read);
	if (r == 0)
		r = read_texts(&t);
	if (r == 0)
		r = merge(&t);
	if (r == 0)
		r = name_all(&t, read, n);
	lp_vec_done(&t.made);
	lp_vec_done(&t.strings);
	free(t.texts);
	return r;
}
