// SPDX-License-Identifier: GPL-2.0-only
#include "native/names.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define MAX_ALIKE 64 /* longer names are not compared letter by letter */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of "operator<<" and the like at name, which no bracket there opens; 0: it is none. */
static size_t operator_length(const char *begin, const char *name)
{
	if (strncmp(name, "operator", 8) != 0 || (name > begin && is_word(name[-1])) ||
	    is_word(name[8]))
		return 0;
	return 8 + strspn(name + 8, "<>=-!+*/%^&|~,");
}

void lp_name_strip_args(const char *name, char *buf)
{
	unsigned int depth = 0;
	size_t len = 0;

	for (const char *p = name; *p && len + 1 < LP_NAME_MAX;) {
		const size_t op = depth == 0 ? operator_length(name, p) : 0;

		if (op > 0) {
			for (size_t i = 0; i < op && len + 1 < LP_NAME_MAX; i++)
				buf[len++] = *p++;
			continue;
		}
		/* "<lambda..." and Rust's "<impl ..." begin a component: part of the name */
		if (*p == '<' && (depth > 0 || (p > name && (is_word(p[-1])))))
			depth++;
		else if (*p == '>' && depth > 0)
			depth--;
		else if (depth == 0)
			buf[len++] = *p;
		p++;
	}
	buf[len] = '\0';
}

const char *lp_name_last(const char *qualified)
{
	const char *last = qualified;
	unsigned int depth = 0;

	for (const char *p = qualified; *p; p++) {
		const size_t op = operator_length(qualified, p);

		if (op > 0) {
			p += op - 1;
		} else if (*p == '<' || *p == '(') {
			depth++;
		} else if ((*p == '>' || *p == ')') && depth > 0) {
			depth--;
		} else if (depth == 0 && p[0] == ':' && p[1] == ':') {
			last = p + 2;
			p++;
		}
	}
	return last;
}

/* The star of "operator*" is none. */
static bool has_wildcard(const char *text)
{
	for (const char *p = text; *p;) {
		const size_t op = operator_length(text, p);

		if (op == 0 && (*p == '*' || *p == '?'))
			return true;
		p += op ? op : 1;
	}
	return false;
}

void lp_name_pattern_init(struct lp_name_pattern *p, const char *text)
{
	p->global = !strncmp(text, "::", 2);
	p->text = p->global ? text + 2 : text;
	p->last = lp_name_last(p->text);
	p->glob = has_wildcard(p->text);
	p->linkage = !strncmp(text, "_Z", 2) || !strncmp(text, "_R", 2);
	char stripped[LP_NAME_MAX];
	lp_name_strip_args(p->text, stripped);
	p->args = strlen(stripped) != strlen(p->text);
}

bool lp_name_could_match(const struct lp_name_pattern *p, const char *last)
{
	const size_t n = strcspn(p->last, "<");

	/* an operator's name has brackets of its own: the full comparison decides */
	return p->glob || p->linkage || n == 0 || !strncmp(last, p->last, n);
}

bool lp_name_is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

uint32_t lp_name_hash(const char *last)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *last && *last != '<'; last++)
		hash = (hash ^ (uint8_t)*last) * 16777619u;
	return hash;
}

static bool matches_exactly(const struct lp_name_pattern *p, const char *name)
{
	const size_t ln = strlen(name), lt = strlen(p->text);

	if (lt > ln || strcmp(name + ln - lt, p->text) != 0)
		return false;
	return lt == ln || (!p->global && ln - lt >= 2 && !strncmp(name + ln - lt - 2, "::", 2));
}

bool lp_name_matches(const struct lp_name_pattern *p, const char *qualified)
{
	char stripped[LP_NAME_MAX];

	if (strlen(qualified) >= LP_NAME_MAX)
		return false;
	if (!p->args && strchr(qualified, '<')) {
		lp_name_strip_args(qualified, stripped);
		qualified = stripped;
	}
	if (!p->glob)
		return matches_exactly(p, qualified);
	return fnmatch(p->text, qualified, 0) == 0 ||
	       (!p->global && fnmatch(p->text, lp_name_last(qualified), 0) == 0);
}

/* Insertions, deletions and changes from a to b. */
static unsigned int edits(const char *a, const char *b)
{
	const size_t la = strlen(a), lb = strlen(b);
	unsigned int row[MAX_ALIKE + 1];

	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			const bool same = tolower((unsigned char)a[i - 1]) ==
					  tolower((unsigned char)b[j - 1]);
			unsigned int best = diagonal + !same;

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

unsigned int lp_name_distance(const char *wanted, const char *name)
{
	const size_t lw = strlen(wanted), ln = strlen(name);
	const size_t apart = lw > ln ? lw - ln : ln - lw;

	if (!strcasecmp(wanted, name))
		return 0;
	if (lw <= MAX_ALIKE && ln <= MAX_ALIKE && apart <= 2) {
		const unsigned int n = edits(wanted, name);

		if (n <= 2 && n < lw)
			return n;
	}
	return lw >= 4 && strcasestr(name, wanted) ? 3 : 4;
}
