// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python/value_impl.h"

#define BUCKETS	  256  /* a power of two */
#define KNOWN_MAX 4096 /* classes remembered; more than that is a program that makes them */

/* Classes by address. An address that is another class by now is noticed by the parts of it that
 * records carry.
 */
typedef LP_VEC(struct lp_pv_class *) class_vec;

struct lp_py_types {
	class_vec buckets[BUCKETS];
	class_vec past; /* others are at their addresses now; they may be in use further out */
	size_t n;
};

struct lp_py_types *lp_py_types_new(void)
{
	return calloc(1, sizeof(struct lp_py_types));
}

static void forget(struct lp_pv_class *c)
{
	lp_vec_each (&c->slots, slot)
		free(slot->name);
	lp_vec_done(&c->slots);
	lp_vec_each (&c->order, name)
		free(*name);
	lp_vec_done(&c->order);
	free(c->qualname);
	free(c);
}

static void forget_these(class_vec *classes)
{
	lp_vec_each (classes, c)
		forget(*c);
	lp_vec_done(classes);
}

static void forget_all(struct lp_py_types *t)
{
	for (size_t i = 0; i < BUCKETS; i++)
		forget_these(&t->buckets[i]);
	forget_these(&t->past);
	t->n = 0;
}

void lp_py_types_free(struct lp_py_types *t)
{
	if (!t)
		return;
	forget_all(t);
	free(t);
}

static enum lp_py_kind known_kind(const struct lp_py_runtime *rt, uint64_t type)
{
#define KNOWN(name, member)                                                                        \
	if (type == rt->member)                                                                    \
		return LP_PK_##name;
	LP_PY_KNOWN(KNOWN)
#undef KNOWN
	return LP_PK_UNKNOWN;
}

static enum lp_py_kind flagged_kind(uint64_t flags)
{
#define FLAGGED(name, flag)                                                                        \
	if (flags & (flag))                                                                        \
		return LP_PK_##name;
	LP_PY_FLAGGED(FLAGGED)
#undef FLAGGED
	return LP_PK_UNKNOWN;
}

static enum lp_py_kind named_kind(const char *name)
{
#define NAMED(kind, text)                                                                          \
	if (!strcmp(name, text))                                                                   \
		return LP_PK_##kind;
	LP_PY_NAMED(NAMED)
#undef NAMED
	return LP_PK_UNKNOWN;
}

/* What makes it this class and no other that has come to the same address. */
static int read_stamp(struct lp_pv *p, uint64_t type, bool live, struct lp_pv_class *ret)
{
	const struct lp_py_layout *l = p->l;
	int (*read)(struct lp_pv * p, uint64_t addr, void *buf, size_t len) =
		live ? lp_pv_read_class : lp_pv_read;
	int r = read(p, type + l->tp_name, &ret->name_at, 8);

	if (r >= 0)
		r = read(p, type + l->tp_basicsize, &ret->basicsize, 8);
	if (r >= 0)
		r = read(p, type + l->tp_base, &ret->base, 8);
	if (r >= 0)
		r = read(p, type + l->tp_dict, &ret->dict, 8);
	return r;
}

/* Sums up which strs __slots__ of the class names; 0: there are none, or they can't be had. */
static uint64_t sum_slots(struct lp_pv *p, uint64_t type)
{
	uint64_t names = 0, n = 0, sum = 0, words[LP_PY_SLOTS_MAX];

	if (lp_pv_read_class(p, type + p->l->ht_slots, &names, 8) < 0 || !names ||
	    lp_pv_read_class(p, names + p->l->ob_size, &n, 8) < 0)
		return 0;
	if (n > LP_PY_SLOTS_MAX)
		n = LP_PY_SLOTS_MAX;
	if (lp_pv_read_class(p, names + p->l->tuple_items, words, n * 8) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ words[i]) * 0x100000001b3ull;
	return sum ^ names;
}

/* Has the record another name or other slots? All else can lie where that of a class lay that is gone. */
static bool is_another(struct lp_pv *p, const struct lp_pv_class *known)
{
	char name[sizeof(known->full)];
	int cut;
	long n = p->r->memory->read_string(p->r->memory, known->name_at, name, sizeof(name) - 1,
					   &cut);

	return n >= 0 &&
	       (strlen(known->full) != (size_t)n || memcmp(known->full, name, (size_t)n) != 0 ||
		known->slots_sum != sum_slots(p, known->addr));
}

static bool is_same(struct lp_pv *p, const struct lp_pv_class *known, const struct lp_pv_class *now)
{
	return known->name_at == now->name_at && known->basicsize == now->basicsize &&
	       known->base == now->base && known->dict == now->dict &&
	       !(known->is_python && is_another(p, known));
}

/* The C string at addr, of the record or the process. */
static bool read_name(struct lp_pv *p, uint64_t addr, char *buf, size_t size)
{
	struct lp_memory *const from[] = { p->r->memory, p->r->live };

	for (size_t i = 0; i < LP_ARRAY_SIZE(from); i++) {
		int cut = 0;
		long n = from[i] ? from[i]->read_string(from[i], addr, buf, size - 1, &cut) : -1;

		if (n >= 0 && (size_t)n < size) {
			buf[n] = '\0';
			return true;
		}
	}
	return false;
}

static void read_rest(struct lp_pv *p, struct lp_pv_class *c)
{
	const struct lp_py_layout *l = p->l;

	if (lp_pv_read_class(p, c->addr + l->ob_type, &c->meta, 8) < 0)
		c->meta = 0;
	if (lp_pv_read_class(p, c->addr + l->tp_itemsize, &c->itemsize, 8) < 0)
		c->itemsize = 0;
	if (lp_pv_read_class(p, c->addr + l->tp_dictoffset, &c->dictoffset, 8) < 0)
		c->dictoffset = 0;
	if (lp_pv_read_class(p, c->addr + l->tp_flags, &c->flags, 8) < 0)
		c->flags = 0;
	if (lp_pv_read_class(p, c->addr + l->tp_str, &c->str, 8) < 0)
		c->str = 0;
	if (!read_name(p, c->name_at, c->full, sizeof(c->full)))
		/* no record has it, and the process may have ended */
		strcpy(c->full, c->addr == p->r->runtime->type_frozenset ? "frozenset" : "?");

	const char *dot = strrchr(c->full, '.');
	memcpy(c->name, dot ? dot + 1 : c->full, strlen(dot ? dot + 1 : c->full) + 1);
	c->is_python = c->flags & LP_PY_TP_HEAPTYPE && !dot;
	if (!c->is_python)
		return;
	if (lp_pv_read_class(p, c->addr + l->ht_cached_keys, &c->keys, 8) < 0)
		c->keys = 0;
	c->slots_sum = sum_slots(p, c->addr);
}

/* As bpf/pytype.h finds it. */
static enum lp_py_kind find_kind(struct lp_pv *p, const struct lp_pv_class *c)
{
	enum lp_py_kind kind = flagged_kind(c->flags);
	uint64_t base = c->base;
	char name[64];

	if (!kind)
		kind = named_kind(c->full);
	for (int i = 0; !kind && base && base != p->r->runtime->type_object; i++) {
		uint64_t name_at = 0, flags = 0;

		kind = known_kind(p->r->runtime, base);
		if (kind || i == LP_PY_BASES_MAX ||
		    lp_pv_read_class(p, base + p->l->tp_name, &name_at, 8) < 0 ||
		    lp_pv_read_class(p, base + p->l->tp_flags, &flags, 8) < 0 ||
		    !read_name(p, name_at, name, sizeof(name)))
			break;
		kind = flagged_kind(flags);
		if (!kind)
			kind = named_kind(name);
		if (lp_pv_read_class(p, base + p->l->tp_base, &base, 8) < 0)
			break;
	}
	if (!kind)
		kind = LP_PK_OPAQUE;
	return kind == LP_PK_OPAQUE && c->is_python ? LP_PK_INSTANCE : kind;
}

void lp_pv_types_trim(struct lp_py_types *t)
{
	if (t->n >= KNOWN_MAX)
		forget_all(t);
}

static class_vec *bucket_of(struct lp_py_types *t, uint64_t type)
{
	return &t->buckets[type >> 4 & (BUCKETS - 1)];
}

static struct lp_pv_class *known_class(struct lp_py_types *t, uint64_t type)
{
	lp_vec_each (bucket_of(t, type), c)
		if ((*c)->addr == type)
			return *c;
	return NULL;
}

/* It is kept until lp_pv_types_trim(). */
static int retire(struct lp_py_types *t, struct lp_pv_class *c)
{
	class_vec *bucket = bucket_of(t, c->addr);

	if (lp_vec_push(&t->past, c) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < bucket->len; i++)
		if (bucket->data[i] == c) {
			bucket->data[i] = bucket->data[--bucket->len];
			break;
		}
	return 0;
}

static int remember(struct lp_py_types *t, const struct lp_pv_class *c, struct lp_pv_class **ret)
{
	lp_auto(lp_free) struct lp_pv_class *made = malloc(sizeof(*made));

	if (!made || lp_vec_push(bucket_of(t, c->addr), made) < 0)
		return -ENOMEM;
	*made = *c;
	t->n++;
	*ret = lp_take(made);
	return 0;
}

struct lp_pv_class *lp_pv_class(struct lp_pv *p, uint64_t type)
{
	const enum lp_py_kind kind = known_kind(p->r->runtime, type);
	struct lp_pv_class now = { .addr = type }, *c = known_class(p->types, type);

	if (c && (kind || read_stamp(p, type, false, &now) < 0 || is_same(p, c, &now)))
		return c;
	if (read_stamp(p, type, true, &now) < 0 && !kind)
		return NULL;
	if ((c && retire(p->types, c) < 0) || remember(p->types, &now, &c) < 0)
		return NULL;
	read_rest(p, c);
	c->kind = kind ? kind : find_kind(p, c);
	return c;
}

/* A str of the record or the process. */
static char *name_at(struct lp_pv *p, uint64_t at)
{
	char *name = lp_pv_name(p, p->r->memory, at);

	return name || !p->r->live ? name : lp_pv_name(p, p->r->live, at);
}

/* The names in a tuple of strs, of the record or the process; negative where some can't be had. */
static int each_name(struct lp_pv *p, uint64_t tuple, size_t max,
		     void (*fn)(void *arg, size_t i, const char *name), void *arg)
{
	uint64_t n = 0;

	int r = lp_pv_read_class(p, tuple + p->l->ob_size, &n, 8);
	for (size_t i = 0; r >= 0 && i < n && i < max; i++) {
		uint64_t at = 0, item = tuple + p->l->tuple_items + i * 8;

		r = lp_pv_look(p) ? lp_pv_read_class(p, item, &at, 8) : -E2BIG;

		const char *name = r < 0 ? NULL : name_at(p, at);
		if (name)
			fn(arg, i, name);
		else
			r = -EFAULT;
	}
	return r;
}

struct slots_of {
	struct lp_pv_class *c;
	uint32_t start;
};

static void add_slot(void *arg, size_t i, const char *name)
{
	struct slots_of *s = arg;
	struct lp_pv_slot slot = { strdup(name), s->start + (uint32_t)i * 8 };

	if (!slot.name || lp_vec_push(&s->c->slots, slot) < 0)
		free(slot.name);
}

/* Slots of a base lie before those of the class. */
static void add_slots(struct lp_pv *p, struct lp_pv_class *c, uint64_t type, int nesting)
{
	uint64_t base = 0, names = 0, flags = 0;
	int64_t start = 0;

	if (nesting == LP_PY_BASES_MAX ||
	    lp_pv_read_class(p, type + p->l->tp_flags, &flags, 8) < 0 ||
	    !(flags & LP_PY_TP_HEAPTYPE) || lp_pv_read_class(p, type + p->l->tp_base, &base, 8) < 0)
		return;
	if (lp_pv_read_class(p, type + p->l->ht_slots, &names, 8) < 0) {
		c->lacks_slots = true;
		return;
	}
	if (base == p->r->runtime->type_object)
		start = p->l->ob_size; /* a PyObject, and nothing else */
	else
		add_slots(p, c, base, nesting + 1);
	if (!names)
		return;
	if ((!start && lp_pv_read_class(p, base + p->l->tp_basicsize, &start, 8) < 0) ||
	    start < 16 || start > UINT16_MAX ||
	    each_name(p, names, LP_PY_SLOTS_MAX, add_slot,
		      &(struct slots_of){ c, (uint32_t)start }) < 0)
		c->lacks_slots = true;
}

static void add_order(void *arg, size_t i, const char *name)
{
	struct lp_pv_class *c = arg;
	char *copy = strdup(name);

	(void)i;
	if (!copy || lp_vec_push(&c->order, copy) < 0)
		free(copy);
}

/* Does the process have this class still, or again? */
static bool is_alive(struct lp_pv *p, const struct lp_pv_class *c)
{
	struct lp_pv live = *p;
	struct lp_py_reader reader = *p->r;
	struct lp_pv_class now = { .addr = c->addr };

	reader.memory = p->r->live;
	live.r = &reader;
	return p->r->live && read_stamp(&live, c->addr, false, &now) >= 0 &&
	       is_same(&live, c, &now);
}

/* An attribute of a class, or of one that it is made from, with that dict: as far as it is in the record,
 * or of the process.
 */
static uint64_t class_get(struct lp_pv *p, const struct lp_pv_class *c, uint64_t dict,
			  const char *name)
{
	struct lp_pv_pairs pairs = { 0 };
	uint64_t found = dict ? lp_pv_dict_get(p, p->r->memory, dict, name) : 0;

	if (found)
		return found;
	if (!dict || !is_alive(p, c) ||
	    lp_pv_dict_pairs(p, p->r->live, dict, LP_PV_TABLE_MAX, &pairs) < 0)
		goto out;
	lp_vec_each (&pairs, pair) {
		const char *key = lp_pv_name(p, p->r->live, pair->key);

		if (key && !strcmp(key, name)) {
			found = pair->value;
			break;
		}
	}
out:
	lp_vec_done(&pairs);
	return found;
}

static void order_of_dataclass(struct lp_pv *p, struct lp_pv_class *c)
{
	struct lp_pv_pairs pairs = { 0 };
	uint64_t fields = class_get(p, c, c->dict, "__dataclass_fields__");

	if (fields && lp_pv_dict_pairs(p, p->r->live, fields, LP_PV_TABLE_MAX, &pairs) >= 0)
		lp_vec_each (&pairs, pair) {
			const char *key = lp_pv_name(p, p->r->live, pair->key);

			if (key)
				add_order(c, 0, key);
		}
	lp_vec_done(&pairs);
}

/* Is it a tuple, as far as it can be seen? */
static bool is_tuple(struct lp_pv *p, uint64_t addr)
{
	uint64_t type = 0;

	return lp_pv_read_class(p, addr + p->l->ob_type, &type, 8) >= 0 &&
	       type == p->r->runtime->type_tuple;
}

void lp_pv_class_fields(struct lp_pv *p, struct lp_pv_class *c)
{
	if (!c->is_python)
		return;
	if (!c->has_slots) {
		c->has_slots = true;
		add_slots(p, c, c->addr, 0);
	}
	if (c->has_order)
		return;
	c->has_order = p->r->live;
	c->is_tuple = c->kind == LP_PK_TUPLE;

	/* a subclass of a named tuple has the fields of its base */
	uint64_t dict = c->dict, base = c->base;
	for (int i = 0; c->is_tuple && i < LP_PY_BASES_MAX; i++) {
		uint64_t fields = class_get(p, c, dict, "_fields");

		if (fields && is_tuple(p, fields)) {
			each_name(p, fields, LP_PV_TABLE_MAX, add_order, c);
			c->has_order = true;
			break;
		}
		if (base == p->r->runtime->type_tuple ||
		    lp_pv_read_class(p, base + p->l->tp_dict, &dict, 8) < 0 ||
		    lp_pv_read_class(p, base + p->l->tp_base, &base, 8) < 0)
			break;
	}
	if (!c->is_tuple && c->slots.len)
		order_of_dataclass(p, c);
}

#define NUMBER_SLOTS 31 /* of PyNumberMethods (Include/cpython/object.h), up to nb_true_divide */

/* Operators in a group that may not be there; those of `+=` and the like are none. */
static bool read_operators(struct lp_pv *p, uint64_t type, uint64_t *ret)
{
	uint64_t group = 0;

	memset(ret, 0, (NUMBER_SLOTS + 1) * sizeof(*ret));
	if (lp_pv_read_class(p, type + p->l->tp_as_number, &group, 8) < 0 ||
	    lp_pv_read_class(p, type + p->l->tp_richcompare, &ret[NUMBER_SLOTS], 8) < 0)
		return false;
	if (group && lp_pv_read_class(p, group, ret, NUMBER_SLOTS * 8) < 0)
		return false;
	memset(&ret[16], 0, 13 * sizeof(*ret));
	return true;
}

static uint64_t builtin_of(const struct lp_py_runtime *rt, enum lp_py_kind kind)
{
	switch (kind) {
	case LP_PK_LONG:
		return rt->type_long;
	case LP_PK_FLOAT:
		return rt->type_float;
	case LP_PK_STR:
		return rt->type_str;
	case LP_PK_BYTES:
		return rt->type_bytes;
	case LP_PK_LIST:
		return rt->type_list;
	case LP_PK_TUPLE:
		return rt->type_tuple;
	default:
		return 0;
	}
}

bool lp_pv_class_overrides(struct lp_pv *p, struct lp_pv_class *c)
{
	uint64_t own[NUMBER_SLOTS + 1], builtin[NUMBER_SLOTS + 1];
	uint64_t base = builtin_of(p->r->runtime, c->kind);

	if (known_kind(p->r->runtime, c->addr))
		return false;
	if (c->knows_operators || !base)
		return !base || c->overrides;
	/* what can't be seen may be there */
	if (!is_alive(p, c) || !read_operators(p, c->addr, own) ||
	    !read_operators(p, base, builtin))
		return true;
	c->overrides = memcmp(own, builtin, sizeof(own)) != 0;
	c->knows_operators = true;
	return c->overrides;
}

const char *lp_pv_class_title(struct lp_pv *p, struct lp_pv_class *c)
{
	uint64_t at = 0;

	if (!c->is_python || c->qualname)
		return c->qualname ? c->qualname : c->full;
	if (lp_pv_read_class(p, c->addr + p->l->ht_qualname, &at, 8) < 0)
		return c->full;

	const char *name = name_at(p, at);
	const char *module = name_at(p, class_get(p, c, c->dict, "__module__"));
	if (!name || !module)
		return name ? name : c->full;
	if (!strcmp(module, "builtins"))
		c->qualname = strdup(name);
	else if (asprintf(&c->qualname, "%s.%s", module, name) < 0)
		c->qualname = NULL;
	return c->qualname ? c->qualname : c->full;
}
