// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#define SYSFS_UPROBE "/sys/bus/event_source/devices/uprobe/"

static int say(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return 0;
}

static int say_errno(char *why, size_t size, const char *what, int code)
{
	snprintf(why, size, "%s: %s%s", what, strerror(code),
		 code == EPERM || code == EACCES ? " (run as root, or give CAP_BPF and CAP_PERFMON)"
						 : "");
	return 0;
}

/* Each returns 1 or says why not and returns 0. */

static int load_nothing(uint32_t flags)
{
	lp_auto(lp_close) int fd = lp_load_nothing(flags, 0);

	return fd < 0 ? fd : 0;
}

bool lp_have_bpf(void)
{
	return load_nothing(0) >= 0;
}

static int have_bpf(char *why, size_t size)
{
	int r = load_nothing(0);

	return r < 0 ? say_errno(why, size, "cannot load a program", -r) : 1;
}

static int have_sleepable(char *why, size_t size)
{
	int r = load_nothing(BPF_F_SLEEPABLE);

	if (r == -EINVAL)
		return say(why, size, "the kernel does not know it (6.1 does)");
	return r < 0 ? say_errno(why, size, "cannot load a program", -r) : 1;
}

static int have_btf(char *why, size_t size)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return 1;
	return say(why, size, "/sys/kernel/btf/vmlinux is missing: needs CONFIG_DEBUG_INFO_BTF");
}

static int have_ring(char *why, size_t size)
{
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1)
		return 1;
	return say(why, size, "the kernel has none (5.8 does), or it is not permitted");
}

static int have_loop(char *why, size_t size)
{
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, NULL) == 1)
		return 1;
	return say(why, size, "the kernel does not know it (5.17 does), or it is not permitted");
}

static int have_multi(char *why, size_t size)
{
	return lp_have_uprobe_multi(why, size);
}

static int sysfs_number(const char *path, unsigned int *ret)
{
	lp_auto(lp_fclose) FILE *f = fopen(path, "re");
	const char *format = strstr(path, "retprobe") ? "config:%u" : "%u";

	return f && fscanf(f, format, ret) == 1 ? 0 : -1;
}

static int perf_open(struct perf_event_attr *attr)
{
	return (int)syscall(__NR_perf_event_open, attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* A place of our own that nobody else runs through. */
__attribute__((noinline)) static void bystander(void)
{
	__asm__ volatile("");
}

static int have_perf_uprobe(char *why, size_t size, bool is_return)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .sample_period = 1 };
	unsigned int type, bit = 0;
	uint64_t offset;

	if (sysfs_number(SYSFS_UPROBE "type", &type) < 0 ||
	    (is_return && sysfs_number(SYSFS_UPROBE "format/retprobe", &bit) < 0))
		return say(why, size, SYSFS_UPROBE " is missing: needs CONFIG_UPROBE_EVENTS");
	if (lp_own_offset((void *)bystander, &offset) < 0)
		return say(why, size, "our own executable has no such place");
	attr.type = type;
	attr.config = is_return ? 1ull << bit : 0;
	attr.config1 = (uintptr_t)LP_OWN_EXE; /* uprobe_path */
	attr.config2 = offset;

	int fd = perf_open(&attr);
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return say(why, size, "not permitted: such probes need CAP_SYS_ADMIN");
	if (fd < 0)
		return say_errno(why, size, "cannot place a probe", errno);
	close(fd);
	return 1;
}

static int have_single(char *why, size_t size)
{
	return have_perf_uprobe(why, size, false);
}

static int have_return(char *why, size_t size)
{
	return have_perf_uprobe(why, size, true) || lp_have_uprobe_multi(why, size);
}

static int have_attach(char *why, size_t size)
{
	char other[160];

	if (lp_have_uprobe_multi(other, sizeof(other)))
		return 1;
	return have_perf_uprobe(why, size, false);
}

static int have_watchpoint(char *why, size_t size)
{
	static uint64_t watched;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = (uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1,
		.exclude_kernel = 1,
		.disabled = 1,
	};
	int fd = perf_open(&attr);

	if (fd < 0)
		return errno == ENOSPC ? say(why, size, "all four are in use")
				       : say_errno(why, size, "cannot place one", errno);
	close(fd);
	if (!lp_watch_fires())
		return say(
			why, size,
			"taken, but none ever hits: this virtual machine has no debug registers; "
			"Python lines are probed in the interpreter's loop, which is slower");
	return 1;
}

static int have_ptrace(char *why, size_t size)
{
	if (lp_have_capability(CAP_SYS_PTRACE))
		return 1;
	return say(why, size, "CAP_SYS_PTRACE missing: only processes of the same user");
}

static const struct {
	const char *name, *what;
	bool needed;
	int (*have)(char *why, size_t size);
} features[] = {
	{ "bpf", "load BPF programs", true, have_bpf },
	{ "btf", "the kernel's own types", true, have_btf },
	{ "ring buffer", "records from the kernel", true, have_ring },
	{ "bpf_loop", "programs of any length", true, have_loop },
	{ "sleepable uprobe", "memory that is not resident is read too", true, have_sleepable },
	{ "uprobe", "attach to a place in a program", true, have_attach },
	{ "uretprobe", "attach to a function's return", false, have_return },
	{ "uprobe_multi", "attach many places with one call", false, have_multi },
	{ "perf uprobe", "attach one by one, without tracefs", false, have_single },
	{ "watchpoint", "hardware watchpoints: Python lines at no cost elsewhere", false,
	  have_watchpoint },
	{ "ptrace access", "other users' processes", false, have_ptrace },
};

size_t lp_features(struct lp_feature *ret, size_t max)
{
	size_t n = 0;

	libbpf_print_fn_t before = libbpf_set_print(NULL);
	for (; n < LP_ARRAY_SIZE(features) && n < max; n++) {
		struct lp_feature *f = &ret[n];

		*f = (struct lp_feature){ .name = features[n].name,
					  .what = features[n].what,
					  .needed = features[n].needed };
		f->have = features[n].have(f->detail, sizeof(f->detail));
		if (f->have)
			f->detail[0] = '\0';
	}
	libbpf_set_print(before);
	return n;
}
