// SPDX-License-Identifier: GPL-2.0-only
#include "python/names.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define LOCALS "<locals>."

/* Does a text end in another, at a separator? */
static bool ends_in(const char *text, const char *end, char separator)
{
	const size_t lt = strlen(text), le = strlen(end);

	return le > 0 && le <= lt && !strcmp(text + lt - le, end) &&
	       (le == lt || end[0] == separator || text[lt - le - 1] == separator);
}

bool lp_py_file_matches(const char *wanted, const char *path)
{
	/* "./app.py" was started as that */
	if (!strncmp(path, "./", 2))
		path += 2;
	return ends_in(path, wanted, '/') ||
	       (path[0] != '/' && path[0] != '<' && ends_in(wanted, path, '/'));
}

static bool copy(char *buf, const char *name)
{
	if (strlen(name) >= LP_PY_PATH_NAME_MAX)
		return false;
	strcpy(buf, name);
	for (char *p = buf; (p = strstr(p, LOCALS));)
		memmove(p, p + strlen(LOCALS), strlen(p + strlen(LOCALS)) + 1);
	return true;
}

static const char *last_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

/* Whether a file can be the module "shop.cart": it ends in shop/cart.py or shop/cart/__init__.py. */
static bool is_module(const char *module, size_t len, const char *file)
{
	static const char *const ends[] = { "/__init__.py", ".py" };
	char path[LP_PY_PATH_NAME_MAX], want[LP_PY_PATH_NAME_MAX];

	if (strlen(file) >= sizeof(path) || len >= sizeof(want))
		return false;
	strcpy(path, file);
	for (int i = 0; i < 2; i++) {
		const size_t le = strlen(ends[i]), lp = strlen(path);

		if (lp > le && !strcmp(path + lp - le, ends[i])) {
			path[lp - le] = '\0';
			break;
		}
	}
	memcpy(want, module, len);
	want[len] = '\0';
	for (char *p = want; *p; p++)
		if (*p == '.')
			*p = '/';
	return ends_in(path, want, '/');
}

/* Is what stands in front of the end of a name that was asked for within a function? */
static bool is_local(const char *qualified, const char *wanted)
{
	const char *dots = wanted, *end = qualified + strlen(qualified);
	size_t parts = 1;

	while ((dots = strchr(dots, '.'))) {
		parts++;
		dots++;
	}
	/* the parts that were asked for, from the end, "<locals>" counting for none */
	while (end > qualified && parts > 0)
		if (*--end == '.' && strncmp(end + 1, LOCALS, strlen(LOCALS)) != 0)
			parts--;
	const char *locals = strstr(qualified, LOCALS);
	return locals && locals <= end;
}

enum lp_py_match lp_py_name_match(const char *wanted, const char *qualified, const char *file)
{
	char want[LP_PY_PATH_NAME_MAX], name[LP_PY_PATH_NAME_MAX];

	if (!copy(want, wanted) || !copy(name, qualified))
		return LP_PY_NO_MATCH;
	if (last_of(name)[0] == '<' && last_of(want)[0] != '<')
		return LP_PY_NO_MATCH;
	if (strpbrk(want, "*?["))
		return fnmatch(want, name, 0) == 0 || fnmatch(want, last_of(name), 0) == 0
			       ? LP_PY_MATCH_WHOLE
			       : LP_PY_NO_MATCH;
	if (!strcmp(name, want))
		return LP_PY_MATCH_WHOLE;
	if (ends_in(name, want, '.'))
		return is_local(qualified, want) ? LP_PY_MATCH_LOCAL : LP_PY_MATCH_MEMBER;
	/* all of the name, and in front of it the module's */
	const size_t lw = strlen(want), ln = strlen(name);
	return lw > ln + 1 && want[lw - ln - 1] == '.' && !strcmp(want + lw - ln, name) &&
			       is_module(want, lw - ln - 1, file)
		       ? LP_PY_MATCH_WHOLE
		       : LP_PY_NO_MATCH;
}

bool lp_py_file_is_standard(const char *file, int minor)
{
	char folder[32];

	if (!strncmp(file, "<frozen ", 8))
		return true;
	snprintf(folder, sizeof(folder), "/python3.%d/", minor);
	const char *in = strstr(file, folder);
	/* /usr/lib, /usr/local/lib64, lib: not a folder of that name elsewhere */
	return in && in - file >= 4 &&
	       (!strncmp(in - 4, "/lib", 4) || (in - file >= 6 && !strncmp(in - 6, "/lib64", 6))) &&
	       !strstr(in, "/site-packages/") && !strstr(in, "/dist-packages/");
}
