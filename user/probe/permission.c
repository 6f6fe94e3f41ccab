// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "probe/kernel.h"

static const struct {
	int number;
	const char *name;
} wanted[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
};

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
	bool admin = lp_have_capability(CAP_SYS_ADMIN);
	char missing[64] = "";

	for (size_t i = 0; i < LP_ARRAY_SIZE(wanted) && !admin; i++)
		if (!lp_have_capability(wanted[i].number)) {
			if (missing[0])
				strcat(missing, ", ");
			strcat(missing, wanted[i].name);
		}
	if (missing[0])
		return lp_err_set(err, -r, "not permitted to %s: %s missing (run as root)", what,
				  missing);
	return lp_err_set(err, -r,
			  "not permitted to %s: forbidden by a security policy or a container's "
			  "seccomp filter",
			  what);
}
