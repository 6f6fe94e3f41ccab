/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/index.h
 *
 * index - what a module has looked up once about its symbols and units, each part at its first
 * use. For module.c, symbols.c, lines.c and functions.c alone.
 */
#ifndef LP_NATIVE_INDEX_H
#define LP_NATIVE_INDEX_H

#include "native/linetable.h"
#include "native/module.h"
#include "native/ranges.h"

/* Executable parts of the file. */
struct lp_code_range {
	struct lp_range range;
	const char *section; /* NULL: a segment of a file without sections */
};

#define LP_NO_LINES   UINT64_MAX
#define LP_KEPT_FLOWS 1024

struct lp_func_tree;

struct lp_unit {
	Dwarf *dwarf;	      /* the module's, or its dwz alternate */
	Dwarf_Off offset;     /* of its DIE */
	Dwarf_Die die;	      /* by lp_unit_die(); addr NULL: not asked for yet */
	const char *comp_dir; /* or NULL */
	uint64_t line_table;  /* offset in .debug_line; LP_NO_LINES: none */
	bool has_code;
	bool partial;		   /* no code of its own: dwz put there what several units share */
	bool go;		   /* made by the Go compiler */
	struct lp_func_tree *tree; /* by lp_unit_tree() */
	const uint32_t *
		bases; /* lp_file_hash() of its files, and LP_FILE_HAS_ROWS; by lp_rows_find(), if not from a digest */
	size_t n_bases;
	bool bases_known, bases_owned;
};

struct lp_symbol {
	uint64_t start, end; /* end == start: the size is not known */
	GElf_Sym sym;
	const char *name;     /* as in the file, without a version */
	const char *readable; /* demangled, without parameters; NULL: not asked for yet */
	bool function;	      /* else an object */
};

struct lp_flow;
struct lp_arrivals;
struct lp_labels;
struct lp_found_files;
struct lp_mentions;
struct lp_decl_files;
struct lp_row_cache;
struct lp_function_names;
struct lp_symbol_names;

struct lp_qualified_name {
	const void *origin; /* address of the DIE in its section */
	const char *name;
};

struct lp_module_index {
	LP_VEC(struct lp_code_range) code;
	LP_VEC(struct lp_unit) units;		  /* with code or not, in order */
	const struct lp_owned_range *unit_ranges; /* their owners: units */
	size_t n_unit_ranges;
	LP_VEC(struct lp_owned_range) own_ranges; /* what these are, if not a digest's */
	LP_VEC(struct lp_symbol) symbols;   /* by start; aliases adjacent, the preferred first */
	struct lp_flow *flows;		    /* LP_KEPT_FLOWS of functions, by lp_function_flow() */
	struct lp_found_files *found_files; /* by lp_rows_find() */
	void *names; /* tsearch() tree of struct lp_qualified_name, those asked for */
	struct lp_decl_files *decl_files; /* of the unit last asked for: lp_die_decl() */
	struct lp_row_cache *rows;	  /* of the unit last asked for: lp_module_line_at() */
	struct lp_line_sections lines,
		alt_lines;		     /* the dwz alternate has its own; by lp_unit_lines() */
	struct lp_arrivals *arrivals;	     /* of the function last asked for: lp_arrivals_of() */
	struct lp_labels *labels;	     /* by lp_labels_of() */
	struct lp_mentions *mentions;	     /* by native/mention.c */
	struct lp_function_names *functions; /* by lp_functions_named() */
	struct lp_symbol_names *symbol_names; /* by lp_symbols_named() */
	bool lines_tried;
	bool code_tried, units_tried, symbols_tried;
};

/* The index as it is; NULL when out of memory. */
struct lp_module_index *lp_module_index_get(struct lp_module *m);

/* The executable part that an address is in; NULL: none. */
const struct lp_code_range *lp_code_find(struct lp_module *m, uint64_t vaddr);

/* The unit that an address is in; NULL: none. */
struct lp_unit *lp_unit_find(struct lp_module *m, uint64_t vaddr);

/* Its DIE; NULL: libdw can't read it. */
Dwarf_Die *lp_unit_die(struct lp_unit *unit);

/* What .debug_info has of a unit, and perhaps of what follows; empty where that is not known. */
struct lp_span lp_unit_bytes(struct lp_module *m, const struct lp_unit *unit);

/* The index, with its units, or NULL when out of memory. */
struct lp_module_index *lp_module_units(struct lp_module *m);

/* The index, with its symbols, or NULL when out of memory. */
struct lp_module_index *lp_module_symbols(struct lp_module *m);

/* The symbol that covers an address: a function, or anything. NULL: none. */
struct lp_symbol *lp_symbol_find(struct lp_module *m, uint64_t vaddr, bool functions_only);

/* Demangled without its parameters: "ns::Cls::method". */
const char *lp_symbol_readable(struct lp_module *m, struct lp_symbol *s);

void lp_module_index_free(struct lp_module_index *index);
void lp_function_names_free(struct lp_function_names *n);
void lp_symbol_names_free(struct lp_symbol_names *n);

/* Calls fn with the symbols that can be the function of that name: equal up to the first dot, or mangled. */
int lp_symbols_named(struct lp_module *m, const char *name,
		     int (*fn)(struct lp_symbol *s, void *arg), void *arg);

#endif
