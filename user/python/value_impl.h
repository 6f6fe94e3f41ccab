/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/value_impl.h
 *
 * value_impl - what the parts of the value decoder share. Each reader gets an object whose class
 * is known, and fills in *ret, which is an empty value of Python's before.
 */
#ifndef LP_PYTHON_VALUE_IMPL_H
#define LP_PYTHON_VALUE_IMPL_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/vec.h"
#include "lp/pybody.h"
#include "python/value.h"

#define LP_PV_NESTING_MAX (LP_PY_DEPTH_MAX + 16) /* objects that one is in, whatever their kind */
#define LP_PV_VALUES_MAX  65536			 /* made for one value of a record */
#define LP_PV_TEXT_MAX	  (256u << 10) /* bytes of text in it: one object may be shown often */
#define LP_PV_TABLE_MAX	  65536	       /* entries of a table looked at */
#define LP_PV_LOOKS_MAX                                                                            \
	(1u << 20) /* at such entries, for one value: a table may be damaged, and met often */

struct lp_pv_slot {
	char *name;
	uint32_t offset;
};

/* A class. */
struct lp_pv_class {
	uint64_t addr, meta, name_at, base, dict, keys;
	uint64_t str; /* tp_str, of exceptions and str; 0: could not be had */
	uint64_t flags;
	int64_t basicsize, itemsize, dictoffset;
	uint64_t slots_sum; /* of the addresses of what is in __slots__ */
	enum lp_py_kind kind;
	bool is_python;			 /* made by a class statement */
	bool has_slots;			 /* `slots` is filled in */
	bool lacks_slots;		 /* but not all of it could be had */
	bool has_order;			 /* `order` is */
	bool knows_operators, overrides; /* has it operators of its own? */
	char name[64];			 /* tp_name behind its last dot */
	char full[64];			 /* tp_name */
	LP_VEC(struct lp_pv_slot) slots;
	/* names of fields in the order of the class statement: named tuples, dataclasses */
	LP_VEC(char *) order;
	bool is_tuple;	/* `order` is _fields */
	char *qualname; /* "m.C", from the live process; NULL: not asked yet, or not to be had */
};

struct lp_pv {
	const struct lp_py_reader *r;
	const struct lp_py_layout *l;
	struct lp_py_types *types;
	uint64_t path[LP_PV_NESTING_MAX]; /* objects that we are in */
	unsigned int nesting;
	uint32_t values; /* made up to now */
	uint32_t looks;	 /* at entries of tables */
	size_t text;	 /* bytes of strings and digits in them */
	uint32_t depth;	 /* collections that we are in */
};

/* May another entry of a table be looked at? */
static inline bool lp_pv_look(struct lp_pv *p)
{
	return p->looks < LP_PV_LOOKS_MAX && ++p->looks;
}

/* Of the record. */
int lp_pv_read(struct lp_pv *p, uint64_t addr, void *buf, size_t len);
/* Of the record, else of the process. */
int lp_pv_read_class(struct lp_pv *p, uint64_t addr, void *buf, size_t len);
/* As many of the len bytes as there are. */
size_t lp_pv_read_some(struct lp_memory *m, uint64_t addr, void *buf, size_t len);

/* An object as a value, one level down. */
void lp_pv_object(struct lp_pv *p, uint64_t addr, struct lp_value *ret);
/* Room for n items; ret->len is n then, or 0. */
bool lp_pv_items(struct lp_pv *p, size_t n, struct lp_value *ret);
void lp_pv_error(struct lp_value *ret, int error, uint64_t addr, struct lp_arena *a);
/* A text in place of the value: "<module 'x'>". */
void lp_pv_text(struct lp_pv *p, struct lp_buf *text, struct lp_value *ret);
bool lp_pv_is_redacted(const struct lp_pv *p, const char *name);

/* A str as UTF-8 in the arena, NULL where it can't be had or is none. */
char *lp_pv_name(struct lp_pv *p, struct lp_memory *m, uint64_t addr);
bool lp_pv_string(struct lp_pv *p, struct lp_memory *m, uint64_t addr, struct lp_value *ret);

/* --- classes: value_class.c --- */

/* Forgets classes where there are too many: between values only. */
void lp_pv_types_trim(struct lp_py_types *t);
/* NULL where its memory can't be had. */
struct lp_pv_class *lp_pv_class(struct lp_pv *p, uint64_t type);
/* The names in __slots__ of the class and its bases, and the order of its fields. */
void lp_pv_class_fields(struct lp_pv *p, struct lp_pv_class *c);
/* Are operators of its objects not those of the builtin class that it is made from? */
bool lp_pv_class_overrides(struct lp_pv *p, struct lp_pv_class *c);
/* "m.C" or the best there is. */
const char *lp_pv_class_title(struct lp_pv *p, struct lp_pv_class *c);

/* --- tables: value_table.c --- */

struct lp_pv_pair {
	uint64_t key, value;
};

struct lp_pv_pairs {
	LP_VEC(struct lp_pv_pair);
	bool cut;
};

/* Entries in insertion order, at most max of them. values: 0, or where they lie apart. */
int lp_pv_table(struct lp_pv *p, struct lp_memory *m, uint64_t keys, uint64_t values, size_t max,
		struct lp_pv_pairs *ret);
/* The value of a str among the keys of a dict, as far as the memory has them; 0 else. */
uint64_t lp_pv_dict_get(struct lp_pv *p, struct lp_memory *m, uint64_t dict, const char *name);
/* Of the dict object. */
int lp_pv_dict_pairs(struct lp_pv *p, struct lp_memory *m, uint64_t dict, size_t max,
		     struct lp_pv_pairs *ret);
/* Of an instance: its __slots__, then its dict; names that are strs in the record. */
struct lp_pv_field {
	const char *name;
	uint64_t value;
};

struct lp_pv_fields {
	LP_VEC(struct lp_pv_field);
	bool cut;
};
int lp_pv_fields(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_pv_fields *ret);

/* --- kinds --- */

typedef void lp_pv_reader(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c,
			  struct lp_value *ret);

lp_pv_reader lp_pv_long, lp_pv_float, lp_pv_complex, lp_pv_str, lp_pv_bytes;
lp_pv_reader lp_pv_sequence, lp_pv_dict, lp_pv_set, lp_pv_deque;
lp_pv_reader lp_pv_range, lp_pv_date, lp_pv_time, lp_pv_datetime, lp_pv_delta, lp_pv_timezone,
	lp_pv_zoneinfo, lp_pv_decimal;
lp_pv_reader lp_pv_instance, lp_pv_exception, lp_pv_opaque, lp_pv_function, lp_pv_method,
	lp_pv_cfunction, lp_pv_module, lp_pv_class_object, lp_pv_generator;

/* An exception that is not made yet, or what its args will be. */
void lp_pv_raised(struct lp_pv *p, const struct lp_py_value *v, struct lp_value *ret);

/* Items from..to of a sequence, text or bytes. */
void lp_pv_slice(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, uint64_t from, uint64_t to,
		 struct lp_value *ret);

/* n pointers to objects as the items of *ret, max_items at most. */
void lp_pv_pointers(struct lp_pv *p, uint64_t addr, uint64_t n, struct lp_value *ret);

/* Is it a member of an Enum (which may be an int, a str as well)? Then as one. */
bool lp_pv_enum(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret);

/* One of those that are shown whole below the depth limit, too? */
bool lp_pv_leaf(struct lp_pv *p, uint64_t addr, struct lp_pv_class *c, struct lp_value *ret);

/* UUID, PurePath and members of an Enum are told from their fields; false: none of them. */
bool lp_pv_special(struct lp_pv *p, const struct lp_pv_class *c, const struct lp_pv_fields *f,
		   struct lp_value *ret);

#endif
