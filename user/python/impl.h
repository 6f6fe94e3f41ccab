/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/impl.h
 *
 * impl - what the files of python/ share of a struct lp_python. Nobody else includes it.
 */
#ifndef LP_PYTHON_IMPL_H
#define LP_PYTHON_IMPL_H

#include <limits.h>

#include "python/object.h"
#include "python/python.h"
#include "target/maps.h"
#include "target/process.h"
#include "target/symfile.h"

/* How the interpreter hashes str and bytes: Py_HASH_ALGORITHM of its build. */
enum lp_py_hash { LP_PY_HASH_UNKNOWN, LP_PY_SIPHASH24, LP_PY_SIPHASH13, LP_PY_FNV };

struct lp_py_types;

struct lp_python {
	pid_t pid;
	struct lp_process_memory memory;
	struct lp_maps maps; /* as they were when the interpreter was opened */
	struct lp_py_runtime runtime;
	uint32_t hexversion; /* PY_VERSION_HEX: 0x030b02f0 is 3.11.2 */
	char version[24];
	char *file;		    /* as the process sees it */
	char *stdlib;		    /* NULL: not looked for, or not found */
	struct lp_symfile *symbols; /* of file */
	uint64_t bias;		    /* run-time address - link address */
	uint64_t sys;		    /* the dict of sys, in the main interpreter */
	enum lp_py_hash hash;
	uint8_t hash_secret[16]; /* _Py_HashSecret: siphash's key; prefix and suffix of fnv */

	/* step.c's: where each opcode begins, and the register of the next instruction; NULL: not
	 * looked for yet
	 */
	uint64_t *step_table;
	uint64_t step_table_at; /* where that table is */
	uint16_t step_register;

	struct lp_py_types *types; /* attribute.c's: classes whose instances it has read; NULL */

	/* code.c's: the code objects found */
	void *codes;
	void (*codes_free)(void *codes);
};

/* layout.c: of a version; NULL: none is known. */
const struct lp_py_layout *lp_py_layout_of(int minor);
/* From 3.13 on: what the interpreter says itself (_PyRuntime.debug_offsets) replaces the table's.
 * -ENOTSUP: it says what can't be.
 */
int lp_py_layout_published(struct lp_python *py, struct lp_err *err);

/* find.c: fills file, symbols, bias, hexversion and the addresses of the runtime. -ENOENT: no
 * CPython here; -ENOTSUP.
 */
int lp_py_find(struct lp_python *py, struct lp_err *err);
/* By a text in the file: for versions up to 3.10. 0: it can't be told. */
uint32_t lp_py_version_in_text(struct lp_symfile *symbols);
void lp_py_describe_version(struct lp_python *py); /* hexversion as text */

/* loop.c: the code of the evaluation loop. -ENOTSUP. */
int lp_py_find_loop(struct lp_python *py, struct lp_err *err);

/* verify.c: is all that was found what it should be? -EBADMSG, -ENOTSUP; -EAGAIN: not initialised yet. */
int lp_py_verify(struct lp_python *py, struct lp_err *err);

/* words.c: the data of the interpreter's own file, a piece after the other. The last `keep` words of each
 * come again with the next. Memory for all at once would be dearer than what is done with it.
 * at: where words lies. fn != 0 stops and is returned. -ENOMEM.
 */
typedef int (*lp_py_words_fn)(struct lp_python *py, uint64_t at, const uint64_t *words, size_t n,
			      void *arg);
int lp_py_each_words(struct lp_python *py, bool writable, size_t keep, lp_py_words_fn fn,
		     void *arg);

/* slots.c: the functions behind the slots of builtin types. -ENOTSUP. */
int lp_py_read_slots(struct lp_python *py, struct lp_err *err);
/* The class that a variable of the interpreter points to: PyExc_SystemExit; 0. */
uint64_t lp_py_class_of_variable(struct lp_python *py, const char *variable);

/* modules.c: the main interpreter, of those of the process. -ENOENT: there is none yet. */
int lp_py_main_interpreter(struct lp_python *py, uint64_t *ret);
/* The dicts of modules of the main interpreter; 0: not imported. */
int lp_py_module_dicts(struct lp_python *py, const char *const *names, size_t n, uint64_t *ret);
/* The same of one interpreter. */
int lp_py_interp_modules(struct lp_python *py, uint64_t interp, const char *const *names, size_t n,
			 uint64_t *ret);

/* hash.c: finds the algorithm, by hashes that the process has computed already. -EBADMSG: none gives them; -EAGAIN: there
 * are none yet.
 */
int lp_py_find_hash(struct lp_python *py, struct lp_err *err);

/* statics.c: fills what the kernel side's look-ups of attributes need; left 0 where it isn't found. */
void lp_py_find_statics(struct lp_python *py);

#endif
