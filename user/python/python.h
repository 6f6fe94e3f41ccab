/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/python.h
 *
 * python - the CPython interpreter of one live process, read from outside: where it lies, its code
 * objects, which code unit a location means, what is in scope there.
 *
 * Nothing is trusted that was read: a structure counts when what it points to is what it should be.
 * The process goes on meanwhile, so that a second reading may differ; a code object that changed
 * is one that is not there.
 */
#ifndef LP_PYTHON_USER_H
#define LP_PYTHON_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/vec.h"
#include "expr/location.h"
#include "expr/scope.h"
#include "lp/python.h"

struct lp_python;

/* -ENOENT: no CPython in this process; -ENOTSUP: one that can't be logged (a debug or free-threaded
 * build, PyPy, a version without a layout): the message says which; -EBADMSG: it is not what a release
 * build is, nor is one that is being made; -EAGAIN: it has just started and is not initialised yet; -ESTALE, -EPERM, -ESRCH as target/.
 */
int lp_python_open(pid_t pid, struct lp_python **ret, struct lp_err *err);
void lp_python_free(struct lp_python *py);
LP_CLEANUP(struct lp_python *, lp_python_free)

pid_t lp_python_pid(const struct lp_python *py);
/* "3.11.2" and the path of the file that holds the interpreter, as the process sees it. */
const char *lp_python_version(const struct lp_python *py);
const char *lp_python_file(const struct lp_python *py);
const struct lp_py_runtime *lp_python_runtime(const struct lp_python *py);
/* The process's memory. */
struct lp_memory *lp_python_memory(struct lp_python *py);

/* How an interpreter will lay out its structures, by its file alone. -ENOENT, -ENOTSUP. */
int lp_python_layout_in(int fd, const char *path, struct lp_py_layout *ret);
/* The process has ended, and one that it has forked goes on: what was found lies there, too. */
void lp_python_move(struct lp_python *py, pid_t pid);

/* Looks again for what can come later: asyncio, threading. True where the runtime has changed. */
bool lp_python_refresh(struct lp_python *py);

/* The hash of a str (text is UTF-8) or bytes as this process computes it, -1 as -2 (no other build than siphash or fnv,
 * without Py_HASH_CUTOFF, was ever released).
 */
uint64_t lp_python_hash(const struct lp_python *py, const char *text, size_t len, bool is_bytes);

/* Where code objects are made: the file (as lp_python_file()) and the offset in it. -ENOENT. */
int lp_python_code_maker(struct lp_python *py, uint64_t *ret_offset, struct lp_err *err);

/* A function of the interpreter's own code: its offset in the file. -ENOENT. */
int lp_python_function_offset(struct lp_python *py, const char *name, uint64_t *ret,
			      struct lp_err *err);

/* What a name of a class stands for now: "builtins.OSError" of "IOError", "requests.exceptions.Timeout" of
 * "requests.Timeout". -ENOENT: it is neither a builtin's nor a module's; -ENOMEM.
 */
struct lp_buf;
int lp_python_class_name(struct lp_python *py, const char *name, struct lp_buf *ret);
/* The number of a class's full name, or of an end of it (struct lp_py_wanted_key). */
uint64_t lp_python_class_hash(const char *name);

/* One code unit that a location means. Strings belong to the lp_python. */
struct lp_py_place {
	uint64_t watch;		/* address of the byte to watch */
	struct lp_py_site site; /* all but runtime */
	const char *function;	/* qualified name: "Cart.total", "outer.<locals>.inner" */
	const char *file;	/* co_filename */
	int line;
	bool is_return; /* the return half of `return` and `call` */
	/* An entry whose unit a loop comes back to, up to 3.10: it is hit where the function is
	 * called (lp_python_steps()), and by no watchpoint.
	 */
	bool by_call;
};

struct lp_py_places {
	LP_VEC(struct lp_py_place);
};

/* Every code unit of a location in the code objects of the process, in address order. `return` and
 * `call` give the entry's place first, then one for each return instruction.
 * -ENOENT: no such file or function here (yet); -ESRCH: the line has no code: the message names
 * the nearest lines that have; -EEXIST: several files end in that name: the message lists them;
 * -ENOTSUP: there are no starts that can be told.
 */
int lp_python_resolve(struct lp_python *py, const struct lp_location *location,
		      struct lp_py_places *ret, struct lp_err *err);
/* The same in one code object that has just been made, and in those among its constants. */
int lp_python_resolve_in(struct lp_python *py, uint64_t code, const struct lp_location *location,
			 struct lp_py_places *ret, struct lp_err *err);
/* Is the code object of a site still there? */
bool lp_python_has_code(struct lp_python *py, const struct lp_py_site *site);
/* Scans the memory again for code objects. */
int lp_python_scan(struct lp_python *py, struct lp_err *err);

/* is_leave: what is in scope when the function at the place returns. */
int lp_python_scope_open(struct lp_python *py, const struct lp_py_place *place, bool is_leave,
			 struct lp_scope **ret, struct lp_err *err);

/* What is in scope where an exception is raised: names are looked for at the hit. */
int lp_python_trap_scope_open(struct lp_python *py, struct lp_scope **ret, struct lp_err *err);

/* `logpoint list`. fn != 0 stops and is returned. */
struct lp_py_function_info {
	const char *name, *file; /* qualified name */
	int line;		 /* co_firstlineno */
	bool is_generator, is_coroutine;
};
int lp_python_each_function(struct lp_python *py,
			    int (*fn)(const struct lp_py_function_info *f, void *arg), void *arg,
			    struct lp_err *err);
int lp_python_each_file(struct lp_python *py, int (*fn)(const char *path, void *arg), void *arg,
			struct lp_err *err);
/* As lp_module_each_line(). */
int lp_python_each_line(struct lp_python *py, const char *file,
			int (*fn)(int line, size_t n_places, void *arg), void *arg,
			const char **ret_path, struct lp_err *err);

/* The folder of the standard library, without a slash at its end; NULL: not known. */
const char *lp_python_stdlib(struct lp_python *py);

/* The function and the line of a frame that a record holds; false: the code object is gone. */
bool lp_python_frame(struct lp_python *py, const struct lp_py_frame *frame,
		     const char **ret_function, const char **ret_file, int *ret_line);

#endif
