// SPDX-License-Identifier: GPL-2.0-only
/* Which frames are the program's own, and what is shown of the others. */
#include <errno.h>
#include <string.h>

#include "python/names.h"
#include "session/stacks_impl.h"

static bool begins_with_any(const char *path, const char *const *folders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(path, folders[i], strlen(folders[i])))
			return true;
	return false;
}

static bool is_library_module(const struct stacks *s, const char *path)
{
	static const char *const folders[] = { "/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/",
					       "/usr/libexec/", "[" };

	return begins_with_any(path, folders, LP_ARRAY_SIZE(folders)) ||
	       strstr(path, "/lib-dynload/") || strstr(path, "/site-packages/") ||
	       strstr(path, "/dist-packages/") ||
	       (s->py && !strcmp(path, lp_python_file(s->py)));
}

static bool is_library_file(const struct stacks *s, const char *file)
{
	return lp_py_file_is_standard(file, lp_python_runtime(s->py)->layout.minor) ||
	       strstr(file, "/site-packages/") || strstr(file, "/dist-packages/");
}

bool stacks_is_library(const struct stacks *s, const struct lp_frame *f)
{
	if (f->module)
		return is_library_module(s, f->module);
	return s->py && f->file && is_library_file(s, f->file);
}

int stacks_finish(struct stacks *s, struct stacks_entries *e, struct lp_stack *ret)
{
	const size_t max = s->o->limits.frames;
	struct lp_stack_entry *out = lp_arena_array(s->arena, struct lp_stack_entry, e->len + 1);
	size_t n = 0, shown = 0;

	if (!out)
		return -ENOMEM;
	lp_vec_each (e, entry) {
		const bool folds = !s->o->limits.all_frames && !entry->note &&
				   stacks_is_library(s, &entry->frame);

		if (folds && n && out[n - 1].folded) {
			out[n - 1].folded++;
		} else if (folds) {
			out[n++] = (struct lp_stack_entry){ .folded = 1 };
		} else if (shown == max) {
			out[n++] = (struct lp_stack_entry){ .note = "..." };
			break;
		} else {
			out[n++] = *entry;
			shown++;
		}
	}
	*ret = (struct lp_stack){ .entries = out, .n = n };
	return 0;
}
