// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "python/value_impl.h"

int lp_pv_read(struct lp_pv *p, uint64_t addr, void *buf, size_t len)
{
	return p->r->memory->read(p->r->memory, addr, buf, len);
}

int lp_pv_read_class(struct lp_pv *p, uint64_t addr, void *buf, size_t len)
{
	int r = lp_pv_read(p, addr, buf, len);

	if (r < 0 && p->r->live && p->r->live != p->r->memory)
		r = p->r->live->read(p->r->live, addr, buf, len);
	return r;
}

size_t lp_pv_read_some(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	size_t done = 0, step = len;

	/* the memory of a record is blocks, which may lie side by side */
	while (done < len && step) {
		if (step > len - done)
			step = len - done;
		if (m->read(m, addr + done, (char *)buf + done, step) < 0)
			step /= 2;
		else
			done += step;
	}
	return done;
}

void lp_pv_error(struct lp_value *ret, int error, uint64_t addr, struct lp_arena *a)
{
	const char *name = ret->name, *text = NULL;

	*ret = (struct lp_value){ .kind = LP_VAL_DEEPER, .is_python = true, .name = name };
	if (error == -ENODATA)
		return;
	text = lp_arena_fmt(a, "unreadable 0x%llx", (unsigned long long)addr);
	ret->kind = LP_VAL_ERROR;
	ret->str = text ? text : "unreadable";
}

void lp_pv_text(struct lp_pv *p, struct lp_buf *text, struct lp_value *ret)
{
	p->text += text->len;
	ret->kind = LP_VAL_OBJECT;
	ret->len = text->len;
	ret->str = text->failed || !text->len
			   ? NULL
			   : lp_arena_strndup(p->r->arena, text->data, text->len);
}

bool lp_pv_is_redacted(const struct lp_pv *p, const char *name)
{
	return p->r->is_redacted && p->r->is_redacted(p->r->redact, name, strlen(name));
}

bool lp_pv_items(struct lp_pv *p, size_t n, struct lp_value *ret)
{
	ret->len = 0;
	if (!n)
		return true;
	if (n > LP_PV_VALUES_MAX - p->values ||
	    !(ret->items = lp_arena_array(p->r->arena, struct lp_value, n))) {
		ret->cut = true;
		return false;
	}
	p->values += (uint32_t)n;
	ret->len = n;
	return true;
}

static const struct kind {
	lp_pv_reader *read;
	bool is_collection; /* counts for the depth */
} kinds[LP_PK_COUNT] = {
	[LP_PK_OPAQUE] = { lp_pv_opaque, false },
	[LP_PK_INSTANCE] = { lp_pv_instance, true },
	[LP_PK_LONG] = { lp_pv_long, false },
	[LP_PK_FLOAT] = { lp_pv_float, false },
	[LP_PK_COMPLEX] = { lp_pv_complex, false },
	[LP_PK_STR] = { lp_pv_str, false },
	[LP_PK_BYTES] = { lp_pv_bytes, false },
	[LP_PK_BYTEARRAY] = { lp_pv_bytes, false },
	[LP_PK_LIST] = { lp_pv_sequence, true },
	[LP_PK_TUPLE] = { lp_pv_sequence, true },
	[LP_PK_DICT] = { lp_pv_dict, true },
	[LP_PK_SET] = { lp_pv_set, true },
	[LP_PK_DEQUE] = { lp_pv_deque, true },
	[LP_PK_RANGE] = { lp_pv_range, false },
	[LP_PK_SLICE] = { lp_pv_range, false },
	[LP_PK_DATE] = { lp_pv_date, false },
	[LP_PK_TIME] = { lp_pv_time, false },
	[LP_PK_DATETIME] = { lp_pv_datetime, false },
	[LP_PK_DELTA] = { lp_pv_delta, false },
	[LP_PK_TIMEZONE] = { lp_pv_timezone, false },
	[LP_PK_ZONEINFO] = { lp_pv_zoneinfo, false },
	[LP_PK_DECIMAL] = { lp_pv_decimal, false },
	[LP_PK_EXCEPTION] = { lp_pv_exception, true },
	[LP_PK_FUNCTION] = { lp_pv_function, false },
	[LP_PK_METHOD] = { lp_pv_method, false },
	[LP_PK_CFUNCTION] = { lp_pv_cfunction, false },
	[LP_PK_MODULE] = { lp_pv_module, false },
	[LP_PK_CLASS] = { lp_pv_class_object, false },
	[LP_PK_GENERATOR] = { lp_pv_generator, false },
	[LP_PK_CELL] = { lp_pv_opaque, false },
};

static bool is_singleton(const struct lp_pv *p, uint64_t addr, struct lp_value *ret)
{
	const struct lp_py_runtime *rt = p->r->runtime;

	if (addr == rt->none) {
		ret->kind = LP_VAL_NULL;
	} else if (addr == rt->true_ || addr == rt->false_) {
		ret->kind = LP_VAL_BOOL;
		ret->u = addr == rt->true_;
		ret->size = 1;
	} else {
		return false;
	}
	return true;
}

static bool is_within(const struct lp_pv *p, uint64_t addr)
{
	for (unsigned int i = 0; i < p->nesting; i++)
		if (p->path[i] == addr)
			return true;
	return false;
}

/* As repr() does: [...], {...}, else ... */
static void put_cycle(enum lp_py_kind kind, struct lp_value *ret)
{
	ret->kind = kind == LP_PK_LIST	  ? LP_VAL_LIST
		    : kind == LP_PK_DICT  ? LP_VAL_MAP
		    : kind == LP_PK_TUPLE ? LP_VAL_TUPLE
					  : LP_VAL_DEEPER;
	ret->cut = true;
}

static void read_kind(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret)
{
	const struct kind *kind = &kinds[c->kind];

	bool is_below = kind->is_collection && p->depth >= p->r->max_depth;

	if (p->nesting == LP_PV_NESTING_MAX || p->values >= LP_PV_VALUES_MAX ||
	    p->text >= LP_PV_TEXT_MAX) {
		ret->kind = LP_VAL_DEEPER;
		return;
	}
	p->path[p->nesting++] = addr;
	if (!is_below) {
		p->depth += kind->is_collection;
		kind->read(p, addr, c, ret);
		p->depth -= kind->is_collection;
	} else if (c->kind != LP_PK_INSTANCE || !lp_pv_leaf(p, addr, c, ret)) {
		ret->kind = LP_VAL_DEEPER;
	}
	p->nesting--;
	ret->overrides = lp_pv_class_overrides(p, c);
	ret->is_foreign = c->is_python;
}

static struct lp_pv_class *class_of(struct lp_pv *p, uint64_t addr, struct lp_value *ret)
{
	uint64_t type = 0;
	int r = lp_pv_read(p, addr + p->l->ob_type, &type, sizeof(type));

	if (r < 0) {
		lp_pv_error(ret, r, addr, p->r->arena);
		return NULL;
	}

	struct lp_pv_class *c = lp_pv_class(p, type);
	if (!c || !kinds[c->kind].read) {
		ret->kind = LP_VAL_OBJECT;
		ret->u = addr;
		return NULL;
	}
	return c;
}

void lp_pv_object(struct lp_pv *p, uint64_t addr, struct lp_value *ret)
{
	ret->is_python = true;
	if (!addr) {
		ret->kind = LP_VAL_ERROR;
		ret->str = "NULL";
		return;
	}
	if (is_singleton(p, addr, ret))
		return;

	struct lp_pv_class *c = class_of(p, addr, ret);
	if (!c)
		return;
	if (is_within(p, addr))
		put_cycle(c->kind, ret);
	else
		read_kind(p, addr, c, ret);
}

static void read_slice(struct lp_pv *p, const struct lp_py_value *v, struct lp_value *ret)
{
	struct lp_pv_class *c = class_of(p, v->bits, ret);

	if (c)
		lp_pv_slice(p, v->bits, c, v->from, v->to, ret);
}

void lp_py_read_value(const struct lp_py_reader *r, const struct lp_py_value *v,
		      struct lp_value *ret)
{
	struct lp_pv p = { .r = r, .l = &r->runtime->layout, .types = r->types };
	struct lp_py_types *types = NULL;

	*ret = (struct lp_value){ .is_python = true, .size = 8 };
	if (!p.types)
		p.types = types = lp_py_types_new();
	if (p.types)
		lp_pv_types_trim(p.types);
	switch (p.types ? v->tag : LP_PY_TAG_COUNT) {
	case LP_PY_OBJECT:
		ret->size = 0;
		lp_pv_object(&p, v->bits, ret);
		break;
	case LP_PY_SLICE:
		ret->size = 0;
		read_slice(&p, v, ret);
		break;
	case LP_PY_RAISED:
	case LP_PY_ARGS:
		ret->size = 0;
		lp_pv_raised(&p, v, ret);
		break;
	case LP_PY_INT:
		ret->kind = LP_VAL_INT;
		ret->u = v->bits;
		break;
	case LP_PY_FLOAT:
		ret->kind = LP_VAL_FLOAT;
		ret->u = v->bits;
		break;
	case LP_PY_BOOL:
		ret->kind = LP_VAL_BOOL;
		ret->u = v->bits != 0;
		break;
	default:
		ret->kind = LP_VAL_ERROR;
		ret->str = p.types ? "unknown value" : "out of memory";
	}
	lp_py_types_free(types);
}

uint64_t lp_py_name_hash(const char *name, size_t len)
{
	uint64_t hash = LP_PY_NAME_SEED;
	size_t at = 0, n = 0;

	while (at < len) {
		uint32_t c = 0;
		size_t step = lp_utf8_decode(name + at, len - at, &c);

		if (!step)
			return 0;
		at += step;
		if (c == '_' || c == '-')
			continue;
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		hash = (hash ^ c) * LP_PY_NAME_PRIME;
		n++;
	}
	return n && n <= LP_PY_NAME_MAX ? hash : 0;
}
