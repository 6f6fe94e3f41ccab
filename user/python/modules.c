// SPDX-License-Identifier: GPL-2.0-only
/* What is imported by and by: asyncio, threading, collections; by sys.modules of the main interpreter. */
#include <errno.h>
#include <string.h>

#include "python/impl.h"

/* They are a list, the main one last. */
int lp_py_main_interpreter(struct lp_python *py, uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t interp, next;
	int r = lp_py_u64(m, py->runtime.runtime + l->runtime_interpreters, &interp);

	if (r == 0 && !interp)
		return -ENOENT;
	for (int i = 0; r == 0 && i < LP_PY_INTERPS_MAX; i++, interp = next) {
		r = lp_py_u64(m, interp + l->interp_next, &next);
		if (r == 0 && !next) {
			*ret = interp;
			return 0;
		}
	}
	return r < 0 ? r : -EBADMSG;
}

int lp_py_interp_modules(struct lp_python *py, uint64_t interp, const char *const *names, size_t n,
			 uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t modules;
	int r = lp_py_u64(m, interp + l->interp_modules, &modules);

	if (r == 0)
		r = lp_py_dict_find_all(m, l, modules, names, n, ret);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (ret[i] && (lp_py_u64(m, ret[i] + l->module_dict, &ret[i]) < 0 ||
			       !lp_py_is_dict(m, l, ret[i])))
			ret[i] = 0;
	return r;
}

int lp_py_module_dicts(struct lp_python *py, const char *const *names, size_t n, uint64_t *ret)
{
	uint64_t interp;
	int r = lp_py_main_interpreter(py, &interp);

	return r < 0 ? r : lp_py_interp_modules(py, interp, names, n, ret);
}

/* A name of a module, where it is an object of that type. */
static uint64_t find_in(struct lp_python *py, uint64_t dict, const char *name, uint64_t type)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t object;

	if (!dict || lp_py_dict_find(m, l, dict, name, NULL, &object) < 0 ||
	    !lp_py_is(m, l, object, type))
		return 0;
	return object;
}

/* What was found stays, also where it can't be read for a moment. */
static bool update(__u64 *member, uint64_t found)
{
	if (!found || *member == found)
		return false;
	*member = found;
	return true;
}

/* Where os.py is; from 3.11 on os can be frozen, and has its file nevertheless. */
static void read_stdlib(struct lp_python *py, uint64_t os)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	lp_auto(lp_buf_done) struct lp_buf path = { 0 };
	uint64_t file;

	if (!os || lp_py_dict_find(m, l, os, "__file__", NULL, &file) < 0 ||
	    lp_py_text(m, l, file, PATH_MAX, &path) < 0 || !path.len)
		return;
	char *text = strndup(path.data, path.len), *slash = text ? strrchr(text, '/') : NULL;
	if (slash)
		*slash = '\0';
	py->stdlib = text;
}

bool lp_python_refresh(struct lp_python *py)
{
	static const char *const names[] = { "threading", "_asyncio", "asyncio.tasks",
					     "_collections", "os" };
	uint64_t dicts[LP_ARRAY_SIZE(names)];
	struct lp_py_runtime *rt = &py->runtime;
	bool changed;

	if (lp_py_module_dicts(py, names, LP_ARRAY_SIZE(names), dicts) < 0)
		return false;
	if (!py->stdlib) /* while it can be read: records are shown when the process may be gone */
		read_stdlib(py, dicts[4]);
	changed = update(&rt->thread_active, find_in(py, dicts[0], "_active", rt->type_dict));
	changed |= update(&rt->type_task, find_in(py, dicts[1], "Task", rt->type_type));
	changed |=
		update(&rt->type_tuplegetter, find_in(py, dicts[3], "_tuplegetter", rt->type_type));
	/* from 3.14 on the thread state has the task, from 3.13 on the loop */
	if (rt->layout.tstate_task != LP_PY_NONE)
		return changed;
	changed |=
		update(&rt->current_tasks, find_in(py, dicts[2], "_current_tasks", rt->type_dict));
	return changed;
}

const char *lp_python_stdlib(struct lp_python *py)
{
	static const char *const name = "os";
	uint64_t dict;

	if (!py->stdlib && lp_py_module_dicts(py, &name, 1, &dict) == 0)
		read_stdlib(py, dict);
	return py->stdlib;
}
