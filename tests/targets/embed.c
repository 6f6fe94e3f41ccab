/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/embed.c
 *
 * embed FILE [dlopen LIBRARY | fork]
 *
 * A program that runs FILE in an interpreter of its own: linked with it, loaded after the start
 * signal, or in a child that it forks once the interpreter is there.
 */
#ifdef LOADED
#include <dlfcn.h>
#else
#include <Python.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "target.h"

static void (*initialize)(void);
static int (*run)(FILE *f, const char *name);
static int (*finalize)(void);

static int find(const char *library)
{
#ifdef LOADED
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	*(void **)&initialize = dlsym(lib, "Py_Initialize");
	*(void **)&run = dlsym(lib, "PyRun_SimpleFile");
	*(void **)&finalize = dlsym(lib, "Py_FinalizeEx");
#else
	(void)library;
	initialize = Py_Initialize;
	run = PyRun_SimpleFile;
	finalize = Py_FinalizeEx;
#endif
	return 0;
}

NOINLINE int embed_run(const char *path);

NOINLINE int embed_run(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	int r = run(f, path); /* @run */
	fclose(f);
	return r;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	int status = 0;

	if (argc < 2)
		return 2;
	if (!strcmp(mode, "dlopen"))
		target_wait();
	if (find(argc > 3 ? argv[3] : NULL) < 0)
		return 1;
	initialize();
	if (!strcmp(mode, "fork"))
		target_wait();
	if (!strcmp(mode, "fork") && fork()) {
		wait(&status);
		return status ? 1 : 0;
	}
	int r = embed_run(argv[1]);
	return finalize() < 0 || r;
}
