/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/host.c
 *
 * host LIBRARY TIMES
 *
 * Loads LIBRARY by dlopen() after the start signal, waits for a second one, and runs it.
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "target.h"

struct job {
	int number;
	const char *title;
};

int main(int argc, char **argv)
{
	struct job job = { 6, "six" };
	int (*run)(const struct job *, int);

	if (argc < 3)
		return 2;
	target_wait();
	void *lib = dlopen(argv[1], RTLD_NOW);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&run = dlsym(lib, "plugin_run");
	target_wait();
	printf("total %d\n", run(&job, atoi(argv[2])));
	return 0;
}
