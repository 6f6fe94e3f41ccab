/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_world.h
 *
 * python_world - what the machine for Python (python.h) asks of the kernel. Rooms of one entry are
 * made bigger at load by user/probe/ where there are Python logpoints.
 */
#ifndef LP_BPF_PYTHON_WORLD_H
#define LP_BPF_PYTHON_WORLD_H

#include "python_maps.h"

/* Hashes (lp/pybody.h) of names whose values are not to be copied. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} py_redacted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64); /* both halves of its number */
	__type(value, struct lp_pyvm_thread);
} py_threads SEC(".maps");

/* Of each interpreter, the instructions that read units to execute them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lp_py_fetch_key);
	__type(value, struct lp_py_fetch);
} py_fetches SEC(".maps");

struct lp_pyvm_frame_key {
	__u64 frame;
	__u32 tgid, line; /* of each line of its own: others are hit in between */
};

/* Of frames in which a line has started at one unit and may go on at another that starts it, too. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_pyvm_frame_key);
	__type(value, struct lp_pyvm_latest);
} py_latest SEC(".maps");

volatile __u32 lp_pyvm_leads; /* there was one */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_pyvm_cache);
} py_caches SEC(".maps");

lp_inline const struct lp_py_runtime *lp_py_runtime_at(__u32 number)
{
	return bpf_map_lookup_elem(&py_runtimes, &number);
}

/* As lp_code(), without a look-up: user/probe/ puts the address in. */
lp_inline const struct lp_insn *lp_all_code(void)
{
	const struct lp_insn *all;

	__asm__("%0 = %1 ll" : "=r"(all) : "i"(LP_CODE_ADDRESS));
	return all;
}

/* Of LP_PY_OPS, a bit each. Set before load. */
const volatile __u64 lp_py_used = ~0ull;
#define lp_py_uses(op) (lp_py_used >> ((op)-LP_OP_PY_INT) & 1)

volatile __u32 lp_py_changes; /* of runtimes, places and fetches; user/probe/ counts them */

lp_inline const struct lp_py_runtime *lp_py_rt(struct lp_vm *vm)
{
	return &vm->rt;
}

/* The interpreter of a hit. A copy in the slot's own memory, as a look-up wherever it is needed costs
 * the hit less than the kernel's verifier, which writes each out as eight instructions and then moves all
 * that follow.
 */
lp_inline int lp_py_take_runtime(struct lp_vm *vm, __u32 number)
{
	__u64 is = (__u64)lp_py_changes << 32 | (number + 1);
	const struct lp_py_runtime *rt;

	if (vm->rt_is == is)
		return 0;
	rt = lp_py_runtime_at(number);
	if (!rt || bpf_probe_read_kernel(&vm->rt, sizeof(vm->rt), rt))
		return -1;
	vm->rt_is = is;
	return 0;
}

lp_inline const struct lp_py_site *lp_py_site_at(__u32 id)
{
	return bpf_map_lookup_elem(&py_sites, &id);
}

/* Code objects whose names and lines the reader has, by address and process. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_py_place_key);
	__type(value, __u64); /* its co_name */
} py_sent SEC(".maps");

lp_inline int lp_py_code_sent(struct lp_vm *vm, __u64 code)
{
	struct lp_py_place_key key = { .addr = code, .runtime = vm->pid_tgid >> 32 };
	__u64 *known = bpf_map_lookup_elem(&py_sent, &key), name;

	if (bpf_probe_read_user(&name, sizeof(name), (void *)(code + vm->rt.layout.code_name)))
		return 1;
	if (known && *known == name)
		return 1;
	bpf_map_update_elem(&py_sent, &key, &name, BPF_ANY);
	return 0;
}

/* By name: which sites want a class. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lp_py_wanted_key);
	__type(value, struct lp_py_wanted);
} py_wanted SEC(".maps");

lp_inline const struct lp_py_wanted *lp_py_wanted_at(struct lp_vm *vm, __u64 hash)
{
	struct lp_py_wanted_key key = { .hash = hash, .runtime = (__u32)vm->rt_is - 1 };

	return bpf_map_lookup_elem(&py_wanted, &key);
}

lp_inline int lp_py_is_redacted(__u64 hash)
{
	return bpf_map_lookup_elem(&py_redacted, &hash) != 0;
}

lp_inline struct lp_pyvm_cache *lp_pyvm_cache_at(__u32 n)
{
	return bpf_map_lookup_elem(&py_caches, &n);
}

/* Apart, for a small stack. */
static __attribute__((noinline)) struct lp_pyvm_thread *lp_pyvm_thread_of(__u64 pid_tgid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct lp_pyvm_thread *t = bpf_map_lookup_elem(&py_threads, &pid_tgid);

	if (t && t->start == task->start_time)
		return t;

	struct lp_pyvm_thread fresh = { .start = task->start_time };
	bpf_map_update_elem(&py_threads, &pid_tgid, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&py_threads, &pid_tgid);
}

/* The thread that runs. */
lp_inline void lp_pyvm_meet(struct lp_vm *vm, struct task_struct *task)
{
	vm->py.thread_id = task->thread.fsbase;
	vm->py.start = task->start_time;
}

/* A thread has had a profile or trace function, in 3.10 or 3.11. */
volatile __u32 lp_pyvm_traced;

lp_inline void lp_pyvm_latest_get(struct lp_vm *vm, const struct lp_py_site *site)
{
	struct lp_pyvm_frame_key key = { .frame = vm->py.frame,
					 .tgid = vm->pid_tgid >> 32,
					 .line = LP_PY_SITE_LINE(site->flags) };
	struct lp_pyvm_latest *l = lp_pyvm_leads ? bpf_map_lookup_elem(&py_latest, &key) : 0;

	vm->py.latest = l ? *l : (struct lp_pyvm_latest){ 0 };
}

/* Only those that lead are kept. */
lp_inline void lp_pyvm_latest_put(struct lp_vm *vm, const struct lp_py_site *site)
{
	struct lp_pyvm_frame_key key = { .frame = vm->py.frame,
					 .tgid = vm->pid_tgid >> 32,
					 .line = LP_PY_SITE_LINE(site->flags) };
	struct lp_pyvm_latest now = { .unit = site->unit,
				      .code = site->code,
				      .flags = site->flags };

	if (site->flags & LP_PY_SITE_LEADS) {
		lp_pyvm_leads = 1;
		bpf_map_update_elem(&py_latest, &key, &now, BPF_ANY);
	} else if (vm->py.latest.flags) {
		bpf_map_delete_elem(&py_latest, &key);
	}
}

/* The number of a process's runtime, + 1; 0: it has none, or is no target. */
lp_inline __u32 lp_py_runtime_of(__u64 pid_tgid)
{
	__u32 tgid = pid_tgid >> 32, *runtime = bpf_map_lookup_elem(&targets, &tgid);

	return runtime ? *runtime : 0;
}

/* The same, of most hits without a look-up. */
lp_inline __u32 lp_py_known_runtime(struct lp_vm *vm, __u64 pid_tgid)
{
	const __u32 tgid = pid_tgid >> 32, lives = lp_live.lives; /* read before the look-up */
	struct lp_pyvm_known *k = &vm->known;

	if (k->tgid == tgid && k->lives == lives)
		return k->runtime;

	const __u32 runtime = lp_py_runtime_of(pid_tgid);
	k->tgid = runtime ? tgid : 0;
	k->lives = lives;
	k->runtime = runtime;
	return runtime;
}

#endif
