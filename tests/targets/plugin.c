/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/plugin.c
 *
 * plugin - a shared library that host.c loads while it runs.
 */
#include "target.h"

struct job {
	int number;
	const char *title;
};

__thread int plugin_depth;
static int plugin_runs; /* since it was loaded */

int plugin_run(const struct job *job, int times);

NOINLINE int plugin_run(const struct job *job, int times)
{
	int total = 0;

	plugin_runs++;
	for (int i = 0; i < times; i++) {
		plugin_depth = i;
		total += job->number; /* @plugin */
		KEEP(total);
		KEEP_MEM(plugin_runs);
	}
	return total;
}
