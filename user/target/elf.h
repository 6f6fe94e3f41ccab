/* SPDX-License-Identifier: GPL-2.0-only */
/* user/target/elf.h
 *
 * elf - what the kernel looks at when it executes a file: class, machine, interpreter.
 * Everything else of ELF is native/'s.
 */
#ifndef LP_TARGET_ELF_H
#define LP_TARGET_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct lp_elf_info {
	bool fixed;	       /* ET_EXEC: run-time addresses are link addresses */
	char interp[PATH_MAX]; /* PT_INTERP, the dynamic loader; "": linked statically */
};

/* -ENOEXEC: not an ELF file for this machine. */
int lp_elf_info(int fd, struct lp_elf_info *ret, struct lp_err *err);

/* The interpreter of a script that begins with #!; -ENOEXEC: it isn't one. No message. */
int lp_script_interpreter(int fd, char ret[PATH_MAX]);

/* Where execvp(3) would find the command, in `path` (the variable PATH). -ENOENT, -EACCES. */
int lp_find_command(const char *command, const char *path, char ret[PATH_MAX], struct lp_err *err);

#endif
