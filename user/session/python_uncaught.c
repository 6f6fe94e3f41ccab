// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions that nobody has caught: several functions of an interpreter (python/hooks.h), of which some come
 * with a module.
 */
#include "session/internal.h"

#include <errno.h>

static struct lp_file *file_of(struct lp_session *s, const struct interp *in,
			       const struct lp_py_hook_place *place)
{
	struct lp_proc *p = lp_inventory_process(&s->inv, in->pid);
	const struct lp_mapping *m = p ? lp_proc_mapping(p, place->addr) : NULL;

	return m ? m->file : NULL;
}

static int attach_one(struct lp_session *s, struct spot *spot, const struct lp_py_hook_place *place,
		      struct lp_err *err)
{
	struct interp *in = spot->py->in;
	struct trap_key key = { .file = file_of(s, in, place),
				.offset = place->offset,
				.trap = place->trap };

	if (!key.file) { /* of a library that is not known yet */
		s->next_refresh = lp_now();
		return 0;
	}
	int r = lp_kernel_set_hook(s->kernel, in->runtime, place->trap, &place->hook, err);
	return r < 0 ? r : session_trap_use(s, spot, &key, err);
}

int session_hooks_attach(struct lp_session *s, struct spot *spot, struct lp_err *err)
{
	struct interp *root = session_interp_root(spot->py->in);
	int r = lp_python_hooks(root->py, &root->hooks, err);

	if (r < 0)
		return r;
	lp_vec_each (&root->hooks, place) {
		r = attach_one(s, spot, place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void session_hooks_rescan(struct lp_session *s)
{
	for (size_t i = 0; i < s->interps.len; i++) {
		struct interp *in = s->interps.data[i];
		bool lacks = false;

		if (in->gone || !lp_inventory_process(&s->inv, in->pid))
			continue;
		lp_vec_each (&in->hooks, place)
			lacks |= !file_of(s, in, place);
		if (lacks)
			session_rescan(s, in->pid);
	}
}
