/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/inventory.h
 *
 * inventory - the processes that are targets and the files that they execute. A file is opened
 * once, however many processes map it and by whatever path, and stays open: its descriptor is what
 * probes are attached through, also when the path leads elsewhere by then.
 */
#ifndef LP_SESSION_INVENTORY_H
#define LP_SESSION_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"
#include "native/native.h"
#include "target/elf.h"
#include "target/process.h"
#include "target/symfile.h"

enum lp_tristate { LP_UNKNOWN, LP_NO, LP_YES };

struct lp_file {
	int fd;
	char *path;	  /* as the process that brought it sees it */
	const char *name; /* its last component */
	char fd_path[32]; /* "/proc/self/fd/N" */
	dev_t dev;	  /* of the descriptor, by fstat(2) */
	ino_t ino;
	struct lp_module *module; /* NULL: not a file that can be logged; `why` */
	char *why;
	bool dynamic;		 /* names a loader: libraries can come later */
	bool fixed;		 /* run-time addresses are link addresses */
	bool resolved;		 /* every logpoint was looked up in it */
	bool postponed;		 /* but for those that are postponed */
	enum lp_tristate python; /* holds an interpreter; its symbols */
	struct lp_symfile *symbols;
	enum lp_tristate aborts; /* is a C library that keeps the message of abort() */
	uint64_t abort_message;	 /* link address of the pointer to it */
};

struct lp_mapping {
	uint64_t start, end, offset;
	struct lp_file *file;
};

struct lp_proc {
	struct lp_process_info info;
	int pidfd;
	struct lp_file *exe;		/* NULL: not known */
	LP_VEC(struct lp_mapping) maps; /* of code, in address order */
	struct lp_process_memory memory;
	uint64_t began; /* CLOCK_MONOTONIC, ns: seen first, or became the program that it is */
};

struct lp_file_alias { /* maps and stat(2) disagree on some filesystems */
	dev_t dev;
	ino_t ino;
	struct lp_file *file;
};

struct lp_inventory {
	LP_VEC(struct lp_file *) files;
	LP_VEC(struct lp_file_alias) aliases;
	LP_VEC(struct lp_proc *) procs; /* by pid */
};

void lp_inventory_done(struct lp_inventory *inv);
LP_CLEANUP_DONE(struct lp_inventory, lp_inventory_done)

/* Checks the process and reads its mappings; one that is known is only read again. -EINVAL: it
 * can't be a target (or is gone); -EPERM.
 */
int lp_inventory_add_process(struct lp_inventory *inv, pid_t pid, struct lp_proc **ret,
			     struct lp_err *err);
/* A child that has ended before it could be looked at: it had what its parent has. -ESRCH: that is not
 * known.
 */
int lp_inventory_add_forked(struct lp_inventory *inv, pid_t pid, pid_t parent, struct lp_err *err);
/* What the kernel has told of a process that may be gone: where one of the files that are known lies. */
struct lp_crash_map;
void lp_inventory_note_map(struct lp_inventory *inv, pid_t pid, const struct lp_crash_map *m);
void lp_inventory_remove_process(struct lp_inventory *inv, pid_t pid);
/* Nothing of it can be read any more. */
bool lp_inventory_ended(struct lp_inventory *inv, pid_t pid);
struct lp_proc *lp_inventory_process(struct lp_inventory *inv, pid_t pid);

/* A file that no process maps yet. -ENOEXEC: not one that can be logged. */
int lp_inventory_add_file(struct lp_inventory *inv, const char *path, struct lp_file **ret,
			  struct lp_err *err);

/* The mapping that contains a run-time address; NULL. */
const struct lp_mapping *lp_proc_mapping(const struct lp_proc *p, uint64_t addr);

/* Run-time address to link address within a mapping. */
uint64_t lp_mapping_vaddr(const struct lp_mapping *m, uint64_t addr);

/* Is the file mapped by any process? */
bool lp_inventory_in_use(const struct lp_inventory *inv, const struct lp_file *f);

#endif
