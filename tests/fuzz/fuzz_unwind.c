// SPDX-License-Identifier: GPL-2.0-only
/* Expressions of call frame information: any operations on any registers end, in time. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "native/unwind_step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_low(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	(void)m;
	if (addr > 256 || len > 8)
		return -EFAULT;
	memset(buf, (int)addr, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_memory memory = { .read = read_low };
	struct lp_unwind_regs regs = { .known = 0xffff };
	Dwarf_Op ops[256];
	uint64_t cfa = 0x7000, v;
	size_t n = 0;
	bool is_value;

	for (size_t i = 0; i < LP_MACH_REGS; i++)
		regs.value[i] = i * 8;
	for (; size >= 3 && n < 256; data += 3, size -= 3)
		ops[n++] = (Dwarf_Op){ .atom = data[0],
				       .number = data[1],
				       .number2 = (Dwarf_Word)(int8_t)data[2] };
	lp_unwind_eval(ops, n, &regs, size & 1 ? &cfa : NULL, &memory, &v, &is_value);
	return 0;
}
