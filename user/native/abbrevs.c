// SPDX-License-Identifier: GPL-2.0-only
#include "native/abbrevs.h"

#include <dwarf.h>

#include "native/cursor.h"

bool lp_abbrevs_each(struct lp_span tables, bool all,
		     void (*fn)(uint64_t tag, uint64_t attr, uint64_t form, void *arg), void *arg)
{
	struct lp_cursor c = { tables.data, tables.data + tables.len, false };

	while (lp_cursor_left(&c) > 0 && !c.bad) {
		uint64_t attr, form;

		if (lp_cursor_uleb(&c) == 0) { /* the end of a table */
			if (!all)
				break;
			continue;
		}
		const uint64_t tag = lp_cursor_uleb(&c);
		lp_cursor_skip(&c, 1);
		do {
			attr = lp_cursor_uleb(&c);
			form = lp_cursor_uleb(&c);
			if (form == DW_FORM_implicit_const)
				lp_cursor_sleb(&c);
			if ((attr || form) && !c.bad)
				fn(tag, attr, form, arg);
		} while ((attr || form) && !c.bad);
	}
	return !c.bad;
}
