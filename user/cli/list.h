/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/list.h
 *
 * list - the kinds of answer that `logpoint list` gives. Each makes its part of the tree; what is
 * not found is -ENOENT with what comes near.
 */
#ifndef LP_CLI_LIST_H
#define LP_CLI_LIST_H

#include "cli/view.h"
#include "expr/suggest.h"

/* {"modules":[{"module","debug_information","functions","files":[...]}]} */
int lp_list_modules(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
void lp_list_modules_text(const json_t *answer);

/* {"places":[{"file","line","function","address","inlined","module","variables":[{"kind","name",
 * "type","available","why"}]}]}; pattern: a location. */
int lp_list_places(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
void lp_list_places_text(const json_t *answer);

/* {"files":[{"file","source","module","source_is_newer","lines":[{"line","places"}]}]}; pattern:
 * a source file. -EEXIST: several are meant. */
int lp_list_lines(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
void lp_list_lines_text(const json_t *answer);

/* {"functions":[{"name","file","line","address","inlined_only","module"}]}; pattern: a glob. */
int lp_list_functions(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
void lp_list_functions_text(const json_t *answer);
/* -ENOENT, with the names that come near to what was asked for. */
int lp_list_no_function(const struct lp_suggest *near, struct lp_err *err);

/* list_python.c: the same of the interpreters; -ENOENT: not there; a function, without a message where no
 * name comes near.
 */
int lp_list_python_modules(struct lp_python *py, json_t *list, struct lp_err *err);
int lp_list_python_places(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
int lp_list_python_lines(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err);
int lp_list_python_functions(struct lp_view *v, const char *pattern, json_t **ret,
			     struct lp_err *err);

/* [{"pid","version","file","can_be_logged","why","free_watchpoints"}] */
int lp_check_python(struct lp_view *v, json_t *list, struct lp_err *err);
void lp_check_python_text(const json_t *pythons);

#endif
