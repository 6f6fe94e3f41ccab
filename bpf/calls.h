/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/calls.h
 *
 * calls - what goes from the entry of a call to its return.
 */
#ifndef LP_BPF_CALLS_H
#define LP_BPF_CALLS_H

#include "world.h"

struct lp_call {
	__u64 tid; /* both halves of it */
	__u64 sp;  /* at entry */
	__u64 pair;
};

struct lp_stashed {
	struct lp_carry carry;
	__u8 body[LP_STASH_MAX];
};
_Static_assert(__builtin_offsetof(struct lp_vm, rec) - __builtin_offsetof(struct lp_vm, carry) ==
		       __builtin_offsetof(struct lp_stashed, body),
	       "carry and the record's first bytes are stored as one");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LP_STASH_COUNT);
	__type(key, struct lp_call);
	__type(value, struct lp_stashed);
} stash SEC(".maps");

lp_inline int lp_return_dropped(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct uprobe_task *utask = task->utask;

	if (!bpf_core_field_exists(utask->depth))
		return 0;
	return utask && utask->depth >= LP_URETPROBE_DEPTH;
}

lp_inline int lp_carry_put(struct lp_vm *vm, __u32 pair)
{
	struct lp_call key = { .tid = vm->carry.tid, .sp = vm->carry.sp, .pair = pair };

	__u32 id = vm->id;
	struct lp_vm *own =
		bpf_map_lookup_elem(&slots, &id); /* vm, of which 6.1 takes no such value */

	return own ? bpf_map_update_elem(&stash, &key, &own->carry, BPF_ANY) : -1;
}

/* The oldest entries make room for new ones, also while we read: tid and sp tell. */
lp_inline int lp_carry_take(struct lp_vm *vm, __u32 pair)
{
	struct lp_call key = { .tid = vm->pid_tgid, .sp = vm->mach[LP_MACH_SP] - 8, .pair = pair };
	volatile struct lp_stashed *s = bpf_map_lookup_elem(&stash, &key);

	if (!s)
		return -1;

	bpf_probe_read_kernel(&vm->carry, sizeof(vm->carry), (const void *)&s->carry);
	__u32 len = vm->carry.len;
	lp_opaque(len);
	if (len > LP_STASH_MAX)
		return -1;
	bpf_probe_read_kernel(vm->rec + sizeof(struct lp_record), len, (const void *)s->body);
	if (s->carry.tid != key.tid || s->carry.sp != key.sp)
		return -1;
	bpf_map_delete_elem(&stash, &key);
	return 0;
}

#endif
