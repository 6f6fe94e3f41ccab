/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/hold.h
 *
 * hold - stops our own command where it is not armed yet for what comes next (lp/hold.h).
 */
#ifndef LP_BPF_HOLD_H
#define LP_BPF_HOLD_H

#include <linux/signal.h>

#include "lp/hold.h"
#include "world.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_hold);
} hold SEC(".maps");

/* Of this process; NULL: it is none of ours. */
lp_inline struct lp_hold *lp_hold_of(__u32 tgid)
{
	__u32 first = 0;
	struct lp_hold *h = bpf_map_lookup_elem(&hold, &first);

	return h && h->tgid == tgid ? h : 0;
}

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

lp_inline int lp_hold_at_exec(struct lp_hold *h)
{
	if (!h->execs)
		return 1;
	h->execs--;
	return 0;
}

/* Tells the reader, who will let the command go on. The signal comes first: what ends it must not come
 * before it.
 */
lp_inline void lp_hold_and_tell(struct lp_hold *h, struct lp_record *r)
{
	r->flags = LP_RECF_HELD;
	if (bpf_send_signal(SIGSTOP)) {
		r->flags = 0;
		lp_ring_put(r, sizeof(*r));
		return;
	}
	h->held++;
	if (bpf_ringbuf_output(&ring, r, sizeof(*r), BPF_RB_FORCE_WAKEUP)) {
		bpf_send_signal(SIGCONT);
		h->held--;
	}
}

#endif
