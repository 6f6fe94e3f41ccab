// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "python/impl.h"
#include "python/value.h"

int lp_python_open(pid_t pid, struct lp_python **ret, struct lp_err *err)
{
	lp_auto(lp_python_free) struct lp_python *py = calloc(1, sizeof(*py));

	if (!py)
		return lp_err_nomem(err);
	py->pid = pid;
	py->runtime.owner = (uint64_t)pid;
	lp_process_memory_init(&py->memory, pid);

	int r = lp_py_find(py, err);
	if (r == 0)
		r = lp_py_layout_published(py, err);
	if (r == 0)
		r = lp_py_verify(py, err);
	if (r == 0)
		r = lp_py_read_slots(py, err);
	if (r == 0)
		r = lp_py_find_loop(py, err);
	if (r == 0)
		r = lp_py_find_hash(py, err);
	if (r < 0)
		return r;
	lp_py_find_statics(py);
	lp_python_refresh(py);
	*ret = lp_take(py);
	return 0;
}

void lp_python_free(struct lp_python *py)
{
	if (!py)
		return;
	if (py->codes_free)
		py->codes_free(py->codes);
	lp_process_memory_done(&py->memory);
	lp_py_types_free(py->types);
	lp_symfile_free(py->symbols);
	lp_maps_done(&py->maps);
	free(py->step_table);
	free(py->file);
	free(py->stdlib);
	free(py);
}

void lp_python_move(struct lp_python *py, pid_t pid)
{
	py->pid = pid;
	lp_process_memory_done(&py->memory);
	lp_process_memory_init(&py->memory, pid);
}

pid_t lp_python_pid(const struct lp_python *py)
{
	return py->pid;
}

const char *lp_python_version(const struct lp_python *py)
{
	return py->version;
}

const char *lp_python_file(const struct lp_python *py)
{
	return py->file;
}

const struct lp_py_runtime *lp_python_runtime(const struct lp_python *py)
{
	return &py->runtime;
}

struct lp_memory *lp_python_memory(struct lp_python *py)
{
	return &py->memory.memory;
}
