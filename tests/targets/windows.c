/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/windows.c
 *
 * windows WHAT [POINTER | ROUNDS [THREADS]]
 *
 * Lines that begin with a load through a pointer, and whose probes can be behind it. WHAT happens where it
 * fails:
 *
 *	die	POINTER is null, unmapped, wild (no address at all), cut (behind the end of a file), or
 *		not that, but a division by zero
 *	default	a handler makes the signal what it was, and returns
 *	repair	a handler maps the page, and returns
 *	leave	a handler jumps out
 *	skip	a handler goes on behind the load
 *	nested	a handler executes the line, which fails again; all are repaired
 *	both	repair and leave in turns, and pointers that are good, in THREADS; of several each changes mappings
 *		while the others fail, and there are many
 *	shaken	as both, with a timer's signals all the time
 *	stepped	leave, then a good pointer, with a signal after each instruction
 *	flow	good pointers only
 *	library	that of POINTER, which is made of this source, does as both, ten rounds in two threads
 *
 * Prints how often it came to the line.
 */
#include <dlfcn.h>
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "target.h"

#define PAGE 4096u

static __thread struct mine {
	char *page;
	sigjmp_buf out;
	int leaves, depth, seen;
	volatile int steps;
} mine;

static NOINLINE int other(int tag)
{
	return OPAQUE(tag) + 1;
}

/* The load, then a test and a jump. */
static NOINLINE int look(const int *at, int tag)
{
	if (*at == 7) /* @look */
		return other(tag);
	return tag;
}

/* The stack pointer moves before the call, behind the load. */
static NOINLINE long deep(const long *at, long tag)
{
	long room[4] = { *at, tag, 3, 4 }; /* @deep */

	KEEP_MEM(room);
	other((int)room[0]);
	return room[1];
}

/* A division of floats, which can fail where it was asked for. */
static NOINLINE int ratio(double by, int tag)
{
	double r = 1.0 / by; /* @ratio */

	if (r > 7)
		return other(tag);
	return tag;
}

static void visit(int tag)
{
	mine.seen++;
	look((const int *)(const void *)mine.page, tag);
	deep((const long *)(const void *)mine.page, tag);
}

static void close_page(void)
{
	mprotect(mine.page, PAGE, PROT_NONE);
}

static void open_page(void)
{
	mprotect(mine.page, PAGE, PROT_READ | PROT_WRITE);
}

static void on_repair(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	if (mine.leaves)
		siglongjmp(mine.out, 1);
	open_page();
}

static void on_default(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	signal(number, SIG_DFL);
}

static void on_nested(int number, siginfo_t *info, void *context)
{
	if (mine.depth++ < 2)
		visit(100 * mine.depth);
	on_repair(number, info, context);
}

/* mov (%rdi), %eax has two bytes, movq (%rdi), %xmm0 four, cmpl $7, (%rdi) and mov (%rdi), %rax three. */
static void on_skip(int number, siginfo_t *info, void *context)
{
	greg_t *ip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	const unsigned char *code = (const unsigned char *)*ip;

	(void)number;
	(void)info;
	*ip += code[0] == 0x8b ? 2 : code[0] == 0xf3 ? 4 : 3;
}

#define TRAP_FLAG 0x100

static void on_step(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	if (!mine.steps)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void on_timer(int number)
{
	(void)number;
}

static void handle(void (*fn)(int number, siginfo_t *info, void *context), int flags)
{
	struct sigaction act = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

static void take_page(void)
{
	mine.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mine.page == MAP_FAILED)
		exit(2);
}

enum fate { REPAIR, LEAVE, STEP };

/* One line fails, and is repaired or left; so both lines are executed, or only the first. Or none does,
 * at the same depth of the stack.
 */
static NOINLINE void fail(int tag, enum fate fate)
{
	mine.leaves = fate == LEAVE;
	mine.steps = fate == STEP;
	if (fate != STEP)
		close_page();
	if (!sigsetjmp(mine.out, 1)) {
		if (mine.steps)
			__asm__ volatile(
				"sub $128, %%rsp; pushf; orl %0, (%%rsp); popf; add $128, %%rsp"
				:
				: "i"(TRAP_FLAG)
				: "memory", "cc");
		visit(tag);
		mine.steps = 0;
	}
	open_page();
}

static char *bad_pointer(const char *what)
{
	char name[] = "/tmp/logpoint-windows-XXXXXX";

	if (!strcmp(what, "null"))
		return NULL;
	if (!strcmp(what, "wild"))
		return (char *)(uintptr_t)0xdead000000000000;
	take_page();
	if (!strcmp(what, "unmapped")) {
		munmap(mine.page, PAGE);
		return mine.page;
	}
	int fd = mkstemp(name);
	if (fd < 0 || unlink(name) < 0 || ftruncate(fd, PAGE) < 0)
		exit(2);
	char *cut = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 0) < 0)
		exit(2);
	return cut;
}

static void divide(int by)
{
	feenableexcept(FE_DIVBYZERO);
	ratio(by, 1);
	ratio(by - 1, 2);
}

static void load_library(const char *path)
{
	char *args[] = { "library", "both", "10", "2", NULL };
	void *library = dlopen(path, RTLD_NOW);
	int (*run)(int argc, char **argv) =
		library ? (int (*)(int, char **))dlsym(library, "main") : NULL;

	exit(run ? run(4, args) : 2);
}

static void *both(void *arg)
{
	const int rounds = *(const int *)arg;

	take_page();
	for (int i = 0; i < rounds; i++) {
		fail(3 * i, REPAIR);
		fail(3 * i + 1, LEAVE);
		mine.leaves = 0;
		visit(3 * i + 2);
	}
	return (void *)(intptr_t)mine.seen;
}

/* So many mappings that the kernel's tree of them is some levels deep. */
static void map_many(void)
{
	const size_t n = 4000;
	char *pages = mmap(NULL, n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < n && pages != MAP_FAILED; i += 2)
		mprotect(pages + i * PAGE, PAGE, PROT_READ);
}

static void in_threads(int rounds, int n)
{
	pthread_t threads[64];

	if (n > 1)
		map_many();
	for (int i = 0; i < n && i < 64; i++)
		pthread_create(&threads[i], NULL, both, &rounds);
	for (int i = 0; i < n && i < 64; i++) {
		void *seen;

		pthread_join(threads[i], &seen);
		mine.seen += (int)(intptr_t)seen;
	}
}

static void shake(void)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };

	signal(SIGPROF, on_timer);
	setitimer(ITIMER_PROF, &often, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "die";
	const char *pointer = argc > 2 ? argv[2] : "null";
	const int rounds = argc > 2 ? atoi(argv[2]) : 1, threads = argc > 3 ? atoi(argv[3]) : 1;

	target_wait();
	take_page();
	if (!strcmp(what, "library"))
		load_library(pointer);
	if (!strcmp(pointer, "not"))
		divide(OPAQUE(1));
	if (!strcmp(what, "die") || !strcmp(what, "default")) {
		if (!strcmp(what, "default"))
			handle(on_default, 0);
		visit(1);
		mine.page = bad_pointer(pointer);
		visit(2);
	}
	handle(!strcmp(what, "skip")	 ? on_skip
	       : !strcmp(what, "nested") ? on_nested
					 : on_repair,
	       !strcmp(what, "nested") ? SA_NODEFER : 0);
	if (!strcmp(what, "shaken"))
		shake();
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	sigaction(SIGTRAP, &step, NULL);
	for (int i = 0; i < rounds; i++) {
		mine.depth = 0;
		if (!strcmp(what, "both") || !strcmp(what, "shaken"))
			break;
		if (!strcmp(what, "stepped")) {
			fail(2 * i, LEAVE);
			fail(2 * i + 1, STEP);
		} else if (!strcmp(what, "flow"))
			visit(i);
		else
			fail(i, strcmp(what, "leave") ? REPAIR : LEAVE);
	}
	if (!strcmp(what, "both") || !strcmp(what, "shaken"))
		in_threads(rounds, threads);
	printf("seen %d\n", mine.seen);
	return 0;
}
