// SPDX-License-Identifier: GPL-2.0-only
#include "expr/template.h"

static const char *name_at(const struct lp_pc_name *names, size_t n, uint64_t pc)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].pc == pc)
			return names[i].name;
	return NULL;
}

const char *lp_template_reason(const struct lp_template *t, bool in_enter, enum lp_status status,
			       uint64_t pc, struct lp_arena *a)
{
	static const struct {
		const char *named, *plain;
	} texts[LP_ST_COUNT] = {
		[LP_ST_UNBOUND] = { "unbound '%s'", "unbound" },
		[LP_ST_NO_ATTR] = { "no attribute '%s'", "no such attribute" },
		[LP_ST_NO_ITEM] = { NULL, "no item" },
		[LP_ST_WRONG_TYPE] = { NULL, "wrong type" },
		[LP_ST_RUNS_CODE] = { "would run code: %s", "would run code" },
		[LP_ST_TOO_BIG] = { NULL, "too big" },
	};

	if ((unsigned int)status >= LP_ST_COUNT || !texts[status].plain)
		return NULL;

	const char *name = in_enter ? name_at(t->enter_names, t->n_enter_names, pc)
				    : name_at(t->names, t->n_names, pc);
	if (!name || !texts[status].named)
		return texts[status].plain;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	const char *text = lp_arena_fmt(a, texts[status].named, name);
#pragma GCC diagnostic pop
	return text ? text : texts[status].plain;
}
