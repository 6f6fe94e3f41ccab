// SPDX-License-Identifier: GPL-2.0-only
#include "python/hooks.h"

#include <errno.h>
#include <string.h>

#include "python/callee.h"

/* DWARF's numbers of the registers that arguments come in */
#define ARG1 5 /* rdi */
#define ARG2 4 /* rsi */

#define GETSETS_MAX 64 /* of a type */

/* Modules/_asynciomodule.c, FutureObj_HEAD: the exception lies at the same place in 3.8 to 3.14, fut_log_tb
 * somewhere behind it, also by the release of a version.
 */
#define FUTURE_EXCEPTION 48
#define FUTURE_FLAG_MIN	 64
#define FUTURE_FLAG_MAX	 160

struct finder {
	struct lp_python *py;
	struct lp_maps maps;
	struct lp_py_hooks *ret;
	int added;
};

static bool is_known(const struct lp_py_hooks *h, uint64_t addr, const struct lp_py_hook *hook)
{
	lp_vec_each (h, place)
		if (place->addr == addr && place->hook.only == hook->only &&
		    !strcmp(place->hook.name, hook->name))
			return true;
	return false;
}

static bool has(const struct finder *f, enum lp_py_trap trap)
{
	lp_vec_each (f->ret, place)
		if (place->trap == trap)
			return true;
	return false;
}

static int add(struct finder *f, const struct lp_py_text *t, enum lp_py_trap trap,
	       uint64_t function, const struct lp_py_hook *hook)
{
	struct lp_py_hook_place place = { .trap = trap, .addr = function + t->bias, .hook = *hook };

	if (is_known(f->ret, place.addr, hook))
		return 0;
	if (lp_symfile_offset(t->symbols, function, &place.offset) < 0)
		return -ENOENT;
	if (lp_vec_push(f->ret, place) < 0)
		return -ENOMEM;
	f->added++;
	return 0;
}

/* --- by symbol --- */

#define ENTRIES_MAX 4

/* Functions of the interpreter that are called from within and from without, and end in the same one. */
static const struct entries {
	enum lp_py_trap trap;
	const char *names[ENTRIES_MAX];
	bool no_exit; /* SystemExit ends the thread, and is nobody's mistake */
} entries[] = {
	{ LP_PY_TRAP_PRINT, { "PyErr_Print", "PyErr_PrintEx", "_PyErr_Print" }, true },
	{ LP_PY_TRAP_UNRAISABLE,
	  { "PyErr_WriteUnraisable", "_PyErr_WriteUnraisableMsg", "PyErr_FormatUnraisable" },
	  false },
};

/* Where those of the names end up, none twice; one that leads to another is left out. */
static size_t ends_of(const struct lp_py_text *t, const struct entries *e, uint64_t *ret)
{
	uint64_t ends[ENTRIES_MAX];
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < ENTRIES_MAX && e->names[i]; i++) {
		struct lp_elf_symbol sym;
		uint64_t end = 0;
		bool is_new = lp_symfile_find(t->symbols, e->names[i], &sym) &&
			      lp_py_callee_last(t, sym.addr, &end) == 0;

		for (size_t k = 0; k < n; k++)
			is_new &= ends[k] != end;
		if (is_new)
			ends[n++] = end;
	}
	for (size_t i = 0; i < n; i++) {
		bool leads_on = false;

		for (size_t k = 0; k < n && !leads_on; k++)
			leads_on = k != i && lp_py_callee_reaches(t, ends[i], ends[k]);
		if (!leads_on)
			ret[kept++] = ends[i];
	}
	return kept;
}

static int find_entries(struct finder *f, const struct entries *e)
{
	struct lp_py_hook hook = { .flags = LP_PY_HOOK_CURRENT };
	uint64_t ends[ENTRIES_MAX];
	struct lp_py_text t;
	int r = 0;

	if (has(f, e->trap))
		return 0;
	if (lp_py_text_interpreter(f->py, &t) < 0)
		return -ENOENT;
	if (e->no_exit)
		hook.except[0] = lp_py_class_of_variable(f->py, "PyExc_SystemExit");
	size_t n = ends_of(&t, e, ends);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add(f, &t, e->trap, ends[i], &hook);
	return n ? r : -ENOENT;
}

/* --- by what modules hold --- */

static uint64_t module_get(struct finder *f, const char *module, const char *name)
{
	struct lp_memory *m = &f->py->memory.memory;
	const struct lp_py_layout *l = &f->py->runtime.layout;
	uint64_t dict = 0, object = 0;

	if (lp_py_module_dicts(f->py, &module, 1, &dict) < 0 || !dict ||
	    lp_py_dict_find(m, l, dict, name, NULL, &object) < 0)
		return 0;
	return object;
}

/* The function in a slot of a type; 0. */
static uint64_t slot_of(struct finder *f, uint64_t type, uint16_t slot)
{
	uint64_t function = 0;

	if (!type || lp_py_u64(&f->py->memory.memory, type + slot, &function) < 0)
		return 0;
	return function;
}

static int find_thread(struct finder *f)
{
	const struct lp_py_layout *l = &f->py->runtime.layout;
	uint64_t type = module_get(f, "_thread", "_ExceptHookArgs");
	uint64_t function = slot_of(f, type, l->tp_new);
	lp_auto(lp_py_text_done) struct lp_py_text t = { 0 };
	/* ExceptHookArgs([type, value, traceback, thread]) */
	struct lp_py_hook hook = { .only = type,
				   .about = ARG1,
				   .from = ARG2,
				   .n_steps = 3,
				   .step = { l->tuple_items, l->list_items, 8 } };

	if (!function || lp_py_text_open(f->py, &f->maps, function, &t) < 0)
		return 0;
	hook.except[0] = lp_py_class_of_variable(f->py, "PyExc_SystemExit");
	return add(f, &t, LP_PY_TRAP_THREAD, function - t.bias, &hook);
}

/* struct PyGetSetDef (Include/descrobject.h) */
struct getset {
	uint64_t name, get, set, doc, closure;
};

static uint64_t getter_of(struct finder *f, uint64_t type, const char *name)
{
	struct lp_memory *m = &f->py->memory.memory;
	uint64_t at = slot_of(f, type, f->py->runtime.layout.tp_getset);

	for (size_t i = 0; at && i < GETSETS_MAX; i++, at += sizeof(struct getset)) {
		struct getset def;

		if (m->read(m, at, &def, sizeof(def)) < 0 || !def.name)
			return 0;
		if (lp_py_cstring_is(m, def.name, name))
			return def.get;
	}
	return 0;
}

/* tp_finalize of the two; Task's most often goes on to Future's. */
static int find_futures(struct finder *f)
{
	const struct lp_py_layout *l = &f->py->runtime.layout;
	uint64_t future = module_get(f, "_asyncio", "Future");
	uint64_t task = module_get(f, "_asyncio", "Task");
	uint64_t of_future = slot_of(f, future, l->tp_finalize);
	uint64_t of_task = slot_of(f, task, l->tp_finalize);
	uint64_t getter = getter_of(f, future, "_log_traceback");
	lp_auto(lp_py_text_done) struct lp_py_text t = { 0 };
	int64_t flag;

	if (!of_future || !of_task || !getter ||
	    lp_py_text_open(f->py, &f->maps, of_future, &t) < 0 ||
	    lp_py_callee_member(&t, getter - t.bias, FUTURE_FLAG_MIN, FUTURE_FLAG_MAX, &flag) < 0)
		return 0;

	struct lp_py_hook hook = { .about = ARG1,
				   .from = ARG1,
				   .flag_at = (int32_t)flag,
				   .flag_mask = 1,
				   .n_steps = 1,
				   .step = { FUTURE_EXCEPTION } };
	int r = add(f, &t, LP_PY_TRAP_FUTURE, of_future - t.bias, &hook);
	if (r == 0 && !lp_py_callee_reaches(&t, of_task - t.bias, of_future - t.bias))
		r = add(f, &t, LP_PY_TRAP_FUTURE, of_task - t.bias, &hook);
	return r;
}

/* The code object of a function of a class of a module; 0. */
static uint64_t method_code(struct finder *f, const char *module, const char *class,
			    const char *method)
{
	struct lp_memory *m = &f->py->memory.memory;
	const struct lp_py_layout *l = &f->py->runtime.layout;
	uint64_t type = module_get(f, module, class), dict = 0, function = 0, code = 0;

	if (!type || lp_py_u64(m, type + l->tp_dict, &dict) < 0 || !dict ||
	    lp_py_dict_find(m, l, dict, method, NULL, &function) < 0 ||
	    !lp_py_is(m, l, function, f->py->runtime.type_function) ||
	    lp_py_u64(m, function + l->func_code, &code) < 0)
		return 0;
	return code;
}

/* Where an exception comes by on its way through frames: what asyncio's function that runs a callback
 * does not catch it raises again. uvloop's is Cython's, which makes code objects with that name when
 * it needs them.
 */
static int find_callbacks(struct finder *f)
{
	static const struct {
		enum lp_py_trap trap;
		const char *name;
	} uvloop[] = { { LP_PY_TRAP_UVLOOP, "uvloop.loop.Handle._run" },
		       { LP_PY_TRAP_UVLOOP_TIMER, "uvloop.loop.TimerHandle._run" } };
	bool has_uvloop = module_get(f, "uvloop.loop", "Loop");
	struct lp_py_hook hook = { .flags = LP_PY_HOOK_CURRENT | LP_PY_HOOK_FRAME,
				   .about = ARG1,
				   .only = method_code(f, "asyncio.events", "Handle", "_run") };
	struct lp_elf_symbol sym;
	struct lp_py_text t;
	int r = 0;

	if (lp_py_text_interpreter(f->py, &t) < 0 ||
	    !lp_symfile_find(f->py->symbols, "PyTraceBack_Here", &sym))
		return 0;
	hook.except[0] = lp_py_class_of_variable(f->py, "PyExc_SystemExit");
	hook.except[1] = lp_py_class_of_variable(f->py, "PyExc_KeyboardInterrupt");
	if (hook.only)
		r = add(f, &t, LP_PY_TRAP_CALLBACK, sym.addr, &hook);
	hook.only = 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(uvloop) && has_uvloop && r == 0; i++) {
		hook.name_len = (uint32_t)strlen(uvloop[i].name);
		memcpy(hook.name, uvloop[i].name, hook.name_len);
		r = add(f, &t, uvloop[i].trap, sym.addr, &hook);
	}
	return r;
}

int lp_python_hooks(struct lp_python *py, struct lp_py_hooks *ret, struct lp_err *err)
{
	struct finder f = { .py = py, .ret = ret };
	int r = lp_maps_read(py->pid, &f.maps, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < LP_ARRAY_SIZE(entries) && r == 0; i++)
		r = find_entries(&f, &entries[i]);
	if (r == -ENOENT)
		r = lp_err_set(err, ENOTSUP,
			       "CPython %s: where it reports what nobody has caught can't be found",
			       py->version);
	if (r == 0 && !has(&f, LP_PY_TRAP_THREAD))
		r = find_thread(&f);
	if (r == 0 && !has(&f, LP_PY_TRAP_FUTURE))
		r = find_futures(&f);
	if (r == 0)
		r = find_callbacks(&f);
	lp_maps_done(&f.maps);
	if (r == -ENOMEM)
		return lp_err_nomem(err);
	return r < 0 ? r : f.added;
}
