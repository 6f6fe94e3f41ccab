// SPDX-License-Identifier: GPL-2.0-only
/* Classes by their names: what a name stands for in a process (an alias, a builtin), and the number that
 * the kernel side knows a name by.
 */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "lp/pybody.h"
#include "python/impl.h"

#define NAME_LIMIT 1024 /* characters of a name in the process */

uint64_t lp_python_class_hash(const char *name)
{
	uint64_t h = LP_PY_NAME_SEED;

	for (size_t at = strlen(name); at > 0;) {
		size_t start = at - 1;

		while (start > 0 && ((unsigned char)name[start] & 0xc0) == 0x80)
			start--;
		uint32_t c = 0;
		lp_utf8_decode(name + start, at - start, &c);
		h = (h ^ c) * LP_PY_NAME_PRIME;
		at = start;
	}
	return h;
}

static bool is_type(struct lp_python *py, uint64_t object)
{
	uint64_t type, flags;
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;

	return lp_py_type(m, l, object, &type) >= 0 &&
	       lp_py_u64(m, type + l->tp_flags, &flags) >= 0 && (flags & LP_PY_TP_TYPE);
}

/* "module.Qual.Name", as the interpreter itself would say it. */
static int full_name(struct lp_python *py, uint64_t class, struct lp_buf *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t flags, dict, module, name;
	char text[LP_PY_NAME_TEXT_MAX + 1];
	int cut = 0;

	if (lp_py_u64(m, class + l->tp_flags, &flags) < 0)
		return -EFAULT;
	if (!(flags & LP_PY_TP_HEAPTYPE)) {
		if (lp_py_u64(m, class + l->tp_name, &name) < 0)
			return -EFAULT;
		long n = m->read_string(m, name, text, sizeof(text) - 1, &cut);
		if (n <= 0 || cut)
			return -EFAULT;
		text[n] = '\0';
		lp_buf_fmt(ret, "%s%s", strchr(text, '.') ? "" : "builtins.", text);
		return 0;
	}
	if (lp_py_u64(m, class + l->tp_dict, &dict) < 0 ||
	    lp_py_u64(m, class + l->ht_qualname, &name) < 0 ||
	    lp_py_dict_find(m, l, dict, "__module__", NULL, &module) < 0)
		return -EFAULT;
	int r = lp_py_text(m, l, module, NAME_LIMIT, ret);
	lp_buf_char(ret, '.');
	return r < 0 ? r : lp_py_text(m, l, name, NAME_LIMIT, ret);
}

/* a.b.c in the namespace of a module, and of classes. 0: not there. */
static uint64_t look_up(struct lp_python *py, uint64_t dict, const char *path)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t object = 0;

	for (const char *part = path; part && dict;) {
		const char *dot = strchr(part, '.');
		lp_auto(lp_free) char *name =
			dot ? strndup(part, (size_t)(dot - part)) : strdup(part);

		if (!name || lp_py_dict_find(m, l, dict, name, NULL, &object) < 0 ||
		    !is_type(py, object))
			return 0;
		part = dot ? dot + 1 : NULL;
		if (part && lp_py_u64(m, object + l->tp_dict, &dict) < 0)
			return 0;
	}
	return object;
}

/* The module is the longest part before a dot that is one. */
static uint64_t in_modules(struct lp_python *py, const char *name)
{
	for (const char *dot = name + strlen(name); dot > name;) {
		while (--dot > name && *dot != '.')
			;
		if (dot == name)
			break;
		lp_auto(lp_free) char *module = strndup(name, (size_t)(dot - name));
		const char *const names[] = { module };
		uint64_t dict = 0;

		if (!module || lp_py_module_dicts(py, names, 1, &dict) < 0)
			return 0;
		if (dict)
			return look_up(py, dict, dot + 1);
	}
	return 0;
}

int lp_python_class_name(struct lp_python *py, const char *name, struct lp_buf *ret)
{
	const char *const builtins[] = { "builtins" };
	uint64_t dict = 0, class;

	lp_buf_clear(ret);
	if (strchr(name, '.')) {
		class = in_modules(py, name);
	} else {
		if (lp_py_module_dicts(py, builtins, 1, &dict) < 0)
			return -ENOENT;
		class = dict ? look_up(py, dict, name) : 0;
	}
	if (!class)
		return -ENOENT;
	int r = full_name(py, class, ret);
	return r < 0 ? -ENOENT : ret->failed ? -ENOMEM : 0;
}
