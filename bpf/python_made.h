/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_made.h
 *
 * python_made - code objects that an interpreter makes while it is being looked at.
 */
#ifndef LP_BPF_PYTHON_MADE_H
#define LP_BPF_PYTHON_MADE_H

#include "python_world.h"
#include "tell.h"

/* Is there a process of our own that may have to wait? Set before load. */
const volatile __u32 lp_may_hold = 1;

/* The end of a str. */
struct lp_hold_text {
	__u64 words[LP_HOLD_WORDS];
	__u64 len;
	__u64 is_ascii;
};

/* In front of the characters is the object itself: there are always as many bytes as are read. */
static __attribute__((noinline)) int lp_hold_read(const struct lp_hold *h, __u64 pointer,
						  struct lp_hold_text *ret)
{
	__u64 str, state = 0;

	if (!h || !ret || bpf_probe_read_user(&str, sizeof(str), (void *)pointer) ||
	    bpf_probe_read_user(&ret->len, sizeof(ret->len), (void *)(str + h->str_length)) ||
	    bpf_probe_read_user(&state, 4, (void *)(str + h->str_state)))
		return -1;
	ret->is_ascii = state >> (h->ascii_bit & 31) & 1;
	return bpf_probe_read_user(ret->words, sizeof(ret->words),
				   (void *)(str + h->str_ascii + ret->len - LP_HOLD_BYTES));
}

/* Is it one of the names (or of the paths)? */
static __attribute__((noinline)) int lp_hold_matches(const struct lp_hold *h,
						     const struct lp_hold_text *t, int is_name)
{
	if (!h || !t)
		return 0;
	for (__u32 i = 0; i < LP_HOLD_NAMES && i < h->n; i++) {
		const struct lp_hold_name *n = &h->names[i];
		__u64 differs = is_name ? n->len != t->len : n->len != 0;

		for (int k = 0; k < LP_HOLD_WORDS; k++)
			differs |= (t->words[k] ^ n->text[k]) & n->mask[k];
		if (!differs)
			return 1;
	}
	return 0;
}

lp_inline int lp_hold_is_module(const struct lp_hold_text *name)
{
	return name->len == 8 && name->words[LP_HOLD_WORDS - 1] == 0x3e656c75646f6d3cull;
}

/* Is this code object the module's whose execution is to wait? A path that is not ASCII may be. */
static __attribute__((noinline)) int lp_hold_at_code(struct lp_hold *h, __u64 code)
{
	struct lp_hold_text t;

	if (!h || !h->code_name || lp_hold_read(h, code + h->code_name, &t) < 0)
		return 0;
	if (!lp_hold_is_module(&t)) {
		if (t.is_ascii && lp_hold_matches(h, &t, 1))
			h->due = 1;
		return 0;
	}
	int due = h->due || h->every;
	h->due = 0;
	if (due)
		return 1;
	return !lp_hold_read(h, code + h->code_filename, &t) &&
	       (!t.is_ascii || lp_hold_matches(h, &t, 0));
}

struct lp_forget {
	__u64 code;
	__u32 runtime;
};

static long lp_forget_step(__u32 i, struct lp_forget *f)
{
	struct lp_py_site *site = bpf_map_lookup_elem(&py_sites, &i);

	if (site && site->code == f->code && site->runtime == f->runtime)
		site->code = 0;
	return 0;
}

/* What is made where a code object was that has sites is another one: they are none of it, whatever it
 * is called. The reader finds those of the new one.
 */
static __attribute__((noinline)) int lp_forget_code(__u64 code, __u64 pid_tgid)
{
	__u32 number = lp_py_runtime_of(pid_tgid);
	struct lp_py_place_key key = { .addr = code, .runtime = number - 1 };
	struct lp_forget f = { .code = code, .runtime = number - 1 };

	if (!number || !bpf_map_lookup_elem(&py_codes, &key))
		return 0;

	const struct lp_py_runtime *rt = lp_py_runtime_at(f.runtime);
	if (!rt || rt->owner != pid_tgid >> 32)
		return 0;
	bpf_map_delete_elem(&py_codes, &key);
	lp_loop(lp_live.n_sites, lp_forget_step, &f);
	return 0;
}

static __attribute__((noinline)) int lp_forget_sent(__u64 code, __u64 pid_tgid)
{
	struct lp_py_place_key key = { .addr = code, .runtime = pid_tgid >> 32 };

	bpf_map_delete_elem(&py_sent, &key);
	return 0;
}

/* The interpreter has made a code object: what its constructor returns. */
SEC("uprobe")
int lp_code_made(struct pt_regs *ctx)
{
	struct lp_record r = { .kind = LP_REC_CODE, .len = sizeof(r), .point = LP_POINT_NONE };
	__u64 pid_tgid = lp_pid_tgid();

	r.hit = PT_REGS_RC(ctx);
	if (!r.hit || !lp_is_target(pid_tgid))
		return 0;
	lp_forget_code(r.hit, pid_tgid);
	if (lp_py_uses(LP_OP_CAP_PYEXC) || lp_py_uses(LP_OP_CAP_PYAWAIT))
		lp_forget_sent(r.hit, pid_tgid);
	r.time = lp_now();
	r.pid = pid_tgid >> 32;
	r.tid = (__u32)pid_tgid;
	r.cpu = lp_cpu();

	struct lp_hold *h = lp_may_hold ? lp_hold_of(r.pid) : 0;
	if (h && lp_hold_at_code(h, r.hit))
		lp_hold_and_tell(h, &r);
	else
		lp_ring_put(&r, sizeof(r));
	return 0;
}

#endif
