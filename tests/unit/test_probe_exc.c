// SPDX-License-Identifier: GPL-2.0-only
/* What a hit of an exception leaves to what is captured after it. The memory is this program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lp/python.h"

static uint64_t memory[64];

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	if (addr - (uintptr_t)memory > sizeof(memory) - len)
		return -14;
	memcpy(dst, (const void *)(uintptr_t)addr, len);
	return 0;
}

#include "pyvm_world.h"

/* A chain is captured as a whole; values behind it, and those of the next hit, are not. */
static void only_the_chain_is_whole(void **state)
{
	static const struct lp_py_runtime runtime = { .layout = { .minor = 11 } };
	const struct lp_insn program[] = { INSN(PY_EXC), INSN(CAP_PYEXC) };
	struct lp_block block;

	(void)state;
	pyvm.runtime = &runtime;
	vm.py.is_raw = 1;
	vm.py.raised_type = (uintptr_t)memory;
	pyvm_run(program, 2);
	assert_int_equal(pyvm.n_sent, 1);
	memcpy(&block, pyvm.sent + sizeof(struct lp_record), sizeof(block));
	assert_int_equal(block.slot, LP_SLOT_PYEXC);
	assert_int_equal(vm.walk.whole, LP_WHOLE_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_the_chain_is_whole) };

	return cmocka_run_group_tests_name("probe_exc", tests, NULL, NULL);
}
