// SPDX-License-Identifier: GPL-2.0-only
/* Finds the file among a process's mappings that holds the interpreter, its version, and the
 * addresses of what has a symbol.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "python/impl.h"
#include "target/procfs.h"

/* Symbol to member. */
static const struct wanted {
	const char *name;
	size_t at; /* in struct lp_py_runtime */
	bool needed;
} wanted[] = { { "_PyRuntime", offsetof(struct lp_py_runtime, runtime), true },
#define WANTED(member, symbol, needed) { symbol, offsetof(struct lp_py_runtime, member), needed },
	       LP_PY_SYMBOLS(WANTED)
#undef WANTED
};

static uint64_t *address_of(struct lp_python *py, const struct wanted *w)
{
	return (uint64_t *)((char *)&py->runtime + w->at);
}

/* --- the file --- */

enum rank { RANK_EXE, RANK_NAMED, RANK_OTHER, RANK_COUNT };

static enum rank rank_of(const struct lp_map *m, const char *exe)
{
	const char *slash = strrchr(m->path, '/');

	if (!strcmp(m->path, exe))
		return RANK_EXE;
	return slash && strstr(slash, "python") ? RANK_NAMED : RANK_OTHER;
}

static bool seen_before(const struct lp_python *py, const struct lp_map *m)
{
	for (const struct lp_map *p = py->maps.all.data; p < m; p++)
		if (p->ino == m->ino && p->dev == m->dev && lp_map_is_code(p))
			return true;
	return false;
}

static int open_symbols(struct lp_python *py, const struct lp_map *m, struct lp_symfile **ret,
			struct lp_err *err)
{
	lp_auto(lp_close) int fd = lp_process_open_map(py->pid, m, err);
	char root[64];

	if (fd < 0)
		return fd;
	lp_process_root(py->pid, root);
	return lp_symfile_open(fd, m->path, root, ret, err);
}

/* 1: it is in this file; 0: not. */
static int try_file(struct lp_python *py, const struct lp_map *m, struct lp_err *err)
{
	lp_auto(lp_symfile_free) struct lp_symfile *symbols = NULL;
	const char *slash = strrchr(m->path, '/');
	struct lp_elf_symbol sym;

	if (slash && strstr(slash, "pypy"))
		return lp_err_set(err, ENOTSUP, "%s is PyPy: only CPython can be logged", m->path);
	int r = open_symbols(py, m, &symbols, err);
	if (r < 0)
		return r;
	if (!lp_symfile_find(symbols, "_PyRuntime", &sym)) {
		if (!lp_symfile_find(symbols, "PyEval_EvalFrameEx", &sym))
			return 0;
		return lp_err_set(err, ENOTSUP,
				  "%s is older than CPython 3.%d, or has no symbols at all",
				  m->path, LP_PY_MINOR_MIN);
	}
	py->bias = lp_symfile_bias(symbols, m);
	py->symbols = lp_take(symbols);
	py->file = strdup(m->path);
	return py->file ? 1 : lp_err_nomem(err);
}

static int find_file(struct lp_python *py, const char *exe, struct lp_err *err)
{
	struct lp_err first = { 0 }; /* of a file that can't be read */

	for (enum rank rank = 0; rank < RANK_COUNT; rank++) {
		lp_vec_each (&py->maps.all, m) {
			struct lp_err one = { 0 };

			if (!lp_map_is_code(m) || rank_of(m, exe) != rank || seen_before(py, m))
				continue;
			int r = try_file(py, m, &one);
			if (r > 0)
				return 0;
			if (r == -ENOTSUP || r == -ENOMEM)
				return lp_err_set(err, one.code, "%s", one.msg);
			if (r < 0 && !first.code && rank != RANK_OTHER)
				first = one;
		}
	}
	if (first.code)
		return lp_err_set(err, first.code, "%s", first.msg);
	return lp_err_set(err, ENOENT, "process %d runs no CPython", (int)py->pid);
}

/* --- symbols --- */

struct collect {
	struct lp_python *py;
	uint64_t bias;
	bool data_only;
};

static int collect_symbol(const struct lp_elf_symbol *sym, void *arg)
{
	const struct collect *c = arg;

	if ((c->data_only && sym->is_code) || strncmp(sym->name + (sym->name[0] == '_'), "Py", 2))
		return 0;
	for (size_t i = 0; i < LP_ARRAY_SIZE(wanted); i++) {
		uint64_t *address = address_of(c->py, &wanted[i]);

		if (!*address && !strcmp(wanted[i].name, sym->name))
			*address = sym->addr + c->bias;
	}
	return 0;
}

/* A program that isn't position independent can have taken data of libpython for itself (copy
 * relocation): then everybody uses its copy.
 */
static int collect_copies(struct lp_python *py, const char *exe, struct lp_err *err)
{
	lp_auto(lp_symfile_free) struct lp_symfile *symbols = NULL;
	struct collect c = { .py = py, .data_only = true };

	if (!strcmp(py->file, exe))
		return 0;
	lp_vec_each (&py->maps.all, m) {
		if (!lp_map_is_code(m) || strcmp(m->path, exe))
			continue;
		int r = open_symbols(py, m, &symbols, err);
		if (r < 0)
			return r;
		c.bias = lp_symfile_bias(symbols, m);
		lp_symfile_each(symbols, collect_symbol, &c);
		return 0;
	}
	return 0;
}

static int find_symbols(struct lp_python *py, const char *exe, struct lp_err *err)
{
	struct collect c = { .py = py, .bias = py->bias };
	int r = collect_copies(py, exe, err);

	if (r < 0)
		return r;
	lp_symfile_each(py->symbols, collect_symbol, &c);
	for (size_t i = 0; i < LP_ARRAY_SIZE(wanted); i++) {
		if (*address_of(py, &wanted[i]) || !wanted[i].needed)
			continue;
		lp_symfile_each_debug(py->symbols, collect_symbol, &c);
		if (!*address_of(py, &wanted[i]))
			return lp_err_set(err, ENOTSUP,
					  "%s has no symbol %s: it was stripped of them, and its "
					  "debug file is not there",
					  py->file, wanted[i].name);
	}
	return 0;
}

/* A loader maps the whole file first, and the data over it last: until then other bytes of it are where the
 * data will be.
 */
static int check_loaded(const struct lp_python *py, struct lp_err *err)
{
	lp_vec_each (&py->maps.all, m)
		if (m->write && py->runtime.runtime - m->start < m->end - m->start)
			return 0;
	return lp_err_set(err, EAGAIN, "%s is not loaded yet", py->file);
}

/* --- version --- */

/* "3.9.18", "3.10.0rc2+": PY_VERSION, for versions that have no Py_Version. */
static uint32_t parse_version(const char *s, size_t len)
{
	unsigned int minor, micro;
	char text[16];
	int n = 0;

	snprintf(text, sizeof(text), "%.*s", len < 15 ? (int)len : 15, s);
	if (sscanf(text, "3.%2u.%3u%n", &minor, &micro, &n) != 2 || minor > 10 || micro > 255 ||
	    (text[n] && text[n] != '+'))
		return 0;
	return 3u << 24 | minor << 16 | micro << 8 | 0xf0;
}

/* The linker lets a string end in another's end: "/build/Python-3.9.18" can be the only one. Any
 * number with three parts will do, sys.hexversion is the judge in the end.
 */
uint32_t lp_py_version_in_text(struct lp_symfile *symbols)
{
	uint64_t addr;
	size_t len;
	const char *text = lp_symfile_section(symbols, ".rodata", &addr, &len);
	const char *end = text + len;

	for (const char *p = text; p && (p = memmem(p, (size_t)(end - p), "3.", 2)); p++) {
		if (p > text && (isdigit((unsigned char)p[-1]) || p[-1] == '.'))
			continue;
		uint32_t version = parse_version(p, (size_t)(end - p));
		if (version >> 16 >= 0x307)
			return version;
	}
	return 0;
}

/* A release of 3.9 is 0x030912f0. */
void lp_py_describe_version(struct lp_python *py)
{
	const uint32_t v = py->hexversion, level = v >> 4 & 0xf;
	int n = snprintf(py->version, sizeof(py->version), "%u.%u.%u", v >> 24, v >> 16 & 0xff,
			 v >> 8 & 0xff);

	if (level != 0xf)
		snprintf(py->version + n, sizeof(py->version) - (size_t)n, "%s%u",
			 level == 0xa	? "a"
			 : level == 0xb ? "b"
					: "rc",
			 v & 0xf);
}

static int find_version(struct lp_python *py, struct lp_err *err)
{
	struct lp_elf_symbol sym;

	if (lp_symfile_find(py->symbols, "Py_Version", &sym)) {
		if (lp_py_u32(&py->memory.memory, sym.addr + py->bias, &py->hexversion) < 0)
			return lp_err_set(err, EAGAIN, "%s is not loaded yet", py->file);
	} else {
		py->hexversion = lp_py_version_in_text(py->symbols);
	}
	if (!py->hexversion)
		return lp_err_set(err, ENOTSUP, "%s: its version of CPython can't be told",
				  py->file);
	lp_py_describe_version(py);

	const int minor = py->hexversion >> 16 & 0xff;
	const struct lp_py_layout *layout =
		py->hexversion >> 24 == 3 ? lp_py_layout_of(minor) : NULL;
	if (!layout)
		return lp_err_set(err, ENOTSUP, "CPython %s is not supported: 3.%d to 3.%d are",
				  py->version, LP_PY_MINOR_MIN, LP_PY_MINOR_MAX);
	if ((py->hexversion >> 4 & 0xf) < 0xc)
		return lp_err_set(err, ENOTSUP,
				  "CPython %s is not supported: the layout of a pre-release is "
				  "not known",
				  py->version);
	/* exists under Py_REF_DEBUG alone, which comes with Py_DEBUG */
	if (lp_symfile_find(py->symbols, "_Py_NegativeRefcount", &sym))
		return lp_err_set(err, ENOTSUP,
				  "CPython %s is a debug build (Py_DEBUG): only release builds can "
				  "be logged",
				  py->version);
	py->runtime.layout = *layout;
	return 0;
}

int lp_py_find(struct lp_python *py, struct lp_err *err)
{
	char exe[PATH_MAX];
	int r = lp_procfs_link(py->pid, "exe", exe, err);
	char *deleted = r < 0 ? NULL : strstr(exe, " (deleted)");

	if (deleted) /* as struct lp_map has it */
		*deleted = '\0';
	if (r >= 0)
		r = lp_maps_read(py->pid, &py->maps, err);
	if (r >= 0)
		r = find_file(py, exe, err);
	if (r >= 0)
		r = find_symbols(py, exe, err);
	if (r >= 0)
		r = check_loaded(py, err);
	if (r >= 0)
		r = find_version(py, err);
	return r < 0 ? r : 0;
}
