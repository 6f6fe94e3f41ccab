/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_trap.h
 *
 * python_trap - a probe at a function of the interpreter through which exceptions go. Most of these are
 * wanted by nobody: that is told by the class, of which is remembered who wants it.
 */
#ifndef LP_BPF_PYTHON_TRAP_H
#define LP_BPF_PYTHON_TRAP_H

#include "python_watch.h"

struct lp_verdict_key {
	__u64 type;
	__u32 tgid;
	__u32 pad;
};

#define LP_TRAP_NAME 4u /* words of a class's name that are compared */

struct lp_verdict {
	__u64 sites;
	__u64 mro;     /* of the class; 0: it is part of the machine code */
	__u32 version; /* of the class; 0: it has none: then its name tells, too */
	__u32 changes; /* lp_py_changes then */
	__u64 name[LP_TRAP_NAME];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_verdict_key);
	__type(value, struct lp_verdict);
} py_verdicts SEC(".maps");

/* How often each trap was run into. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LP_PY_TRAP_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} py_trap_runs SEC(".maps");

#define LP_TRAP_WORDS (LP_WINDOW / 8)

/* All of a window at once, where it is resident: most hits end with what is read so. */
static __attribute__((noinline)) long lp_trap_window(__u64 tables, __u64 *to, __u64 addr)
{
	return lp_page_left(addr) < LP_WINDOW ? -1 : lp_resident_words(tables, to, addr);
}

/* The first bytes of a window. */
lp_inline long lp_trap_read(__u64 tables, __u64 *to, __u32 len, __u64 addr)
{
	return lp_trap_window(tables, to, addr) ? lp_mem_read(to, len, addr) : 0;
}

/* The thread's PyThreadState, as far as it is known without looking for it; 0: not. Up to 3.11 it is the
 * one that may run.
 */
static __attribute__((noinline)) __u64 lp_trap_tstate(const struct lp_py_runtime *rt,
						      __u64 pid_tgid, __u64 tables)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 words[LP_TRAP_WORDS];

	if (l->runtime_tstate != LP_PY_NONE)
		return lp_trap_read(tables, words, 8, rt->runtime + l->runtime_tstate) ? 0
										       : words[0];

	struct lp_pyvm_thread *t = lp_pyvm_thread_of(pid_tgid);
	__u64 tstate = t ? t->tstate : 0;
	if (!tstate || lp_trap_read(tables, words, 8, tstate + l->tstate_thread_id) ||
	    words[0] != lp_thread_pointer())
		return 0;
	return tstate;
}

#define LP_TRAP_UNKNOWN 1ull

/* The exception's class; 0: none is set, or it has left a frame already. */
static __attribute__((noinline)) __u64 lp_trap_glance(const struct lp_py_runtime *rt, __u64 tstate,
						      __u64 tables)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 words[LP_TRAP_WORDS], value[LP_TRAP_WORDS];

	if (lp_trap_read(tables, words, 24, tstate + l->tstate_exception))
		return LP_TRAP_UNKNOWN;
	if (!words[0])
		return 0;
	if (l->minor >= 12) { /* ob_type, dict, args, notes, traceback */
		if (lp_trap_read(tables, value, 8, words[0] + l->ob_type) ||
		    lp_trap_read(tables, words, 32, words[0] + l->ob_type + 8))
			return LP_TRAP_UNKNOWN;
		return words[3] ? 0 : value[0];
	}
	/* type, value, traceback; a value of another class may be of one below */
	if (words[2])
		return 0;
	if (!words[1])
		return words[0];
	if (lp_trap_read(tables, value, 8, words[1] + l->ob_type))
		return LP_TRAP_UNKNOWN;
	return value[0] == words[0] || value[0] == rt->type_str || value[0] == rt->type_tuple ||
			       value[0] == rt->type_long
		       ? words[0]
		       : LP_TRAP_UNKNOWN;
}

/* The beginning of the class's name. */
static __attribute__((noinline)) long lp_trap_name(const struct lp_py_layout *l, __u64 type,
						   __u64 *ret)
{
	__u64 name;

	if (lp_mem_read(&name, sizeof(name), type + l->tp_name))
		return -1;
	return lp_mem_read_str((char *)ret, LP_TRAP_NAME * 8, name) < 0 ? -1 : 0;
}

/* Is it still the class that the verdict is about? What is freed can be another's, at the same address;
 * of a class that has a version, that is its own.
 */
static __attribute__((noinline)) int lp_trap_is_same(const struct lp_py_layout *l, __u64 type,
						     const struct lp_verdict *v, __u64 tables)
{
	__u64 words[LP_TRAP_WORDS], name[LP_TRAP_NAME] = { 0 };

	if (lp_trap_read(tables, words, 4, type + l->tp_version_tag) ||
	    (__u32)words[0] != v->version)
		return 0;
	if (v->version)
		return 1;
	if (lp_mem_read(words, 8, type + l->tp_mro) || words[0] != v->mro)
		return 0;
	if (lp_trap_name(l, type, name) < 0)
		return 0;
	for (__u32 i = 0; i < LP_TRAP_NAME; i++)
		if (name[i] != v->name[i])
			return 0;
	return 1;
}

/* Who wants the class, as it was found; NULL: that has to be found out. */
static __attribute__((noinline)) const struct lp_verdict *
lp_trap_verdict(const struct lp_py_layout *l, __u64 type, __u32 tgid, __u64 tables)
{
	struct lp_verdict_key key = { .type = type, .tgid = tgid };
	const struct lp_verdict *v = bpf_map_lookup_elem(&py_verdicts, &key);

	if (!v || v->changes != lp_py_changes)
		return 0;
	return !v->mro || lp_trap_is_same(l, type, v, tables) ? v : 0;
}

/* Does surely nobody want what goes through here? */
static __attribute__((noinline)) int lp_trap_is_idle(__u64 pid_tgid, __u32 number)
{
	const struct lp_py_runtime *rt = lp_py_runtime_at(number);
	const __u64 tables = lp_tables_of(bpf_get_current_task_btf());
	__u64 tstate = rt ? lp_trap_tstate(rt, pid_tgid, tables) : 0;
	__u64 type = tstate ? lp_trap_glance(rt, tstate, tables) : LP_TRAP_UNKNOWN;

	if (!type)
		return 1;
	if (type == LP_TRAP_UNKNOWN || !rt)
		return 0;

	const struct lp_verdict *v = lp_trap_verdict(&rt->layout, type, pid_tgid >> 32, tables);
	return v && !v->sites;
}

/* vm->py.wanted */
static __attribute__((noinline)) void lp_trap_judge(struct lp_vm *vm)
{
	const struct lp_py_layout *l = &vm->rt.layout;
	struct lp_verdict_key key = { .type = vm->py.raised_type, .tgid = vm->pid_tgid >> 32 };
	const struct lp_verdict *known = lp_trap_verdict(l, key.type, key.tgid, vm->tables);
	struct lp_verdict now = { .changes = lp_py_changes };
	__u64 flags;

	if (known) {
		vm->py.wanted = known->sites;
		return;
	}
	lp_pyvm_judge(vm, key.type);
	now.sites = vm->py.wanted;
	if (lp_pyvm_u64(vm, key.type + l->tp_flags, &flags) < 0)
		return;
	if (flags & LP_PY_TP_HEAPTYPE) {
		__u64 version;

		if (lp_pyvm_u64(vm, key.type + l->tp_mro, &now.mro) < 0 || !now.mro ||
		    lp_pyvm_get(vm, key.type + l->tp_version_tag, 4, &version) < 0 ||
		    lp_trap_name(l, key.type, now.name) < 0)
			return;
		now.version = version;
	}
	bpf_map_update_elem(&py_verdicts, &key, &now, BPF_ANY);
}

static __attribute__((noinline)) int lp_trap_thread(struct lp_vm *vm)
{
	lp_pyvm_forget(vm);
	return !lp_pyvm_know_thread(vm, &vm->rt, lp_pyvm_thread_of(vm->pid_tgid));
}

/* The thread, and what it has raised: is it wanted? */
static __attribute__((noinline)) int lp_trap_arrive(struct lp_vm *vm)
{
	if (!lp_trap_thread(vm) || !lp_pyvm_find_raised(vm))
		return 0;
	lp_trap_judge(vm);
	return vm->py.wanted != 0;
}

lp_inline void lp_trap_count(__u32 trap)
{
	__u64 *runs = bpf_map_lookup_elem(&py_trap_runs, &trap);

	if (runs)
		++*runs;
}

/* PyTraceBack_Here(frame) */
SEC("uprobe")
int lp_trap(struct pt_regs *ctx)
{
	__u64 pid_tgid = lp_pid_tgid();
	__u32 number = lp_py_runtime_of(pid_tgid);

	if (!number)
		return 0;
	lp_trap_count(LP_PY_TRAP_RAISE);
	if (lp_trap_is_idle(pid_tgid, number - 1))
		return 0;

	__u32 first = lp_py_first_site(LP_PY_AT_RAISE, number - 1);
	struct lp_vm *vm = lp_py_take(pid_tgid, number - 1, first, ctx->rip);
	if (!vm)
		return 0;

	if (lp_trap_arrive(vm)) {
		copy_registers(vm->mach, ctx);
		lp_pyvm_raised_in(vm, ctx->rdi);
		lp_pyvm_run(vm);
	}
	give_slot(vm);
	return 0;
}

#endif
