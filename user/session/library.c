// SPDX-License-Identifier: GPL-2.0-only
/* What is the program's own, and what belongs to libraries: by where its file is. */
#include "session/internal.h"

#include <string.h>

static bool is_under(const char *path, const char *folder, size_t len)
{
	return len && !strncmp(path, folder, len) && path[len] == '/';
}

static bool is_system(const char *path)
{
	static const char *const folders[] = { "/lib",	      "/lib32",	    "/lib64",
					       "/usr/lib",    "/usr/lib32", "/usr/lib64",
					       "/usr/libexec" };

	for (size_t i = 0; i < LP_ARRAY_SIZE(folders); i++)
		if (is_under(path, folders[i], strlen(folders[i])))
			return true;
	return path[0] == '['; /* [vdso] */
}

/* The C library and the like, wherever they are: a container's root can be anywhere. */
static bool is_of_libc(const struct lp_file *f)
{
	static const char *const names[] = { "libc.so.", "libc-2.",    "libpthread",
					     "libm.so.", "ld-linux",   "ld-2.",
					     "ld-musl",	 "libstdc++.", "libgcc_s." };

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		if (!strncmp(f->name, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool is_package(const char *path)
{
	return strstr(path, "/site-packages/") || strstr(path, "/dist-packages/");
}

/* In the folder of the executable, or below. A system's own folder is no program's. */
static bool is_beside(const struct lp_file *exe, const char *path)
{
	const char *slash = exe ? strrchr(exe->path, '/') : NULL;
	size_t len = slash ? (size_t)(slash - exe->path) : 0;

	return len && strncmp(exe->path, "/usr/bin/", 9) != 0 && is_under(path, exe->path, len);
}

static bool is_in_loop(const struct lp_py_runtime *rt, uint64_t addr)
{
	for (size_t i = 0; i < LP_PY_RANGES_MAX && rt->loop[i][1]; i++)
		if (addr >= rt->loop[i][0] && addr < rt->loop[i][1])
			return true;
	return false;
}

/* A program called python, which does nothing but run Python, as that in whose library the
 * interpreter is.
 */
static bool is_launcher(const struct lp_proc *p, const struct lp_file *f)
{
	return f == p->exe && !strncmp(f->name, "python", 6);
}

void session_classify(const struct lp_proc *p, struct lp_python *py, const struct lp_mapping *m,
		      uint64_t addr, struct lp_frame *f)
{
	const char *path = m->file->path;
	if (py) {
		f->is_loop = is_in_loop(lp_python_runtime(py), addr);
		f->is_glue = !strcmp(lp_python_file(py), path) || is_launcher(p, m->file);
		f->is_library = f->is_glue || is_package(path) || strstr(path, "/lib-dynload/");
	}
	if (m->file == p->exe)
		f->is_library = f->is_library || (f->function && !strcmp(f->function, "_start"));
	else if (is_of_libc(m->file) || (is_system(path) && !is_beside(p->exe, path)))
		f->is_library = true;
}

void session_classify_python(struct lp_python *py, struct lp_frame *f)
{
	const char *stdlib = lp_python_stdlib(py);

	f->is_library = !strncmp(f->file, "<frozen ", 8) || is_package(f->file) ||
			(stdlib && is_under(f->file, stdlib, strlen(stdlib)));
}
