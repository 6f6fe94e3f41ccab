/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/hit.h
 *
 * hit - one hit from the probe to the ring: run the program, send the record, count the outcome.
 * Every hit has exactly one outcome; `hits` is their sum and therefore nowhere stored.
 *
 * vm->comm, vm->pid_tgid and vm->mach are filled in before. Besides what vm.h wants, the includer supplies:
 *
 *	struct lp_counts *lp_counts_at(__u32 slot, __u32 point)	NULL outside
 *	long lp_ring_put(void *record, __u32 len)			0, or < 0: the ring is full
 *	long lp_ring_put_soon(const __u64 *record, __u32 len)	LP_LEAN: the same of any length
 *	int lp_carry_put(struct lp_vm *vm, __u32 pair)		stores vm->carry and the body
 *	int lp_carry_take(struct lp_vm *vm, __u32 pair)		fetches and forgets them; < 0: none
 *	int lp_return_dropped(void)				the kernel won't see this call return
 */
#ifndef LP_BPF_HIT_H
#define LP_BPF_HIT_H

#include "vm.h"

/* A slot has one owner at a time: its counters need no atomic addition, which would wait for all that
 * was written to the ring.
 */
#define lp_count(vm, what)                                                                         \
	do {                                                                                       \
		struct lp_counts *counts_ = lp_counts_at((vm)->id, (vm)->point);                   \
		if (counts_)                                                                       \
			counts_->what++;                                                           \
	} while (0)

lp_inline void lp_fill_header(struct lp_vm *vm, struct lp_record *r, __u32 kind)
{
	r->kind = kind;
	r->flags = vm->flags;
	r->len = vm->len;
	r->site = vm->site;
	r->point = vm->point;
	r->time = vm->time;
	r->hit = vm->hit;
	r->pid = vm->pid_tgid >> 32;
	r->tid = (__u32)vm->pid_tgid;
	r->cpu = lp_cpu();
	r->arg = 0;
	r->elapsed = vm->elapsed;
	for (int i = 0; i < LP_COMM_LEN / 8; i++)
		((lp_word *)r->comm)[i] = ((lp_word *)vm->comm)[i];
}

lp_global long lp_send(struct lp_vm *vm, __u32 kind)
{
	if (!vm)
		return -1;
	lp_fill_header(vm, (struct lp_record *)vm->rec, kind);

	__u32 len = vm->len;
	lp_opaque(len);
	if (len > LP_RECORD_MAX)
		return -1;
	return lp_ring_put(vm->rec, len);
}

/* A hit's, where a return that takes its time can be spared. */
#ifdef LP_LEAN
lp_inline long lp_send_hit(struct lp_vm *vm)
{
	lp_fill_header(vm, (struct lp_record *)vm->rec, LP_REC_HIT);
	return lp_ring_put_soon((const __u64 *)vm->rec, vm->len);
}
#else
#define lp_send_hit(vm) lp_send((vm), LP_REC_HIT)
#endif

/* The first condition of a logpoint that can't be evaluated says why. */
lp_inline void lp_report_condition(struct lp_vm *vm, struct lp_point *p)
{
	if (p->reported || __sync_val_compare_and_swap(&p->reported, 0, 1))
		return;
	vm->time = lp_now();
	vm->flags = 0;
	vm->len = sizeof(struct lp_record);
	vm->room = LP_RECORD_MAX;
	lp_vm_note(vm, LP_SLOT_COND, vm->status, vm->fault);
	if (lp_send(vm, LP_REC_COND_ERROR) < 0)
		p->reported = 0;
}

lp_inline void lp_logged(struct lp_vm *vm, struct lp_point *p)
{
	if (!vm->ticket) {
		if (!p->logged)
			p->logged = 1;
		return;
	}
	if (__sync_fetch_and_add(&p->logged, 1) + 1 == p->max) {
		vm->flags = 0;
		vm->len = sizeof(struct lp_record);
		lp_send(vm, LP_REC_RETIRED);
	}
}

/* It is another hit's then. */
lp_inline void lp_return_ticket(struct lp_vm *vm, struct lp_point *p)
{
	if (vm->ticket)
		__sync_fetch_and_add(&p->tickets, -1);
}

/* Looked up once: the kernel writes each look-up out where it stands, and moves all that follows. */
lp_inline void lp_finish(struct lp_vm *vm)
{
	struct lp_counts *counts = lp_counts_at(vm->id, vm->point);
	struct lp_point *p = lp_point_at(vm->point);

	if (!counts || !p)
		return;
	switch (vm->outcome) {
	case LP_OUT_DONE:
		if (lp_send_hit(vm) < 0) {
			counts->lost[LP_LOSS_RING]++;
			lp_return_ticket(vm, p);
		} else {
			counts->logged++;
			lp_logged(vm, p);
		}
		break;
	case LP_OUT_LIMITED:
		counts->limited++;
		break;
	case LP_OUT_COND_ERROR:
		counts->cond_errors++;
		lp_report_condition(vm, p);
		/* fall through */
	case LP_OUT_FILTERED:
		counts->filtered++;
		break;
	default:
		counts->lost[LP_LOSS_STEPS]++;
		lp_return_ticket(vm, p);
	}
}

lp_inline void lp_prepare(struct lp_vm *vm, const struct lp_site *site, __u32 id)
{
	vm->site = id;
	vm->point = site->point;
	vm->code = site->code;
	vm->ninsn = site->ninsn;
	vm->pc = 0;
	vm->resume = site->ninsn;
	vm->slot = LP_SLOT_COND;
	vm->outcome = LP_OUT_NONE;
	vm->ticket = 0;
	vm->window_at[0] = vm->window_at[1] = LP_NO_WINDOW;
	vm->window_next = 0;
	vm->flags = 0;
	vm->walk.serial++;
	vm->time = 0;
	vm->hit = 0;
	vm->elapsed = 0;
	vm->bias = vm->mach[LP_MACH_IP] - site->vaddr;
	vm->stack_at = vm->mach[LP_MACH_SP];
	vm->len = sizeof(struct lp_record);
	vm->room = lp_record_max;
}

/* By itself, as alone.h says. */
lp_global int lp_alone_finish(struct lp_vm *vm)
{
	if (vm)
		lp_finish(vm);
	return 0;
}

#ifdef LP_LEAN /* no calls */
/* mach and pid_tgid are filled in. */
lp_inline void lp_hit(struct lp_vm *vm, const struct lp_site *site, __u32 id,
		      long (*do_step)(__u32 i, struct lp_step *step))
{
	lp_prepare(vm, site, id);
	lp_vm_run(vm, do_step);
	if (do_step)
		lp_alone_finish(vm);
	else
		lp_finish(vm);
}
#else
/* The stash takes what the entry half has found out. */
lp_inline void lp_enter(struct lp_vm *vm, __u32 pair)
{
	struct lp_carry *c = &vm->carry;

	c->tid = vm->pid_tgid;
	c->sp = vm->mach[LP_MACH_SP];
	c->bias = vm->bias;
	for (int i = 0; i < LP_VM_KEEP; i++)
		c->keep[i] = vm->reg[LP_VM_REGS - LP_VM_KEEP + i];
	c->len = vm->len;
	c->outcome = vm->outcome;
	c->status = vm->status;
	c->fault = vm->fault;
	c->flags = vm->flags;
	c->time = lp_now();
	lp_carry_put(vm, pair);
}

/* The return half goes on where the entry half stopped. < 0: its stash is gone. */
lp_inline int lp_resume(struct lp_vm *vm, __u32 pair)
{
	struct lp_carry *c = &vm->carry;
	__u64 now = lp_now();

	if (lp_carry_take(vm, pair) < 0)
		return -1;
	vm->bias = c->bias;
	vm->elapsed = now - c->time;
	vm->flags = c->flags | LP_RECF_ELAPSED;
	vm->len = sizeof(struct lp_record) + c->len;
	for (int i = 0; i < LP_VM_KEEP; i++)
		vm->reg[LP_VM_REGS - LP_VM_KEEP + i] = c->keep[i];
	vm->outcome = c->outcome == LP_OUT_DONE ? LP_OUT_NONE : c->outcome;
	vm->status = c->status;
	vm->fault = c->fault;
	return 0;
}

lp_global int lp_alone_enter(struct lp_vm *vm, __u32 pair)
{
	if (vm)
		lp_enter(vm, pair);
	return 0;
}

lp_global int lp_alone_resume(struct lp_vm *vm, __u32 pair)
{
	return vm ? lp_resume(vm, pair) : -1;
}

/* mach and pid_tgid are filled in. */
lp_inline void lp_hit(struct lp_vm *vm, const struct lp_site *site, __u32 id,
		      long (*do_step)(__u32 i, struct lp_step *step))
{
	__u32 kind = site->kind;

	lp_prepare(vm, site, id);
	if (kind == LP_SITE_ENTER) {
		if (lp_return_dropped()) {
			lp_count(vm, lost[LP_LOSS_DEPTH]);
			return;
		}
		vm->len = 0;
		vm->room = LP_STASH_MAX;
	} else if (kind == LP_SITE_LEAVE && lp_alone_resume(vm, site->pair) < 0) {
		lp_count(vm, lost[LP_LOSS_STASH]);
		return;
	}
	if (vm->outcome == LP_OUT_NONE)
		lp_vm_run(vm, do_step);
	/* asked again: the verifier would follow the machine once for each kind, to know it here */
	if (*(const volatile __u32 *)&site->kind == LP_SITE_ENTER)
		lp_alone_enter(vm, site->pair);
	else
		lp_alone_finish(vm);
}
#endif

#endif
