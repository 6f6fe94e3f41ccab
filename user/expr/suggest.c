// SPDX-License-Identifier: GPL-2.0-only
#include "expr/suggest.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LEN 64
#define FAR	     (NAME_MAX_LEN * 2)

/* Edits from one name to the other, a swap of neighbours counting as one. */
static unsigned int distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned int rows[3][NAME_MAX_LEN + 1];

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return FAR;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			unsigned int d = up[j - 1] + !same;

			d = d < up[j] + 1 ? d : up[j] + 1;
			d = d < row[j - 1] + 1 ? d : row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			row[j] = d;
		}
	}
	return rows[la % 3][lb];
}

void lp_suggest_add(struct lp_suggest *s, const char *name, bool only_near)
{
	size_t len = strlen(name);
	unsigned int d = distance(s->wanted, s->len, name, len);

	/* alike: a third of it may differ */
	size_t shorter = s->len < len ? s->len : len;
	if (d > shorter / 3 + 1 || d >= shorter)
		d = FAR;
	if (d == FAR && only_near)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->best[i].name, name))
			return;
	s->seen++;

	size_t at = s->n;
	while (at > 0 && s->best[at - 1].distance > d)
		at--;
	if (at == LP_SUGGEST_MAX)
		return;
	if (s->n < LP_SUGGEST_MAX)
		s->n++;
	memmove(&s->best[at + 1], &s->best[at], (s->n - 1 - at) * sizeof(s->best[0]));
	s->best[at].name = name;
	s->best[at].distance = d;
}

void lp_suggest_print(const struct lp_suggest *s, struct lp_buf *b)
{
	for (size_t i = 0; i < s->n; i++)
		lp_buf_fmt(b, "%s%s", i ? ", " : "", s->best[i].name);
	if (s->seen > s->n)
		lp_buf_str(b, ", ...");
}
