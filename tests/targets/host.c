/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/host.c
 *
 * host LIBRARY TIMES [AGAIN]
 *
 * Loads LIBRARY by dlopen() after the start signal, waits for a second one, and runs it. AGAIN times
 * unloads it, and loads and runs it elsewhere.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

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
	for (int again = argc > 3 ? atoi(argv[3]) : 0; again >= 0; again--) {
		target_wait();
		void *lib = dlopen(argv[1], RTLD_NOW);
		if (!lib) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		*(void **)&run = dlsym(lib, "plugin_run");
		target_wait();
		printf("total %d at %p\n", run(&job, atoi(argv[2])), (void *)run);
		if (!again)
			break;
		dlclose(lib);
		/* nothing else can be there from now on */
		mmap((void *)((uintptr_t)run & ~(uintptr_t)0xfff), 4096, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return 0;
}
