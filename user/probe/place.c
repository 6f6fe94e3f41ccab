// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "probe/kernel.h"

int lp_own_offset(const void *code, uint64_t *ret)
{
	lp_auto(lp_fclose) FILE *f = fopen("/proc/self/maps", "re");
	uint64_t at = (uintptr_t)code, start, end, offset;
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) !=
		    3)
			continue;
		if (at < start || at >= end)
			continue;
		*ret = at - start + offset;
		return 0;
	}
	return -ENOENT;
}
