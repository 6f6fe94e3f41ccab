/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/vm_world.h
 *
 * vm_world - a world for the kernel side's machine to live in without a kernel: a few pages of
 * memory, one site's code, points, counters and a ring that keeps what it was given.
 */
#ifndef LP_TESTS_VM_WORLD_H
#define LP_TESTS_VM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/state.h"
#include "host_loop.h"

#define WORLD_BASE  0x100000ull
#define WORLD_PAGES 16
#define WORLD_CODE  LP_SITE_CODE_MAX
#define WORLD_SENT  64

enum page { PAGE_NONE, PAGE_AWAY, PAGE_HERE };

struct world {
	uint8_t memory[WORLD_PAGES][LP_PAGE];
	uint8_t page[WORLD_PAGES]; /* enum page */
	struct lp_insn code[WORLD_CODE];
	struct lp_point points[4];
	struct lp_counts counts[4];
	uint64_t now, pid_tgid, stack_end, thread_pointer;
	bool ring_full, return_dropped;
	uint8_t *sent[WORLD_SENT]; /* exact allocations, for the sanitizer */
	uint32_t sent_len[WORLD_SENT];
	unsigned int n_sent;
	struct {
		struct lp_carry carry;
		uint8_t body[LP_STASH_MAX];
		uint32_t pair;
		bool used;
	} stash[8];
};

static struct world world;
static uint32_t lp_record_max = LP_RECORD_MAX;

static bool world_here(uint64_t addr)
{
	uint64_t page = (addr - WORLD_BASE) / LP_PAGE;

	return addr >= WORLD_BASE && page < WORLD_PAGES && world.page[page] == PAGE_HERE;
}

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	for (__u32 i = 0; i < len; i++)
		if (!world_here(addr + i)) {
			memset(dst, 0, len); /* as the kernel does */
			return -14;
		}
	if (len)
		memcpy(dst, (uint8_t *)world.memory + (addr - WORLD_BASE), len);
	return 0;
}

static long lp_mem_read_str(char *dst, __u32 size, __u64 addr)
{
	for (__u32 i = 0; i < size; i++) {
		if (!world_here(addr + i))
			return -14;
		dst[i] = ((char *)world.memory)[addr + i - WORLD_BASE];
		if (!dst[i])
			return i + 1;
	}
	if (size)
		dst[size - 1] = 0;
	return size;
}

static long lp_mem_touch(__u64 addr)
{
	uint64_t page = (addr - WORLD_BASE) / LP_PAGE;

	if (addr < WORLD_BASE || page >= WORLD_PAGES || world.page[page] == PAGE_NONE)
		return -14;
	world.page[page] = PAGE_HERE;
	return 0;
}

static const struct lp_insn *lp_code(void)
{
	return world.code;
}

static const struct lp_insn *lp_code_at(const struct lp_insn *code, __u32 index)
{
	return index < WORLD_CODE ? &code[index] : NULL;
}

static struct lp_point *lp_point_at(__u32 id)
{
	return id < 4 ? &world.points[id] : NULL;
}

static struct lp_counts *lp_counts_at(__u32 slot, __u32 id)
{
	(void)slot;
	return id < 4 ? &world.counts[id] : NULL;
}

static __u64 lp_now(void)
{
	return world.now;
}

static __u64 lp_stack_end(void)
{
	return world.stack_end;
}

static __u64 lp_thread_pointer(void)
{
	return world.thread_pointer;
}

static __u32 lp_cpu(void)
{
	return 3;
}

static void lp_comm(char *buf)
{
	memcpy(buf, "worker-1\0\0\0\0\0\0\0", LP_COMM_LEN);
}

static long lp_ring_put(void *record, __u32 len)
{
	if (world.ring_full || world.n_sent == WORLD_SENT)
		return -11;
	world.sent[world.n_sent] = malloc(len);
	memcpy(world.sent[world.n_sent], record, len);
	world.sent_len[world.n_sent++] = len;
	return 0;
}

static int lp_return_dropped(void)
{
	return world.return_dropped;
}

static int lp_carry_put(struct lp_vm *vm, __u32 pair)
{
	for (int i = 0; i < 8; i++)
		if (!world.stash[i].used) {
			world.stash[i].carry = vm->carry;
			memcpy(world.stash[i].body, vm->rec, LP_STASH_MAX);
			world.stash[i].pair = pair;
			world.stash[i].used = true;
			return 0;
		}
	return -7;
}

static int lp_carry_take(struct lp_vm *vm, __u32 pair)
{
	for (int i = 0; i < 8; i++)
		if (world.stash[i].used && world.stash[i].pair == pair &&
		    world.stash[i].carry.sp == vm->mach[LP_MACH_SP] - 8) {
			vm->carry = world.stash[i].carry;
			memcpy(vm->rec + sizeof(struct lp_record), world.stash[i].body,
			       vm->carry.len);
			world.stash[i].used = false;
			return 0;
		}
	return -1;
}

#include "../../bpf/hit.h"

static struct lp_vm vm;

static void world_drain(void)
{
	while (world.n_sent)
		free(world.sent[--world.n_sent]);
}

static void world_reset(void)
{
	world_drain();
	memset(&world, 0, sizeof(world));
	memset(&vm, 0xa5, sizeof(vm)); /* what another hit has left */
	memset(vm.mach, 0, sizeof(vm.mach));
	for (int i = 0; i < 4; i++)
		world.points[i].after = LP_POINT_NONE;
	world.now = 5 * LP_SECOND;
	world.pid_tgid = 41ull << 32 | 42;
	world.thread_pointer = 0x7000;
	lp_record_max = LP_RECORD_MAX;
}

/* In turns by a call for each instruction, and by a loop around all. */
static void world_hit(const struct lp_site *site)
{
	static unsigned int hits;

	vm.pid_tgid = world.pid_tgid;
	lp_comm(vm.comm);
	lp_hit(&vm, site, 9, hits++ & 1 ? NULL : lp_vm_step);
}

#define INSN(name, ...) ((struct lp_insn){ .op = LP_OP_##name, ##__VA_ARGS__ })

/* One hit of a plain site of point 0 that runs this code. */
#define RUN(...)                                                                                   \
	do {                                                                                       \
		const struct lp_insn code_[] = { __VA_ARGS__ };                                    \
		memcpy(world.code, code_, sizeof(code_));                                          \
		world_hit(&(struct lp_site){ .ninsn = sizeof(code_) / sizeof(*code_) });           \
	} while (0)

#endif
