/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/expr_machine.h
 *
 * expr_machine - the kernel side's machine over this process's own memory: runs what was compiled
 * against fake_scope.h, whose variables are filled in here, and reads back what was captured.
 */
#ifndef LP_TESTS_EXPR_MACHINE_H
#define LP_TESTS_EXPR_MACHINE_H

#include <sys/uio.h>
#include <unistd.h>

#include "fake_scope.h"
#include "../../bpf/state.h"
#include "host_loop.h"

static const struct lp_insn *program;
static size_t program_len;
static struct lp_point point = { .after = LP_POINT_NONE };

#define FIRST_CARRIED (LP_VM_REGS - LP_VM_KEEP)

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	struct iovec to = { dst, len }, from = { (void *)addr, len };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

static long lp_mem_read_str(char *dst, __u32 size, __u64 addr)
{
	for (__u32 i = 0; i < size; i++) {
		if (lp_mem_read(&dst[i], 1, addr + i) < 0)
			return -EFAULT;
		if (!dst[i])
			return i + 1;
	}
	if (size)
		dst[size - 1] = 0;
	return size;
}

static long lp_mem_touch(__u64 addr)
{
	char byte;

	return lp_mem_read(&byte, 1, addr);
}

static const struct lp_insn *lp_code(void)
{
	return program;
}

static const struct lp_insn *lp_code_at(const struct lp_insn *all, __u32 index)
{
	return index < program_len ? &all[index] : NULL;
}

static struct lp_point *lp_point_at(__u32 id)
{
	return id == 0 ? &point : NULL;
}

static __u64 lp_now(void)
{
	return 7;
}

static __u64 lp_stack_end(void)
{
	return 0;
}

static __u64 lp_thread_pointer(void)
{
	return 0;
}

static __u32 lp_cpu(void)
{
	return 3;
}

static void lp_comm(char *buf)
{
	memcpy(buf, "worker-1\0\0\0\0\0\0\0", LP_COMM_LEN);
}

#include "../../bpf/vm.h"

static struct lp_vm vm;
static struct fake_frame frame;
static struct peer alpha = { "alpha.example", 4711 };
static struct req parent = { .id = 1, .path = "/", .status = -1 };
static struct req one;

static void fill(struct req *r)
{
	*r = (struct req){ .base = { 77, "tagged" },
			   .id = 0x1234567890,
			   .path = "/checkout",
			   .status = 500,
			   .state = BUSY,
			   .retries = 5,
			   .cached = 1,
			   .drift = -7,
			   .wide = 0xabcdef0123,
			   .peer = &alpha,
			   .took = 2.5,
			   .load = 0.1f,
			   .body = { 1, 2, 3, 250 },
			   .grid = { { 1, -2, 3 }, { 4, 5, -600 } },
			   .name = "seven",
			   .anon = 9,
			   .inner = { "inner", 80 },
			   .password = "hunter2",
			   .sc = -100,
			   .uc = 200,
			   .sh = -30000,
			   .us = 60000,
			   .u = 4000000000u,
			   .l = -5000000000,
			   .ok = 1,
			   .ld = 1.5L,
			   .next = &parent };
}

static void set_up(void)
{
	fill(&one);
	frame = (struct fake_frame){ .req_spilled = &one, .d = -0.75, .low = -3, .len = 4 };
	strcpy(frame.buf, "buffer");
	fill(&frame.whole);
	memset(&vm, 0, sizeof(vm));
	vm.mach[0] = 0xffffffff00000002; /* the result: an int in a wider register */
	vm.mach[FAKE_RBX] = 0x1111111180000001;
	vm.mach[FAKE_RSI] = 0xdeadbeeffffffff9; /* count: -7, and what is above it */
	vm.mach[FAKE_RDI] = (uint64_t)&one;
	vm.mach[FAKE_FRAME] = (uint64_t)&frame;
	vm.mach[7] = (uint64_t)&frame.whole;
	vm.mach[FAKE_R12] = 1234;
	vm.mach[FAKE_TEXT] = (uint64_t)alpha.name;
	vm.pid_tgid = 41ull << 32 | 42;
	vm.room = LP_RECORD_MAX;
}

/* In turns by a call for each instruction, and by a loop around all. */
static void run(const struct lp_insn *code, size_t n)
{
	static unsigned int runs;

	program = code;
	program_len = n;
	vm.pc = 0;
	vm.code = 0;
	vm.ninsn = (uint32_t)n;
	vm.outcome = LP_OUT_NONE;
	vm.slot = LP_SLOT_COND;
	vm.window_at[0] = vm.window_at[1] = LP_NO_WINDOW;
	vm.window_next = 0;
	lp_vm_run(&vm, runs++ & 1 ? NULL : lp_vm_step);
}

/* The blocks of a slot, one after the other; the status of the first that failed. */
static size_t bytes_of(uint16_t slot, void *ret, size_t room, int *ret_status, bool *ret_cut)
{
	size_t len = 0;

	*ret_status = LP_ST_COUNT;
	*ret_cut = false;
	for (uint32_t at = 0; at < vm.len;) {
		const struct lp_block *b = (void *)(vm.rec + at);

		if (b->slot == slot) {
			if (*ret_status == LP_ST_COUNT || *ret_status == LP_ST_OK)
				*ret_status = b->status;
			*ret_cut |= b->flags & LP_BLKF_CUT;
			if (len + b->len <= room)
				memcpy((char *)ret + len, b + 1, b->len);
			len += b->len;
		}
		at += (uint32_t)sizeof(*b) + LP_ALIGN(b->len);
	}
	return len;
}

#endif
