/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/pyvm_world.h
 *
 * pyvm_world - the kernel side's machine for Python sites, on the host. The includer supplies
 *
 *	long lp_mem_read(void *dst, __u32 len, __u64 addr)
 *
 * and gets pyvm_run(), which runs a program in the frame that vm.py says.
 */
#ifndef LP_TESTS_PYVM_WORLD_H
#define LP_TESTS_PYVM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/state.h"
#include "host_loop.h"

#define PYVM_CODE 512

static struct {
	struct lp_insn code[PYVM_CODE];
	struct lp_point point;
	struct lp_counts counts;
	struct lp_py_site py_site;
	struct lp_site site;
	const struct lp_py_runtime *runtime;
	struct lp_pyvm_cache caches[LP_PYVM_CACHES];
	struct lp_pyvm_thread thread;
	uint64_t thread_pointer;
	unsigned int n_sent;
	bool soon; /* whatever can be is executed by python_soon.h */
	uint8_t sent[LP_REC_ROOM];
} pyvm;

static uint32_t lp_record_max = LP_RECORD_MAX;
static uint32_t lp_pyvm_traced;

static long lp_mem_read_str(char *dst, __u32 size, __u64 addr)
{
	(void)dst, (void)size, (void)addr;
	return -14;
}

static long lp_mem_direct(struct lp_vm *vm, __u64 *to, __u64 addr)
{
	(void)vm, (void)to, (void)addr;
	return -1;
}

static __attribute__((unused)) __u64 lp_mem_direct_word(struct lp_vm *vm, __u64 addr)
{
	(void)vm, (void)addr;
	return 0;
}

static long lp_mem_touch(__u64 addr)
{
	(void)addr;
	return -14;
}

static const struct lp_insn *lp_code(void)
{
	return pyvm.code;
}

#define lp_all_code lp_code

static const struct lp_insn *lp_code_at(const struct lp_insn *code, __u32 index)
{
	return index < PYVM_CODE ? &code[index] : NULL;
}

static struct lp_point *lp_point_at(__u32 id)
{
	return id ? NULL : &pyvm.point;
}

static struct lp_counts *lp_counts_at(__u32 slot, __u32 id)
{
	(void)slot;
	return id ? NULL : &pyvm.counts;
}

static __u64 lp_now(void)
{
	return 5000000000ull;
}

static __u64 lp_stack_end(void)
{
	return 0;
}

static __u64 lp_thread_pointer(void)
{
	return pyvm.thread_pointer;
}

static __u32 lp_cpu(void)
{
	return 0;
}

static void lp_comm(char *buf)
{
	memcpy(buf, "python\0\0\0\0\0\0\0\0\0", LP_COMM_LEN);
}

static long lp_ring_put(void *record, __u32 len)
{
	memcpy(pyvm.sent, record, len);
	pyvm.n_sent++;
	return 0;
}

static int lp_return_dropped(void)
{
	return 0;
}

static int lp_carry_put(struct lp_vm *vm, __u32 pair)
{
	(void)vm, (void)pair;
	return -1;
}

static int lp_carry_take(struct lp_vm *vm, __u32 pair)
{
	(void)vm, (void)pair;
	return -1;
}

#define lp_py_uses(op) ((op) >= LP_OP_PY_INT)

static const struct lp_py_runtime *lp_py_rt(struct lp_vm *vm)
{
	(void)vm;
	return pyvm.runtime;
}

static const struct lp_py_site *lp_py_site_at(__u32 id)
{
	return id ? NULL : &pyvm.py_site;
}

static const struct lp_site *lp_site_at(__u32 id)
{
	return id ? NULL : &pyvm.site;
}

static int lp_py_is_redacted(__u64 hash)
{
	(void)hash;
	return 0;
}

static int lp_py_code_sent(struct lp_vm *vm, __u64 code)
{
	(void)vm, (void)code;
	return 1;
}

static const struct lp_py_wanted *lp_py_wanted_at(struct lp_vm *vm, __u64 hash)
{
	(void)vm, (void)hash;
	return NULL; /* no exceptions here */
}

static struct lp_pyvm_cache *lp_pyvm_cache_at(__u32 n)
{
	return &pyvm.caches[n];
}

static struct lp_pyvm_thread *lp_pyvm_thread_of(__u64 pid_tgid)
{
	(void)pid_tgid;
	return &pyvm.thread;
}

static void lp_pyvm_latest_get(struct lp_vm *vm, const struct lp_py_site *site)
{
	(void)site;
	memset(&vm->py.latest, 0, sizeof(vm->py.latest));
}

static void lp_pyvm_latest_put(struct lp_vm *vm, const struct lp_py_site *site)
{
	(void)vm, (void)site;
}

#include "../../bpf/python.h"

static struct lp_vm vm;

static long pyvm_step(__u32 i, struct lp_step *step)
{
	if (pyvm.soon && vm.py.running && vm.outcome == LP_OUT_NONE)
		lp_pyvm_soon(&vm, vm.pc);
	return lp_pyvm_step(i, step);
}

/* The instructions, then data from instruction `n` on, as a hit of a plain site whose frame is what the
 * caller has put into vm.py. The site is not looked for: its code is what the frame's is.
 */
static __attribute__((unused)) void pyvm_run(const struct lp_insn *code, size_t n)
{
	memset(pyvm.code, 0, sizeof(pyvm.code));
	memcpy(pyvm.code, code, n * sizeof(*code));
	pyvm.n_sent = 0;
	pyvm.point = (struct lp_point){ .after = LP_POINT_NONE };
	pyvm.counts = (struct lp_counts){ 0 };
	pyvm.site = (struct lp_site){ .ninsn = (uint32_t)n };
	lp_pyvm_forget(&vm);
	lp_prepare(&vm, &pyvm.site, 0);
	vm.py.running = 1;
	vm.py.kind = LP_SITE_PLAIN;
	vm.py.next = 0;
	vm.py.steps = 0;
	vm.py.work = LP_PY_WORK_MAX;
	vm.py.await.phase = LP_AWAIT_START;
	vm.walk.serial++;

	struct lp_step step = { .vm = &vm, .code = pyvm.code };
	lp_loop(LP_VM_STEPS_MAX + 2, pyvm_step, &step);
}

#define INSN(name, ...) ((struct lp_insn){ .op = LP_OP_##name, ##__VA_ARGS__ })

#endif
