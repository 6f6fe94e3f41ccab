/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_frame.h
 *
 * python_frame - which Python thread and frame a hit is in, whether that frame is about to execute
 * the site's code unit, and the frame's variables.
 *
 * Besides what the others want, the includer supplies:
 *
 *	struct lp_pyvm_thread *lp_pyvm_thread_of(__u64 pid_tgid)	what is known; NULL: no room
 *	__u32 lp_pyvm_traced		a thread has had a profile or trace function, in 3.10 or 3.11
 *	void lp_pyvm_latest_get(struct lp_vm *vm, const struct lp_py_site *site)
 *			what the latest hit of the site's line in vm->py.frame was, or zeros
 *	void lp_pyvm_latest_put(struct lp_vm *vm, const struct lp_py_site *site)
 */
#ifndef LP_BPF_PYTHON_FRAME_H
#define LP_BPF_PYTHON_FRAME_H

#define LP_PYVM_INSTRUMENTED                                                                       \
	236 /* opcodes from here on: MIN_INSTRUMENTED_OPCODE of 3.13, 237 in 3.12 */

#define LP_PYVM_EVENTS 0xffull /* _PY_EVAL_EVENTS_MASK, from 3.13 on */
#define LP_PYVM_ACTIVE 0x10    /* PyThreadState._status.active, from 3.12 on */

/* A thread that runs in several interpreters, one within the other, has a PyThreadState in each: is this
 * the one that runs? Up to 3.11 one lock serves them all, and who holds it is known.
 */
lp_inline int lp_pyvm_runs(struct lp_vm *vm, const struct lp_py_layout *l, __u64 tstate)
{
	__u64 status;

	return l->tstate_status == LP_PY_NONE ||
	       (lp_pyvm_get(vm, tstate + l->tstate_status, 4, &status) >= 0 &&
		status & LP_PYVM_ACTIVE);
}

/* The PyThreadState whose thread is vm->py.thread_id: one step along those of all interpreters. */
static long lp_pyvm_thread_step(__u32 i, struct lp_step *step)
{
	struct lp_vm *vm = step->vm;
	const struct lp_py_runtime *rt = lp_py_rt(vm);
	__u64 id;

	(void)i;
	if (!rt)
		return 1;

	const struct lp_py_layout *l = &rt->layout;
	if (!vm->py.base) { /* the next interpreter */
		__u64 interp = vm->py.object;

		if (!interp || lp_pyvm_u64(vm, interp + l->interp_threads, &vm->py.base) < 0 ||
		    lp_pyvm_u64(vm, interp + l->interp_next, &vm->py.object) < 0)
			return 1;
		return 0;
	}
	if (lp_pyvm_u64(vm, vm->py.base + l->tstate_thread_id, &id) < 0)
		return 1;
	if (id == vm->py.thread_id) {
		vm->py.tstate = vm->py.base;
		if (lp_pyvm_runs(vm, l, vm->py.base))
			return 1;
	}
	return lp_pyvm_u64(vm, vm->py.base + l->tstate_next, &vm->py.base) < 0;
}

/* Is it of this thread, and the one that runs? In this order, as the status lies beside the frame. */
lp_inline int lp_pyvm_is_thread(struct lp_vm *vm, const struct lp_py_layout *l, __u64 tstate)
{
	__u64 id;

	return tstate && lp_pyvm_runs(vm, l, tstate) &&
	       lp_pyvm_u64(vm, tstate + l->tstate_thread_id, &id) >= 0 && id == vm->py.thread_id;
}

/* vm->py.tstate of the thread vm->py.thread_id, 0 or 1: there is none. known: what it was last time. */
lp_inline long lp_pyvm_find_thread(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 known)
{
	struct lp_step step = { .vm = vm };
	const struct lp_py_layout *l = &rt->layout;

	if (l->runtime_tstate != LP_PY_NONE &&
	    lp_pyvm_u64(vm, rt->runtime + l->runtime_tstate, &known) < 0)
		return 1;
	vm->py.tstate = known;
	if (lp_pyvm_is_thread(vm, l, known))
		return 0;
	vm->py.tstate = vm->py.base = 0;
	if (lp_pyvm_u64(vm, rt->runtime + rt->layout.runtime_interpreters, &vm->py.object) < 0)
		return 1;
	lp_loop_seldom(LP_PY_THREADS_MAX, lp_pyvm_thread_step, &step);
	return !vm->py.tstate;
}

/* The same, where `t` is what is known of the thread: NULL: nothing can be. */
lp_inline long lp_pyvm_know_thread(struct lp_vm *vm, const struct lp_py_runtime *rt,
				   struct lp_pyvm_thread *t)
{
	if (lp_pyvm_find_thread(vm, rt, t ? t->tstate : 0))
		return 1;
	if (t)
		t->tstate = vm->py.tstate;
	return 0;
}

/* Who executes bytecode holds the lock, up to 3.11: is that who this thread has been before? */
lp_inline int lp_pyvm_holds_lock(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 known)
{
	__u16 at = rt->layout.runtime_tstate;

	return known && at != LP_PY_NONE &&
	       lp_pyvm_lone(vm, rt->runtime + at, &vm->py.tstate) >= 0 && vm->py.tstate == known;
}

lp_inline int lp_pyvm_is_known(const struct lp_vm *vm)
{
	return vm->known.pid_tgid == vm->pid_tgid && vm->known.start == vm->py.start;
}

/* vm->py.tstate: 0, or 1: there is none. The slot remembers it, of the thread that it has last served. */
lp_inline long lp_pyvm_meet_thread(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	struct lp_pyvm_thread *t = lp_pyvm_is_known(vm) ? 0 : lp_pyvm_thread_of(vm->pid_tgid);
	__u64 known = t ? t->tstate : lp_pyvm_is_known(vm) ? vm->known.tstate : 0;

	if (!lp_pyvm_holds_lock(vm, rt, known) && lp_pyvm_find_thread(vm, rt, known))
		return 1;
	if (vm->py.tstate == known && !t)
		return 0;
	if (!t)
		t = lp_pyvm_thread_of(vm->pid_tgid);
	if (!t)
		return 0;
	t->tstate = vm->py.tstate;
	vm->known.pid_tgid = vm->pid_tgid;
	vm->known.start = vm->py.start;
	vm->known.tstate = vm->py.tstate;
	vm->known.named = t->named;
	return 0;
}

/* The code that a frame runs. */
lp_inline long lp_pyvm_code_of(struct lp_vm *vm, const struct lp_py_layout *l, __u64 frame,
			       __u64 *ret)
{
	if (lp_pyvm_u64(vm, frame + l->frame_code, ret) < 0)
		return -LP_ST_UNREADABLE;
	*ret &= ~(__u64)l->frame_tags;
	return 0;
}

/* What 3.10 and 3.11 call while they execute: they then read a unit more than once. */
enum lp_pyvm_hook { LP_HOOK_NONE, LP_HOOK_PROFILE, LP_HOOK_TRACE };

/* Is there any? They stand beside what leads to the frame, which was just read. */
lp_inline void lp_pyvm_find_hooks(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 at = vm->py.tstate + l->tstate_tracefunc, profile, trace;

	vm->py.hooked = (l->minor == 10 || l->minor == 11) &&
			lp_pyvm_near(vm, at - sizeof(profile), 8, &profile) >= 0 &&
			lp_pyvm_near(vm, at, 8, &trace) >= 0 && (trace | profile);
	if (vm->py.hooked)
		lp_pyvm_traced = 1;
}

lp_inline enum lp_pyvm_hook lp_pyvm_hook(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 at = vm->py.tstate + l->tstate_tracefunc, trace, tracing;

	if (!vm->py.hooked || lp_pyvm_u64(vm, at, &trace) < 0 ||
	    lp_pyvm_get(vm, vm->py.tstate + l->tstate_tracing, 4, &tracing) < 0 || tracing)
		return LP_HOOK_NONE;
	return trace ? LP_HOOK_TRACE : LP_HOOK_PROFILE;
}

/* vm->py.frame and its code. */
lp_inline long lp_pyvm_find_frame(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 at = vm->py.tstate + l->tstate_frame;

	if (l->cframe_frame != LP_PY_NONE) { /* 3.11, 3.12 */
		if (lp_pyvm_u64(vm, at, &at) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_find_hooks(vm, l);
		at += l->cframe_frame;
	}
	if (l->cframe_frame == LP_PY_NONE) {
		if (lp_pyvm_u64(vm, at, &vm->py.frame) < 0)
			return -LP_ST_UNREADABLE;
		lp_pyvm_find_hooks(vm, l);
	} else if (lp_pyvm_lone(vm, at, &vm->py.frame) < 0) {
		return -LP_ST_UNREADABLE;
	}
	if (!vm->py.frame)
		return -LP_ST_UNREADABLE;
	if (lp_pyvm_code_of(vm, l, vm->py.frame, &vm->py.code) < 0)
		return -LP_ST_UNREADABLE;
	return 0;
}

/* Does the call end in a RecursionError instead (_Py_EnterRecursiveCall())? While one is dealt with, which
 * the words behind the depth say, it doesn't.
 */
lp_inline int lp_pyvm_too_deep(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 at = rt->runtime + l->runtime_depths, depth, limit;

	if (l->interp_depths != LP_PY_NONE) {
		if (lp_pyvm_u64(vm, vm->py.tstate + l->tstate_interp, &at) < 0)
			return 0;
		at += l->interp_depths;
	}
	return lp_pyvm_u64(vm, vm->py.tstate + l->tstate_depth, &depth) >= 0 &&
	       lp_pyvm_get(vm, at, 4, &limit) >= 0 && !(__u16)(depth >> 32) &&
	       (__u32)depth >= (__u32)limit;
}

/* The loop's function was called for the frame vm->py.frame: does it begin now? */
lp_inline int lp_pyvm_called(struct lp_vm *vm, const struct lp_py_runtime *rt)
{
	const struct lp_py_layout *l = &rt->layout;
	__u64 last;

	return lp_pyvm_u64(vm, vm->py.frame + l->frame_code, &vm->py.code) >= 0 &&
	       lp_pyvm_get(vm, vm->py.frame + l->frame_lasti, 4, &last) >= 0 && (__s32)last == -1 &&
	       !lp_pyvm_too_deep(vm, rt);
}

/* A RESUME whose code is not instrumented as it is to be does that first, and then begins again. 3.12
 * moves the frame on before, so that the second is known; from 3.13 on the first is.
 */
lp_inline int lp_pyvm_resumes(struct lp_vm *vm, const struct lp_py_layout *l, __u64 unit)
{
	__u64 last, wanted, version, tracing;

	if (!l->lasti_is_next)
		return lp_pyvm_u64(vm, vm->py.frame + l->frame_lasti, &last) >= 0 && last != unit;
	if (lp_pyvm_u64(vm, vm->py.tstate + l->tstate_breaker, &wanted) < 0 ||
	    lp_pyvm_u64(vm, vm->py.code + l->code_instrumented, &version) < 0 ||
	    lp_pyvm_get(vm, vm->py.tstate + l->tstate_tracing, 4, &tracing) < 0)
		return 0;
	return version == (wanted & ~LP_PYVM_EVENTS) || tracing;
}

/* Is the frame about to execute the unit that was read, for the first time? What the thread has hit
 * before tells a second reading by its place in the interpreter's code.
 */
lp_inline int lp_pyvm_about_to(struct lp_vm *vm, const struct lp_py_layout *l, __u64 unit,
			       struct lp_pyvm_thread *t, __u64 ip, __u32 flags)
{
	__u64 last, bytes;
	const int is_repeat = vm->py.fetched & LP_PY_FETCH_REPEAT;
	int may_be_second;

	if (l->lasti_unit) {
		if (lp_pyvm_get(vm, vm->py.frame + l->frame_lasti, 4, &last) < 0 ||
		    lp_pyvm_u64(vm, vm->py.code + l->code_code, &bytes) < 0)
			return 0;
		last = bytes + l->bytes_data + (__u64)(__s64)(__s32)last * l->lasti_unit;

		enum lp_pyvm_hook hook = l->minor == 10 ? lp_pyvm_hook(vm, l) : LP_HOOK_NONE;
		/* Compilers let the loop read a unit before it stores where it is. While 3.10
		 * traces, that is not the read which counts but the next one, whatever the thread
		 * has hit before; of a probe it is no hit.
		 */
		if (last != unit && (!ip || hook == LP_HOOK_TRACE || is_repeat)) {
			if (t && hook == LP_HOOK_TRACE)
				t->frame = 0;
			return 0;
		}
		may_be_second = hook != LP_HOOK_NONE || is_repeat;
	} else {
		if (lp_pyvm_near(vm, vm->py.frame + l->frame_lasti, 8, &last) < 0)
			return 0;
		may_be_second =
			last == unit || (l->minor == 11 && lp_pyvm_hook(vm, l) != LP_HOOK_NONE);
		if (last == unit && !l->lasti_is_next) { /* what comes next is a new start */
			if (t)
				t->frame = 0;
			return 0;
		}
		/* From 3.13 on it is so of each unit that a frame begins or goes on with, too:
		 * frames of many calls are at one place, and calls and returns of all kinds read
		 * it. Only a RESUME is executed again.
		 */
		if (l->lasti_is_next && flags & LP_PY_SITE_RESUMES)
			return lp_pyvm_resumes(vm, l, unit);
		if (last == unit)
			may_be_second = 0;
	}
	if (!t)
		return 1;

	int is_second = may_be_second && t->frame == vm->py.frame && t->unit == unit && t->ip != ip;
	t->frame = is_second ? 0 : vm->py.frame;
	t->unit = unit;
	t->ip = ip;
	return !is_second;
}

/* 3.11: each instruction goes through the one that calls trace functions. */
lp_inline int lp_pyvm_in_tracing(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 cframe, tracing;

	return l->minor == 11 && lp_pyvm_u64(vm, vm->py.tstate + l->tstate_cframe, &cframe) >= 0 &&
	       lp_pyvm_get(vm, cframe + l->cframe_tracing, 1, &tracing) >= 0 && tracing;
}

/* Does it matter what the thread has hit before? Elsewhere a second reading is known by the frame. */
lp_inline int lp_pyvm_looks_back(const struct lp_py_layout *l, __u32 flags)
{
	return l->lasti_unit || flags & LP_PY_SITE_STEPS || lp_pyvm_traced;
}

/* The same of a probe where the instruction begins. From 3.11 on the frame is behind by one instruction,
 * unless this one begins again, as the interpreter has tried to specialise it: it does when the
 * counter in its cache (a backoff counter from 3.13 on) is at its end. An instrumented one is never
 * specialised, and what is in its place has moved the frame on; so it is with 3.11's DO_TRACING. Where
 * a call comes back to, 3.13 has moved it on, too.
 */
lp_inline int lp_pyvm_begins(struct lp_vm *vm, const struct lp_py_layout *l, __u64 unit,
			     struct lp_pyvm_thread *t, __u32 flags)
{
	__u64 last, op, counter = 0;

	if (l->lasti_unit)
		return lp_pyvm_about_to(vm, l, unit, 0, 0, 0);
	if (flags & LP_PY_SITE_RESUMES)
		return lp_pyvm_resumes(vm, l, unit);
	if (!(flags & LP_PY_SITE_CACHED) || !t)
		return 1;
	if (lp_pyvm_u64(vm, vm->py.frame + l->frame_lasti, &last) < 0 ||
	    lp_pyvm_get(vm, unit, 1, &op) < 0 || lp_pyvm_get(vm, unit + 2, 2, &counter) < 0)
		return 0;
	int is_behind = last != unit || op >= LP_PYVM_INSTRUMENTED || lp_pyvm_in_tracing(vm, l);
	int again = !is_behind &&
		    (!l->lasti_is_next || (t->frame == vm->py.frame && t->unit == unit && t->ip));
	if (again)
		return 0;
	t->frame = vm->py.frame;
	t->unit = unit;
	t->ip = counter >> 4 == 0; /* whether it will begin again */
	return 1;
}

/* The code object is still the one that the site is in. */
lp_inline int lp_pyvm_same_code(struct lp_vm *vm, const struct lp_py_layout *l,
				const struct lp_py_site *site)
{
	__u64 name, filename, line;

	return vm->py.code == site->code &&
	       lp_pyvm_get(vm, site->code + l->code_firstlineno, 4, &line) >= 0 &&
	       line == site->firstlineno &&
	       lp_pyvm_near(vm, site->code + l->code_filename, 8, &filename) >= 0 &&
	       filename == site->filename &&
	       lp_pyvm_near(vm, site->code + l->code_name, 8, &name) >= 0 && name == site->name;
}

lp_inline long lp_pyvm_object_result(struct lp_vm *vm, __u64 object, __u32 status)
{
	lp_pyvm_result(vm, LP_PY_OBJECT, object);
	return object ? 0 : -(long)status;
}

/* What a cell holds. From 3.12 on the variable of one comprehension can be in a cell and that of another,
 * in the same place, not.
 */
lp_inline long lp_pyvm_cell(struct lp_vm *vm, const struct lp_py_runtime *rt, __u64 *v)
{
	__u64 type;

	if (lp_pyvm_u64(vm, *v + rt->layout.ob_type, &type) < 0)
		return -LP_ST_UNREADABLE;
	return type == rt->type_cell ? lp_pyvm_u64(vm, *v + rt->layout.cell_ref, v) : 0;
}

/* PY_FAST, PY_CELL, PY_RETURN, PY_CONST */
lp_global long lp_pyvm_op_frame(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;
	__u64 v;

	if (!rt)
		return -LP_ST_UNREADABLE;
	if (vm->py.fetched & LP_PY_FETCH_BLIND ||
	    (vm->py.op == LP_OP_PY_RETURN && vm->py.fetched & LP_PY_FETCH_STACK))
		return -LP_ST_UNAVAILABLE;

	const struct lp_py_layout *l = &rt->layout;
	__u64 n = vm->py.n & 0xffffff;
	if (vm->py.op == LP_OP_PY_CONST) {
		if (lp_pyvm_u64(vm, vm->py.code + l->code_consts, &v) < 0 ||
		    lp_pyvm_u64(vm, v + l->tuple_items + n * 8, &v) < 0)
			return -LP_ST_UNREADABLE;
		return lp_pyvm_object_result(vm, v, LP_ST_UNREADABLE);
	}
	if (vm->py.op == LP_OP_PY_RETURN)
		n = vm->py.stack_base;
	if (lp_pyvm_u64(vm, vm->py.frame + l->frame_localsplus + n * 8, &v) < 0)
		return -LP_ST_UNREADABLE;
	v &= ~(__u64)l->frame_tags;
	if (vm->py.op == LP_OP_PY_CELL && v && lp_pyvm_cell(vm, rt, &v) < 0)
		return -LP_ST_UNREADABLE;
	return lp_pyvm_object_result(vm, v, LP_ST_UNBOUND);
}

/* View NAME in a namespace of the frame: 1, 0 or < 0. */
lp_inline long lp_pyvm_in_namespace(struct lp_vm *vm, const struct lp_py_runtime *rt, __u16 at)
{
	__u64 dict, type, flags;

	if (lp_pyvm_u64(vm, vm->py.frame + at, &dict) < 0)
		return -LP_ST_UNREADABLE;
	if (!dict)
		return 0;
	if (lp_pyvm_u64(vm, dict + rt->layout.ob_type, &type) < 0 ||
	    lp_pyvm_u64(vm, type + rt->layout.tp_flags, &flags) < 0)
		return -LP_ST_UNREADABLE;
	if (!(flags & LP_PY_TP_DICT) || type != rt->type_dict)
		return -LP_ST_RUNS_CODE;
	return lp_pyvm_dict_name(vm, &rt->layout, dict);
}

/* The variable of a comprehension that runs in a class's or module's own frame, from 3.12 on: it is
 * bound while that runs, and cleared before and after. 1, 0 or < 0.
 */
lp_inline long lp_pyvm_hidden(struct lp_vm *vm, const struct lp_py_layout *l)
{
	__u64 n = vm->py.n & (LP_PY_HIDDEN_CELL - 1), v;

	if (!n)
		return 0;
	if (lp_pyvm_u64(vm, vm->py.frame + l->frame_localsplus + (n - 1) * 8, &v) < 0)
		return -LP_ST_UNREADABLE;
	v &= ~(__u64)l->frame_tags;
	if (v && (vm->py.n & LP_PY_HIDDEN_CELL) && lp_pyvm_u64(vm, v + l->cell_ref, &v) < 0)
		return -LP_ST_UNREADABLE;
	if (v)
		lp_pyvm_result(vm, LP_PY_OBJECT, v);
	return !!v;
}

/* View NAME in the namespaces of the frame. */
lp_inline long lp_pyvm_by_name(struct lp_vm *vm, const struct lp_py_runtime *rt, int with_locals)
{
	long r = with_locals ? lp_pyvm_in_namespace(vm, rt, rt->layout.frame_locals) : 0;

	if (!r)
		r = lp_pyvm_in_namespace(vm, rt, rt->layout.frame_globals);
	if (!r)
		r = lp_pyvm_in_namespace(vm, rt, rt->layout.frame_builtins);
	if (r == 1)
		lp_pyvm_result(vm, LP_PY_OBJECT, vm->py.probe.value);
	return r < 0 ? r : r ? 0 : -LP_ST_UNBOUND;
}

/* PY_NAME, PY_GLOBAL */
lp_global long lp_pyvm_op_name(struct lp_vm *vm)
{
	const struct lp_py_runtime *rt = vm ? lp_py_rt(vm) : 0;

	if (!rt)
		return -LP_ST_UNREADABLE;
	if (vm->py.fetched & LP_PY_FETCH_BLIND)
		return -LP_ST_UNAVAILABLE;

	long r = vm->py.op == LP_OP_PY_NAME ? lp_pyvm_hidden(vm, &rt->layout) : 0;
	if (r)
		return r < 0 ? r : 0;
	r = lp_pyvm_name_constant(vm, vm->py.imm);
	return r < 0 ? r : lp_pyvm_by_name(vm, rt, vm->py.op == LP_OP_PY_NAME);
}

#endif
