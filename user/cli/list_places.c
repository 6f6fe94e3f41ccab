// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expr/logpoint.h"
#include "native/reader.h"

#define VARIABLES (LP_EACH_ARGUMENTS | LP_EACH_LOCALS)

struct vars {
	LP_VEC(struct lp_var);
};

static const char *const kind_names[] = {
	[LP_VAR_ARGUMENT] = "argument", [LP_VAR_LOCAL] = "local",
	[LP_VAR_GLOBAL] = "global",	[LP_VAR_MEMBER] = "member",
	[LP_VAR_CONSTANT] = "constant", [LP_VAR_RESULT] = "return value",
	[LP_VAR_NUMBERED] = "argument",
};

/* NULL: it can be had whole. */
static const char *why_not(const struct lp_loc *loc)
{
	struct lp_value text = { 0 };
	size_t missing = 0;

	if (loc->kind == LP_LOC_POINTEE)
		return "only what it points to is available";
	if (loc->kind == LP_LOC_NONE) {
		lp_status_text(loc->why, 0, NULL, &text);
		return text.str;
	}
	if (loc->kind != LP_LOC_PIECES)
		return NULL;
	for (size_t i = 0; i < loc->n_pieces; i++)
		missing += why_not(&loc->pieces[i].loc) != NULL;
	return missing == 0		 ? NULL
	       : missing < loc->n_pieces ? "partly optimized out"
					 : why_not(&loc->pieces[0].loc);
}

static int add_variable(struct lp_scope *scope, const struct lp_var *v, json_t *list,
			struct lp_err *err)
{
	struct lp_emit e = { 0 };
	struct lp_err one = { 0 };
	struct lp_loc loc = { 0 };

	int r = v->kind == LP_VAR_CONSTANT ? 0 : scope->ops->locate(scope, v, &e, &loc, &one);
	const char *why = v->kind == LP_VAR_CONSTANT ? NULL : r < 0 ? one.msg : why_not(&loc);
	json_t *made = json_pack("{s:s, s:o, s:o, s:b}", "kind", kind_names[v->kind], "name",
				 lp_json_text(v->name), "type", lp_json_text(v->type->name),
				 "available", why == NULL);
	if (made && why)
		json_object_set_new(made, "why", lp_json_text(why));
	lp_emit_done(&e);
	return lp_json_push(list, made, err);
}

static int keep_var(const struct lp_var *v, void *arg)
{
	return lp_vec_push((struct vars *)arg, *v);
}

static int add_variables(struct lp_module *m, const struct lp_place *place,
			 enum lp_location_kind kind, json_t *list, struct lp_err *err)
{
	lp_auto(lp_scope_free) struct lp_scope *scope = NULL;
	struct vars vars = { 0 };
	struct lp_var result;
	bool leaves = kind == LP_AT_RETURN;

	int r = lp_scope_open(m, place, leaves ? LP_SCOPE_LEAVE : LP_SCOPE_HERE, &scope, err);
	if (r < 0)
		return r;
	if (leaves && scope->ops->result(scope, &result, NULL) == 0)
		r = keep_var(&result, &vars);
	if (r >= 0)
		r = scope->ops->each(scope, VARIABLES, keep_var, &vars);
	if (r < 0)
		lp_err_nomem(err);
	for (size_t i = 0; i < vars.len && r >= 0; i++)
		r = add_variable(scope, &vars.data[i], list, err);
	lp_vec_done(&vars);
	return r;
}

static int add_place(struct lp_module *m, const struct lp_place *p, enum lp_location_kind kind,
		     json_t *list, struct lp_err *err)
{
	lp_auto(lp_json_free) json_t *variables = json_array();
	int r = variables ? add_variables(m, p, kind, variables, err) : lp_err_nomem(err);

	if (r < 0)
		return r;
	return lp_json_push(list,
			    json_pack("{s:o, s:i, s:o, s:o, s:b, s:o, s:O}", "file",
				      lp_json_text(p->file), "line", p->line, "function",
				      lp_json_text(p->function), "address",
				      lp_json_address(p->vaddr), "inlined", p->inlined, "module",
				      lp_json_text(lp_module_path(m)), "variables", variables),
			    err);
}

/* A run-time address is looked for where a process has it; without one it is a link address. */
static bool place_address(const struct lp_view *v, const struct lp_file *f, struct lp_location *l)
{
	if (l->kind != LP_AT_ADDRESS || !v->inv.procs.len)
		return true;
	lp_vec_each (&v->inv.procs, p) {
		const struct lp_mapping *m = lp_proc_mapping(*p, l->offset);

		if (m && m->file == f) {
			l->offset = lp_mapping_vaddr(m, l->offset);
			return true;
		}
	}
	return false;
}

/* What a module says of a location that it half knows tells more than that another has none. */
static void keep_better(struct lp_err *best, const struct lp_err *one)
{
	if (!best->code || (best->code == ENOENT && one->code != ENOENT))
		*best = *one;
}

static int find(struct lp_view *v, const struct lp_location *l, json_t *list, struct lp_err *err)
{
	struct lp_err best = { 0 };
	int r = 0;

	for (size_t i = 0; i < v->files.len && r >= 0; i++) {
		struct lp_module *m = v->files.data[i]->module;
		struct lp_location here = *l;
		struct lp_places found = { 0 };
		struct lp_err one = { 0 };
		size_t inlined;

		if (!m || !place_address(v, v->files.data[i], &here))
			continue;
		if (lp_module_resolve(m, &here, &found, &inlined, &one) < 0)
			keep_better(&best, &one);
		for (size_t k = 0; k < found.len && r >= 0; k++)
			r = add_place(m, &found.data[k], l->kind, list, err);
		lp_vec_done(&found);
	}
	if (r < 0 || json_array_size(list))
		return r;
	if (best.code) {
		if (err)
			*err = best;
		return -best.code;
	}
	return lp_err_at(err, ENOENT, l->col, 1, "nothing of the target is mapped there");
}

int lp_list_places(struct lp_view *v, const char *pattern, json_t **ret, struct lp_err *err)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	lp_auto(lp_json_free) json_t *list = json_array();

	int r = list ? lp_logpoint_parse(pattern, &lp, err) : lp_err_nomem(err);
	if (r >= 0)
		r = find(v, &lp->location, list, err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:O}", "places", list);
	return *ret ? 0 : lp_err_nomem(err);
}

static void print_variables(const json_t *variables)
{
	size_t i;
	json_t *v;

	json_array_foreach(variables, i, v)
	{
		const char *why = lp_json_get(v, "why"), *type = lp_json_get(v, "type");

		printf("  %-8s  %s%s%s%s%s%s\n", lp_json_get(v, "kind"), lp_json_get(v, "name"),
		       type ? ": " : "", type ? type : "", why ? "  <" : "", why ? why : "",
		       why ? ">" : "");
	}
}

void lp_list_places_text(const json_t *answer)
{
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(answer, "places"), i, p)
	{
		const char *file = lp_json_get(p, "file"), *function = lp_json_get(p, "function");

		if (file)
			printf("%s:%lld  ", file, lp_json_number(p, "line"));
		printf("%s%s  %s  %s\n", function ? function : "?",
		       json_is_true(json_object_get(p, "inlined")) ? " (inlined)" : "",
		       lp_json_get(p, "address"), lp_json_get(p, "module"));
		print_variables(json_object_get(p, "variables"));
	}
}
