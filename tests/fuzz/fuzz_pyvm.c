// SPDX-License-Identifier: GPL-2.0-only
/* Any program of a Python site on any memory: a few pages of bytes that look like objects here and
 * there, of a process that changes while it is read. Nothing is overrun, no walk is endless, each hit
 * has one outcome.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lp/python.h"

#define BASE 0x10000ull
#define SIZE 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[SIZE];
static unsigned int reads;

static long lp_mem_read(void *dst, unsigned int len, uint64_t addr)
{
	if (addr < BASE || addr - BASE > SIZE || len > SIZE - (addr - BASE)) {
		memset(dst, 0, len);
		return -14;
	}
	memcpy(dst, memory + (addr - BASE), len);
	if (++reads % 64 == 0) /* the process goes on */
		memory[addr - BASE] ^= (uint8_t)reads;
	return 0;
}

#include "../unit/pyvm_world.h"

#define LAYOUTS 7

/* As the layouts of real versions are: small offsets, and words that are the types of objects. */
static void make_runtime(struct lp_py_runtime *rt, const uint8_t *seed)
{
	uint16_t *offset = (uint16_t *)&rt->layout;

	memset(rt, 0, sizeof(*rt));
	for (size_t i = 0; i < sizeof(rt->layout) / 2; i++)
		offset[i] = (uint16_t)(8 + i * 8 % 128);
	rt->layout.ob_type = 8;
	rt->layout.ob_size = 16;
	rt->layout.minor = (uint16_t)(8 + seed[0] % LAYOUTS);
	rt->layout.lasti_unit = seed[0] % LAYOUTS < 3;
	rt->layout.keys_log2_size = rt->layout.minor < 11 ? LP_PY_NONE : 8;
	rt->layout.long_is_tagged = rt->layout.minor > 11;
	rt->layout.str_kind_shift = 2;
	rt->layout.frame_tags = seed[1] & 3;
	rt->layout.managed_tagged = rt->layout.minor == 12;
	rt->layout.inline_values = rt->layout.minor > 12;
	rt->layout.keys_have_kind = rt->layout.minor > 10;
	for (__u64 *p = &rt->runtime; p < &rt->loop[0][0]; p++)
		*p = BASE + (uint64_t)(p - &rt->runtime) * 64;
	rt->static_type_size = 48;
	rt->static_type_dict = 24;
}

static void make_memory(const struct lp_py_runtime *rt, const uint8_t *seed)
{
	const __u64 *types = &rt->type_type;

	for (size_t i = 0; i < SIZE; i += 8) {
		uint64_t word = BASE + (i * 37 + seed[2] * 8u) % SIZE;

		if (i % 64 == 8)
			word = types[(i / 64 + seed[3]) % 29];
		else if (i % 64 == 16)
			word = seed[4 + i / 64 % 8] >> 3;
		memcpy(memory + i, &word, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_py_runtime rt;
	struct lp_insn code[64];

	if (size < 16 + sizeof(*code))
		return 0;
	make_runtime(&rt, data);
	make_memory(&rt, data);
	reads = 0;

	size_t n = (size - 16) / sizeof(*code);
	if (n > 64)
		n = 64;
	memcpy(code, data + 16, n * sizeof(*code));
	for (size_t i = 0; i < n; i++) {
		code[i].op %= LP_OP_COUNT + 8; /* more often a known instruction */
		if (code[i].op == LP_OP_PY_OBJECT)
			code[i].imm = BASE + code[i].imm % SIZE;
	}
	memset(&vm, 0xa5, sizeof(vm)); /* what another hit has left */
	pyvm.runtime = &rt;
	pyvm.soon = data[4] & 1;
	vm.py.thread_id = BASE;
	memset(&pyvm.thread, 0, sizeof(pyvm.thread));
	vm.pid_tgid = 41ull << 32 | 42;
	lp_pyvm_arrive(&vm, BASE + 2, BASE + 4, 0);
	vm.py.frame = BASE + data[5] * 8u;
	vm.py.code = BASE + data[6] * 8u;
	vm.py.task = BASE + data[7] * 8u;
	pyvm_run(code, n);

	uint64_t outcomes = pyvm.counts.logged + pyvm.counts.filtered + pyvm.counts.limited;
	for (int i = 0; i < LP_LOSS_COUNT; i++)
		outcomes += pyvm.counts.lost[i];
	if (outcomes != 1)
		abort();
	return 0;
}
