/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/view.h
 *
 * view - what `list` and `check` look at and what they answer: the files that the targets execute
 * now, and a tree of JSON that is printed as it is or as text. Attaches nothing.
 */
#ifndef LP_CLI_VIEW_H
#define LP_CLI_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/options.h"
#include "python/python.h"
#include "session/inventory.h"

/* A process whose interpreter can't be logged. */
struct lp_refused {
	pid_t pid;
	struct lp_err why;
};

struct lp_view {
	struct lp_inventory inv;
	LP_VEC(struct lp_file *) files; /* executables first; also those without a module */
	LP_VEC(struct lp_python *) pythons;
	LP_VEC(struct lp_refused) refused;
};

/* -ESRCH: the target has no process now. */
int lp_view_open(const struct lp_options *o, struct lp_view *ret, struct lp_err *err);
/* The same; --exe means the processes that run it, of which there has to be one. */
int lp_view_open_processes(const struct lp_options *o, struct lp_view *ret, struct lp_err *err);
void lp_view_done(struct lp_view *v);
LP_CLEANUP_DONE(struct lp_view, lp_view_done)

static inline void lp_json_free(json_t *j)
{
	json_decref(j);
}
LP_CLEANUP(json_t *, lp_json_free)

/* A string of the target's, safe on a terminal; null for NULL. */
json_t *lp_json_text(const char *s);
json_t *lp_json_address(uint64_t addr);

/* Takes the item, also when it fails; NULL is -ENOMEM. */
int lp_json_push(json_t *array, json_t *item, struct lp_err *err);

const char *lp_json_get(const json_t *object, const char *key); /* a string or NULL */
long long lp_json_number(const json_t *object, const char *key);

/* What was printed goes out. The exit status. */
int lp_view_flush(void);
/* One object on standard output, or what `text` prints of it. The exit status. */
int lp_view_print(const json_t *answer, bool as_json, void (*text)(const json_t *answer));

#endif
