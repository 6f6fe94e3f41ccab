/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/naming.h
 *
 * naming - in which units can there be a function of a name, or a variable, or a type? Told from the bytes of
 * .debug_info, before libdw looks at any: a unit that a name's place in .debug_str does not occur in has none, unless it
 * refers to one in another unit; those that refer there are looked for in turn. Of the others the DIEs are read
 * (native/skim.h). What it can say of a file at all is for mention.c to tell.
 */
#ifndef LP_NATIVE_NAMING_H
#define LP_NATIVE_NAMING_H

#include <dwarf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "native/digest.h"
#include "native/linetable.h"
#include "native/names.h"
#include "native/skim.h"

#define LP_NAMING_FUNCTIONS LP_SKIM_TAG(DW_TAG_subprogram)
#define LP_NAMING_VARIABLES (LP_SKIM_TAG(DW_TAG_variable) | LP_SKIM_TAG(DW_TAG_member))
#define LP_NAMING_TYPES                                                                            \
	(LP_SKIM_TAG(DW_TAG_typedef) | LP_SKIM_TAG(DW_TAG_base_type) |                             \
	 LP_SKIM_TAG(DW_TAG_unspecified_type))
#define LP_NAMING_STRUCTS                                                                          \
	(LP_SKIM_TAG(DW_TAG_structure_type) | LP_SKIM_TAG(DW_TAG_class_type) |                     \
	 LP_SKIM_TAG(DW_TAG_union_type) | LP_SKIM_TAG(DW_TAG_interface_type) |                     \
	 LP_SKIM_TAG(DW_TAG_enumeration_type))
#define LP_NAMING_ENUMERATORS LP_SKIM_TAG(DW_TAG_enumerator)
#define LP_NAMING_ANYTHING                                                                         \
	(LP_NAMING_FUNCTIONS | LP_NAMING_VARIABLES | LP_NAMING_TYPES | LP_NAMING_STRUCTS |         \
	 LP_NAMING_ENUMERATORS)

/* Sections that are not compressed, by their places in the file. */
struct lp_naming_file {
	int fd;
	uint64_t info, info_len, str, str_len;
	struct lp_span abbrevs;
	size_t inline_max; /* names up to that length can be in .debug_info itself */
	bool far;	   /* what is looked for can refer to more of it in other units */
	const struct lp_digest *digest; /* NULL: none */
	struct lp_span names; /* .debug_names, of functions; then str_data is .debug_str */
	struct lp_span str_data;
};

struct lp_named_unit {
	uint64_t start, end; /* in .debug_info */
	bool declared;	     /* and no more than that: LP_SKIM_DECLARED */
};

struct lp_naming {
	char *name; /* what was asked for */
	uint64_t tags;
	bool known;   /* else all units can have one */
	bool partial; /* without units that only declare one, and with some that have none */
	LP_VEC(struct lp_named_unit) units;
};

/* Calls fn with each unit until it returns something else than 0, which is returned. -ENOTSUP: a unit of a kind that is not
 * known; -EIO.
 */
int lp_naming_each_unit(const struct lp_naming_file *f,
			int (*fn)(uint64_t start, uint64_t end, void *arg), void *arg);

/* Also where nothing can be told. NULL when out of memory. */
struct lp_naming *lp_naming_new(const struct lp_naming_file *f, const struct lp_name_pattern *p,
				uint64_t tags);
void lp_naming_free(struct lp_naming *n);

/* Is there a text somewhere in the strings? Also where they can't be read. */
bool lp_naming_has_text(const struct lp_naming_file *f, const char *text);

/* Whether the unit with a DIE at that offset is one of them; NULL: it isn't. */
const struct lp_named_unit *lp_naming_find(const struct lp_naming *n, uint64_t die);

#endif
