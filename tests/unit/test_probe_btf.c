// SPDX-License-Identifier: GPL-2.0-only
/* Our extract of the kernel's types says what libbpf says of all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe/kernel.h"

static const struct btf_type *struct_of(const struct btf *b, const char *name)
{
	int id = btf__find_by_name_kind(b, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(b, (uint32_t)id);
}

/* -1: no such member */
static int64_t offset_of(const struct btf *b, const struct btf_type *t, const char *member)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(b, btf_members(t)[i].name_off), member))
			return btf_member_bit_offset(t, i);
	return -1;
}

static const char *const rows[][2] = {
	{ "thread_struct", "fsbase" },
	{ "signal_struct", "live" },
	{ "super_block", "s_dev" },
	{ "inode", "i_ino" },
	{ "inode", "i_sb" },
	{ "file", "f_inode" },
	{ "linux_binprm", "file" },
	{ "ns_common", "inum" },
	{ "pid_namespace", "ns" },
	{ "upid", "nr" },
	{ "upid", "ns" },
	{ "pid", "level" },
	{ "pid", "numbers" },
	{ "task_struct", "pid" },
	{ "task_struct", "tgid" },
	{ "task_struct", "group_leader" },
	{ "task_struct", "signal" },
	{ "task_struct", "thread_pid" },
	{ "task_struct", "utask" },
	{ "task_struct", "comm" },
	{ "task_struct", "thread" },
	{ "task_struct", "nvcsw" },
	{ "task_struct", "nivcsw" },
	{ "task_struct", "on_cpu" },
	{ "mm_struct", "pgd" },
	{ "perf_event_attr", "bp_addr" },
	{ "perf_event", "event_entry" },
	{ "perf_event", "oncpu" },
	{ "perf_event", "ctx" },
	{ "perf_event", "prog" },
	{ "perf_event_context", "event_list" },
	{ "perf_event_context", "task" },
	{ "uprobe_task", "depth" },
};

static void offsets_are_the_kernel_s(void **state)
{
	char path[32];

	(void)state;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		skip();

	struct lp_btf_numbers numbers = { 0 };
	int fd = lp_btf_extract("bpf_iter_task", &numbers);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	struct btf *ours = btf__parse(path, NULL),
		   *all = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	close(fd);
	assert_non_null(ours);
	assert_non_null(all);
	assert_int_equal((int)numbers.function,
			 btf__find_by_name_kind(all, "bpf_iter_task", BTF_KIND_FUNC));
	assert_int_equal((int)numbers.registers,
			 btf__find_by_name_kind(all, "pt_regs", BTF_KIND_STRUCT));
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		const struct btf_type *a = struct_of(ours, rows[i][0]);
		const struct btf_type *b = struct_of(all, rows[i][0]);

		assert_true(a && b);
		int64_t real = offset_of(all, b, rows[i][1]);
		if (real >= 0 && (real != offset_of(ours, a, rows[i][1]) || a->size != b->size))
			fail_msg("%s.%s", rows[i][0], rows[i][1]);
		if (strcmp(rows[i][1], "depth")) /* older kernels count the calls elsewhere */
			assert_true(offset_of(ours, a, rows[i][1]) >= 0);
	}
	btf__free(ours);
	btf__free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_the_kernel_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
