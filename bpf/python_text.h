/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_text.h
 *
 * python_text - str and bytes beside each other: by words where both have the same unit, else
 * character by character.
 */
#ifndef LP_BPF_PYTHON_TEXT_H
#define LP_BPF_PYTHON_TEXT_H

/* One step of a loop: a hit has so many. */
lp_inline int lp_pyvm_spend(struct lp_vm *vm)
{
	if (!vm->py.work)
		return 0;
	vm->py.work--;
	return 1;
}

/* The next character of a constant in UTF-8, which is valid. */
lp_inline __u64 lp_pyvm_utf8(struct lp_pyvm_view *v, __u64 word)
{
	__u64 c = word & 0xff;
	__u64 a = word >> 8 & 0x3f, b = word >> 16 & 0x3f, d = word >> 24 & 0x3f;

	if (c < 0x80) {
		v->next += 1;
		return c;
	}
	if (c < 0xe0) {
		v->next += 2;
		return (c & 0x1f) << 6 | a;
	}
	if (c < 0xf0) {
		v->next += 3;
		return (c & 0x0f) << 12 | a << 6 | b;
	}
	v->next += 4;
	return (c & 0x07) << 18 | a << 12 | b << 6 | d;
}

/* Character i of a view, in order from the first where it is UTF-8. */
lp_inline long lp_pyvm_character(struct lp_vm *vm, __u32 w, __u64 i, __u64 *ret)
{
	struct lp_pyvm_view *v = &vm->py.view[w % LP_PYVM_VIEWS];
	__u32 width = v->width;
	long r = lp_pyvm_text_word(vm, w, width ? i * width : v->next);

	*ret = !width	   ? lp_pyvm_utf8(v, vm->py.word)
	       : width < 8 ? vm->py.word & ((1ull << (width & 7) * 8) - 1)
			   : vm->py.word;
	return r;
}

lp_inline long lp_pyvm_order(__u64 a, __u64 b)
{
	return a == b ? LP_REL_EQUAL : a < b ? LP_REL_LESS : LP_REL_GREATER;
}

/* 1: done, vm->py.relation says how. */
lp_inline long lp_pyvm_text_words(struct lp_vm *vm, __u32 w0, __u32 w1, __u32 width, __u64 at)
{
	__u64 total = vm->py.limit * width, a, b;

	if (at >= total)
		return 1;
	vm->py.relation = -LP_ST_UNREADABLE;
	if (lp_pyvm_text_word(vm, w0, vm->py.from_unit * width + at) < 0)
		return 1;
	a = vm->py.word;
	if (lp_pyvm_text_word(vm, w1, at) < 0)
		return 1;
	b = vm->py.word;
	if (total - at < 8) {
		__u64 mask = (1ull << ((total - at) & 7) * 8) - 1;

		a &= mask;
		b &= mask;
	}
	vm->py.relation = LP_REL_EQUAL;
	if (a == b)
		return 0;
	for (__u32 i = 0; i < 8; i++) {
		__u64 unit = width < 8 ? (1ull << (width & 7) * 8) - 1 : ~0ull;

		if ((a & unit) != (b & unit)) {
			vm->py.relation = lp_pyvm_order(a & unit, b & unit);
			break;
		}
		a >>= (width & 7) * 8;
		b >>= (width & 7) * 8;
	}
	return 1;
}

static long lp_pyvm_text_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u32 w0 = vm->py.pair & 0xff, w1 = vm->py.pair >> 8 & 0xff;
	__u32 width = vm->py.view[w0 % LP_PYVM_VIEWS].width;
	__u64 a, b;

	if (!lp_pyvm_spend(vm)) {
		vm->py.relation = -LP_ST_TOO_BIG;
		return 1;
	}
	if (width && width == vm->py.view[w1 % LP_PYVM_VIEWS].width)
		return lp_pyvm_text_words(vm, w0, w1, width, i * 8ull);
	if (i >= vm->py.limit)
		return 1;
	if (lp_pyvm_character(vm, w0, vm->py.from_unit + i, &a) < 0 ||
	    lp_pyvm_character(vm, w1, i, &b) < 0) {
		vm->py.relation = -LP_ST_UNREADABLE;
		return 1;
	}
	vm->py.relation = lp_pyvm_order(a, b);
	return a != b;
}

/* `limit` units of the first view from unit `from` on against the first ones of the other. The
 * relation, or < 0.
 */
lp_inline long lp_pyvm_text_run(struct lp_vm *vm, __u32 pair, __u64 from, __u64 limit)
{
	struct lp_step step = { .vm = vm };
	struct lp_pyvm_view *a = &vm->py.view[(pair & 0xff) % LP_PYVM_VIEWS];
	struct lp_pyvm_view *b = &vm->py.view[(pair >> 8) % LP_PYVM_VIEWS];
	if (limit > LP_PY_TEXT_MAX || (!a->width && from))
		return -LP_ST_TOO_BIG;
	a->next = b->next = 0;
	vm->py.pair = pair;
	vm->py.from_unit = from;
	vm->py.limit = limit;
	vm->py.relation = LP_REL_EQUAL;
	lp_loop_seldom(LP_PY_TEXT_MAX + 1, lp_pyvm_text_step, &step);
	return vm->py.relation;
}

lp_global long lp_pyvm_text_relate(struct lp_vm *vm, __u32 pair, __u64 from, __u64 limit)
{
	return vm ? lp_pyvm_text_run(vm, pair, from, limit) : -LP_ST_UNREADABLE;
}

lp_inline __u32 lp_pyvm_pair(__u32 w0, __u32 w1)
{
	return w0 | w1 << 8;
}

/* Two of the same kind, str or bytes. is_equality: only whether they are the same matters. */
lp_inline long lp_pyvm_texts_relate(struct lp_vm *vm, __u32 w0, __u32 w1, int is_equality)
{
	const struct lp_pyvm_view *a = &vm->py.view[w0 % LP_PYVM_VIEWS];
	const struct lp_pyvm_view *b = &vm->py.view[w1 % LP_PYVM_VIEWS];
	__u64 m = a->len, n = b->len;

	if (is_equality && (m != n || (a->hash != b->hash && a->hash != LP_PYVM_NOHASH &&
				       b->hash != LP_PYVM_NOHASH)))
		return LP_REL_LESS;

	long r = lp_pyvm_text_run(vm, lp_pyvm_pair(w0, w1), 0, m < n ? m : n);
	return r == LP_REL_EQUAL ? lp_pyvm_order(m, n) : r;
}

static long lp_pyvm_find_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	__u64 first;

	if (i > vm->py.count || vm->py.relation < 0)
		return 1;
	if (!lp_pyvm_spend(vm)) {
		vm->py.relation = -LP_ST_TOO_BIG;
		return 1;
	}
	if (lp_pyvm_character(vm, LP_VIEW_B, i, &first) < 0) {
		vm->py.relation = -LP_ST_UNREADABLE;
		return 1;
	}
	if (first != vm->py.top)
		return 0;
	vm->py.any = lp_pyvm_text_relate(vm, lp_pyvm_pair(LP_VIEW_B, LP_VIEW_A), i,
					 vm->py.view[LP_VIEW_A].len) == LP_REL_EQUAL;
	return vm->py.any;
}

/* Does the text of view A occur in that of view B? 1, 0 or < 0. */
lp_global long lp_pyvm_text_find(struct lp_vm *vm)
{
	struct lp_step step = { .vm = vm };

	if (!vm)
		return -LP_ST_UNREADABLE;

	__u64 n = vm->py.view[LP_VIEW_A].len, all = vm->py.view[LP_VIEW_B].len;
	if (n > all || !n)
		return !n;
	if (all > LP_PY_TEXT_MAX || !vm->py.view[LP_VIEW_B].width)
		return -LP_ST_TOO_BIG;
	vm->py.view[LP_VIEW_A].next = 0;
	vm->py.count = all - n;
	vm->py.any = 0;
	if (lp_pyvm_character(vm, LP_VIEW_A, 0, &vm->py.top) < 0)
		return -LP_ST_UNREADABLE;
	vm->py.relation = LP_REL_EQUAL;
	lp_loop_seldom(LP_PY_TEXT_MAX + 1, lp_pyvm_find_step, &step);
	return vm->py.relation < 0 ? vm->py.relation : vm->py.any;
}

/* Does view w0 start (or end) with view w1? */
lp_inline long lp_pyvm_text_affix(struct lp_vm *vm, __u32 w0, __u32 w1, int at_end)
{
	__u64 m = vm->py.view[w0 % LP_PYVM_VIEWS].len, n = vm->py.view[w1 % LP_PYVM_VIEWS].len;

	if (n > m)
		return 0;

	long r = lp_pyvm_text_relate(vm, lp_pyvm_pair(w0, w1), at_end ? m - n : 0, n);
	return r < 0 ? r : r == LP_REL_EQUAL;
}

#endif
