/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/hooks.h
 *
 * hooks - functions that the interpreter calls, and only then, when nobody has caught an exception: each
 * exception leads to one of them, once.
 *
 *	PRINT	    PyErr_PrintEx: the main thread's, before sys.excepthook or whatever is there instead
 *	UNRAISABLE  PyErr_WriteUnraisable and its kin: __del__, callbacks of weakref, atexit (from 3.10 on),
 *		    ctypes, threads of _thread.start_new_thread(); before sys.unraisablehook
 *	THREAD	    threading makes an ExceptHookArgs, for threading.excepthook or whatever is there
 *	FUTURE	    a Future or Task of _asyncio ends, and nobody has asked for its exception
 *	CALLBACK    an exception comes to the function that runs a callback of an event loop, and that
 *		    hands it to the loop's exception handler: asyncio's; UVLOOP*: uvloop's
 *
 * By symbol where there is one, else by the slots of the interpreter's own types. Where a function
 * does nothing but call the next, that one is meant, as others call it themselves.
 */
#ifndef LP_PYTHON_HOOKS_H
#define LP_PYTHON_HOOKS_H

#include "python/python.h"

struct lp_py_hook_place {
	enum lp_py_trap trap;
	uint64_t addr;	 /* run-time address of the function */
	uint64_t offset; /* in the file that it is in */
	struct lp_py_hook hook;
};

struct lp_py_hooks {
	LP_VEC(struct lp_py_hook_place);
};

/* What is there by now: asyncio's come with its import. Adds those whose function (and `only`) is not yet
 * in *ret; how many. -ENOTSUP: the main thread's can't be found.
 */
int lp_python_hooks(struct lp_python *py, struct lp_py_hooks *ret, struct lp_err *err);

#endif
