// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "probe/kernel.h"

bool lp_have_capability(int number)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(__NR_capget, &head, data) < 0)
		return false;
	return data[number / 32].effective >> (number % 32) & 1;
}

int lp_err_permission(struct lp_err *err, int r, const char *what)
{
	bool bpf = lp_have_capability(CAP_BPF), perfmon = lp_have_capability(CAP_PERFMON);
	const char *missing = NULL;

	if (!lp_have_capability(CAP_SYS_ADMIN))
		missing = !bpf && !perfmon ? "CAP_BPF and CAP_PERFMON"
			  : !bpf	   ? "CAP_BPF"
			  : !perfmon	   ? "CAP_PERFMON"
					   : "CAP_SYS_ADMIN";
	if (missing)
		return lp_err_set(err, -r, "not permitted to %s: %s missing (or run as root)", what,
				  missing);
	return lp_err_set(err, -r,
			  "not permitted to %s: forbidden by a security policy, kernel lockdown or "
			  "a container's seccomp filter",
			  what);
}
