/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/pywalk.h
 *
 * pywalk - CAP_PY: a value of CPython and the objects that it leads to, breadth first, as blocks of
 * the record: the memory that user/python/value.c needs to tell what it was.
 *
 * One pass, bounded by the limits of the instruction, the room in the record and LP_PY_*_MAX. What
 * is not copied is missing, which the reader sees; LP_RECF_CUT says that one of the bounds was met.
 * Values of dict entries and attributes whose names are not to be shown are not looked at.
 *
 * Besides what vm.h wants, the includer supplies:
 *
 *	const struct lp_py_runtime *lp_py_rt(struct lp_vm *vm)	of the hit
 *	int lp_py_is_redacted(__u64 hash)	of a name (lp/pybody.h)
 *
 * The frames of the kernel's verifier are few (8): from lp_cap_py() on this takes 4 more.
 */
#ifndef LP_BPF_PYWALK_H
#define LP_BPF_PYWALK_H

#include "pytype.h"
#include "pyclass.h"
#include "pyobject.h"
#include "pychunk.h"

/* Of objects all items are wanted, */
lp_inline void lp_py_all(struct lp_py_walk *w)
{
	w->from = 0;
	w->to = ~0u;
}

/* of the value itself, if it is a slice, a part. */
lp_inline void lp_py_part(struct lp_py_walk *w)
{
	lp_py_all(w);
	if (w->value.tag == LP_PY_SLICE) {
		w->from = w->value.from > ~0u ? ~0u : w->value.from;
		w->to = w->value.to > ~0u ? ~0u : w->value.to;
	}
}

/* The class that an object wants to be known, or that it is. Then it is looked at again, in a step of its own: so
 * that this is written out once, as a function of its own would be one too deep for the verifier.
 */
lp_inline void lp_py_learn(struct lp_vm *vm, __u64 addr, __u32 depth, __u32 want)
{
	__u64 type = want == LP_PW_WANT_CLASS ? vm->walk.type : addr;
	__u32 found = lp_py_class(vm, type);
	const struct lp_py_class *c = &vm->walk.types[found & (LP_PY_TYPES_MAX - 1)];

	if (found < LP_PY_TYPES_MAX && c->is_python) {
		if (want == LP_PW_WANT_SELF)
			lp_py_title(vm, type);
		else if (c->kind == LP_PK_TUPLE)
			lp_py_fields(vm, found);
	}
	if (want == LP_PW_WANT_SELF)
		return;
	if (depth & LP_PY_ANEW) /* names were read */
		lp_py_part(&vm->walk);
	vm->walk.again = addr;
	vm->walk.again_depth = depth | LP_PY_AGAIN;
}

/* What is to be looked at of an entry of a dict: the value, 0 where the name is not to be shown. First the key, if it
 * is no plain str: the entry's turn comes again where *ret_want says that it wants a class.
 */
lp_inline __u64 lp_py_entry(struct lp_vm *vm, __u64 key, __u64 value, __u32 depth, __u32 *ret_want)
{
	struct lp_py_walk *w = &vm->walk;
	int is_secret = lp_py_name(vm, key);
	__u32 is_seen = w->key_seen;

	w->key_seen = 0;
	if (is_secret == LP_PY_NO_STR) {
		if (!is_seen)
			*ret_want = lp_py_object(vm, key, depth);
		if (*ret_want) {
			w->key_seen = 1;
			return key;
		}
		is_secret = lp_py_name(vm, key); /* of a subclass of str */
		/* a name for which there was no room may be one */
		if (is_secret < 0 && !(vm->flags & LP_RECF_CUT))
			is_secret = 0;
	}
	return is_secret ? 0 : value;
}

/* Is word k of the run one that is looked at? */
lp_inline int lp_py_is_wanted(const struct lp_py_walk *w, struct lp_py_run *run, __u32 what,
			      __u32 k)
{
	__u64 slots = w->types[run->type & (LP_PY_TYPES_MAX - 1)].slots;

	if (what == LP_PW_SLOTS)
		return slots >> (k & 63) & 1;
	if (what == LP_PW_FIELDS) {
		__u32 number = run->used;

		run->used = number + 1;
		return number < LP_PY_FIELDS_MAX && !(slots >> (number & 63) & 1);
	}
	return 1;
}

/* What the run whose turn it is has next: 0: nothing to look at. */
lp_inline __u64 lp_py_next(struct lp_vm *vm, __u32 *ret_depth, __u32 *ret_want)
{
	struct lp_py_walk *w = &vm->walk;
	struct lp_py_run *run = &w->runs[w->runs_out & (LP_PY_RUNS_MAX - 1)];
	__u32 k = run->i, what = run->what;

	if (k >= run->n) {
		if (run->left)
			lp_py_chunk(vm);
		else
			w->runs_out++;
		return 0;
	}

	__u32 at = run->at + k * run->stride;
	__u64 object = lp_py_word(vm, at + run->key_at);

	*ret_depth = run->depth;
	if (what == LP_PW_SET || what == LP_PW_ENTRIES) {
		__u64 other = run->values ? lp_py_word(vm, run->values + k * 8)
					  : lp_py_word(vm, at + run->key_at + 8);

		run->i = k + 1;
		/* of a set: the hash, -1 of an entry that was removed */
		if (!object || (what == LP_PW_SET ? !~other : !other))
			return 0;
		if (what == LP_PW_ENTRIES)
			object = lp_py_entry(vm, object, other, run->depth, ret_want);
		if (*ret_want) {
			run->i = k;
			return object;
		}
		run->used++;
		if (run->used >= w->items) {
			run->n = run->i;
			run->left = 0;
		}
		return object;
	}
	run->i = k + 1;
	return lp_py_is_wanted(w, run, what, k) ? object : 0;
}

/* An object of the run whose turn it is, or its next chunk; before that the one that is looked at again. */
static long lp_py_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	struct lp_py_walk *w = &vm->walk;
	__u64 object = w->again;
	__u32 depth = w->again_depth, want = w->want;

	(void)i;
	w->again = w->want = 0;
	if (!object) {
		if (w->runs_out == w->runs_in)
			return 1;
		object = lp_py_next(vm, &depth, &want);
		if (!object)
			return 0;
	}
	lp_blur(vm, depth);
	if (!want)
		want = lp_py_object(vm, object, depth);
	lp_blur(vm, want);
	if (want)
		lp_py_learn(vm, object, depth, want);
	if (!w->again)
		lp_py_all(w);
	return 0;
}

/* All that waits. */
lp_inline void lp_py_walk_on(struct lp_vm *vm, struct lp_step *step)
{
	struct lp_py_walk *w = &vm->walk;

	if (w->runs_in || w->again)
		lp_loop_seldom(LP_PY_STEPS_MAX, lp_py_step, step);
	if (w->runs_out != w->runs_in || w->again)
		vm->flags |= LP_RECF_CUT;
}

/* A code object's qualified name, and its table of lines: the length, and of itself LP_PY_LINES_MAX bytes at
 * most.
 */
lp_inline void lp_py_code_lines(struct lp_vm *vm, const struct lp_py_layout *l, __u64 code)
{
	if (l->code_qualname != LP_PY_NONE)
		lp_py_push_words(vm, lp_py_copy(vm, code + l->code_qualname, 8, 0), 1, 0);

	__u32 at = lp_py_copy(vm, code + l->code_linetable, 8, 0);
	__u64 table = at ? lp_py_word(vm, at) : 0;

	at = table ? lp_py_copy(vm, table, l->bytes_data, 0) : 0;
	__u64 n = at ? lp_py_word(vm, at + l->ob_size) : 0;
	if (n > LP_PY_LINES_MAX)
		n = LP_PY_LINES_MAX;
	if (n)
		lp_py_push(vm, LP_PW_RAW, table + l->bytes_data, n, 0);
}

/* What tells where in a code object something is: its names, and its table of lines. */
lp_inline void lp_py_code(struct lp_vm *vm, __u64 code)
{
	const struct lp_py_runtime *rt = lp_py_rt(vm);

	if (!rt)
		return;
	lp_py_push(vm, LP_PW_CODE, code, 1, 0);
	lp_py_code_lines(vm, &rt->layout, code);
}

/* imm: LP_PY_CAPTURE() */
lp_inline void lp_py_begin(struct lp_py_walk *w, __u64 imm)
{
	w->string = LP_PY_CAPTURE_STRING(imm);
	if (w->string < LP_PY_NAME_MAX * 4) /* names are compared in the record */
		w->string = LP_PY_NAME_MAX * 4;
	w->items = LP_PY_CAPTURE_ITEMS(imm);
	w->depth = LP_PY_CAPTURE_DEPTH(imm);
	if (w->depth > LP_PY_DEPTH_MAX)
		w->depth = LP_PY_DEPTH_MAX;
	w->runs_in = w->runs_out = 0;
	w->again = w->want = w->key_seen = 0;
	lp_py_all(w);
}

/* The value itself; if it wants a class that comes with the first step. */
lp_inline void lp_py_begin_at(struct lp_vm *vm, __u64 addr, __u32 depth)
{
	struct lp_py_walk *w = &vm->walk;

	w->want = lp_py_object(vm, addr, depth);
	if (!w->want) {
		lp_py_all(w);
		return;
	}
	w->again = addr;
	w->again_depth = depth;
}

/* w->value. imm: LP_PY_CAPTURE() */
lp_global int lp_cap_py(struct lp_vm *vm, __u32 slot, __u64 imm)
{
	struct lp_step step = { .vm = vm };

	if (!vm)
		return 0;

	struct lp_py_walk *w = &vm->walk;
	__u8 *to = lp_vm_tail(vm, sizeof(w->value));
	__u64 tag = w->value.tag;

	if (!to) {
		vm->flags |= LP_RECF_CUT;
		return 0;
	}
	((lp_word *)to)[0] = tag;
	((lp_word *)to)[1] = w->value.bits;
	((lp_word *)to)[2] = w->value.from;
	((lp_word *)to)[3] = w->value.to;
	__u32 at = vm->len + sizeof(struct lp_block);
	if (slot != LP_SLOT_MEM) /* else it is said elsewhere */
		lp_vm_block(vm, slot, LP_ST_OK, 0, sizeof(w->value), 0);
	if (tag != LP_PY_OBJECT && tag != LP_PY_SLICE && tag != LP_PY_RAISED && tag != LP_PY_ARGS)
		return 0;

	lp_py_begin(w, imm);
	lp_py_part(w);

	if (w->whole == LP_WHOLE_CODE)
		lp_py_code(vm, w->value.bits);
	else if (tag == LP_PY_RAISED || tag == LP_PY_ARGS)
		lp_py_push_words(vm, at + 8, tag == LP_PY_RAISED ? 2 : 1, 1); /* and its type */
	else /* most often it leads nowhere */
		lp_py_begin_at(vm, w->value.bits, tag == LP_PY_SLICE ? LP_PY_ANEW : 0);
	lp_py_walk_on(vm, &step);
	return 0;
}

#endif
