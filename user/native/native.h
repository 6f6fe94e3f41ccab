/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/native.h
 *
 * native - ELF files with DWARF or only symbols: where a location is, what is in scope there.
 *
 * All addresses are link addresses (as in the file: p_vaddr); the load bias is the kernel side's
 * and the session's business. A module is opened once, from a descriptor, and may be shared by
 * many processes. Debug information is found lazily: build-id folders, .gnu_debuglink, dwz
 * alternate files, debuginfod where DEBUGINFOD_URLS is set.
 */
#ifndef LP_NATIVE_H
#define LP_NATIVE_H

#include "base/auto.h"
#include "base/err.h"
#include "base/vec.h"
#include "expr/location.h"
#include "expr/scope.h"

struct lp_module; /* native/module.h */

struct lp_module_opts {
	const char *root; /* the target's root as we see it ("/proc/4711/root"), or NULL */
};

/* fd is only borrowed. path is for messages and for finding debug information beside it. */
int lp_module_open(int fd, const char *path, const struct lp_module_opts *opts,
		   struct lp_module **ret, struct lp_err *err);
void lp_module_free(struct lp_module *m);
LP_CLEANUP(struct lp_module *, lp_module_free)

const char *lp_module_path(const struct lp_module *m);

/* Has it line tables and variables, and from which file; *ret_path may be NULL. */
bool lp_module_has_dwarf(struct lp_module *m, const char **ret_path);

/* One address that a location means. Strings belong to the module. */
struct lp_place {
	uint64_t vaddr;	      /* link address of the instruction */
	uint64_t offset;      /* in the file: what a uprobe wants */
	uint64_t semaphore;   /* file offset of a static probe's counter; 0: none */
	const char *function; /* readable name ("ns::Cls::method(int)" as "ns::Cls::method"), the
			       * inlined one where inlined; NULL: not known */
	const char *file;     /* full path as the debug information has it; NULL */
	int line;	      /* 0: not known */
	bool inlined;
	bool no_return_probe;  /* Go: a return probe would move its stack */
	uint64_t function_die; /* offset in .debug_info of the subprogram or inlined_subroutine
				* that the place belongs to; 0: none */
	const char *usdt_args; /* of a static probe, as in its note: "-4@%eax 8@-8(%rbp)" */
};

struct lp_places {
	LP_VEC(struct lp_place);
};

/* Every address of a location, in address order, each checked to be an instruction boundary.
 * -ENOENT: this module has no such file, function or probe;
 * -ESRCH:  the file is here but the line has no code: the message names the nearest that have;
 * -EEXIST: several files end in that name: the message lists them;
 * -EINVAL: the address is not the start of an instruction.
 * For `return` and `call`, places are function entries (inlined copies are named in the error or
 * skipped where there is an out-of-line one: *ret_inlined counts them).
 * LP_AT_ADDRESS is resolved with location->offset as a link address.
 */
int lp_module_resolve(struct lp_module *m, const struct lp_location *location,
		      struct lp_places *ret, size_t *ret_inlined, struct lp_err *err);

enum lp_scope_half {
	LP_SCOPE_HERE,	/* at place->vaddr, before the instruction */
	LP_SCOPE_LEAVE, /* right after the function at place->vaddr has returned */
	LP_SCOPE_FRAME, /* at place->vaddr, to be read from registers and a copy of the stack */
};

int lp_scope_open(struct lp_module *m, const struct lp_place *place, enum lp_scope_half half,
		  struct lp_scope **ret, struct lp_err *err);

/* `logpoint list`. fn != 0 stops and is returned. */
struct lp_function_info {
	const char *name, *file;
	int line;
	uint64_t vaddr;
	bool inlined_only; /* no out-of-line copy */
	bool has_dwarf;	   /* else an ELF symbol */
};
int lp_module_each_function(struct lp_module *m,
			    int (*fn)(const struct lp_function_info *f, void *arg), void *arg,
			    struct lp_err *err);
int lp_module_each_file(struct lp_module *m, int (*fn)(const char *path, void *arg), void *arg,
			struct lp_err *err);
/* Lines with code of the one file that `file` matches, ascending; -ENOENT, -EEXIST as resolve. */
int lp_module_each_line(struct lp_module *m, const char *file,
			int (*fn)(int line, size_t n_places, void *arg), void *arg,
			const char **ret_path, struct lp_err *err);

/* The function that contains a link address, and the offset in it; NULL if unknown. */
const char *lp_module_symbol(struct lp_module *m, uint64_t vaddr, uint64_t *ret_offset);

/* File offset of a function that has this very name in the symbol table, without looking at other
 * debug information. -ENOENT.
 */
int lp_module_symbol_offset(struct lp_module *m, const char *name, uint64_t *ret);

/* File offset of a link address; -ENOENT outside of the file. */
int lp_module_offset(struct lp_module *m, uint64_t vaddr, uint64_t *ret);

/* The bias between link and run-time addresses for a mapping of this file. */
uint64_t lp_module_bias(const struct lp_module *m, uint64_t map_start, uint64_t map_offset);

#endif
