/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/crashes.c
 *
 * crashes [-t THREADS] [-f] HOW [COUNT]
 *
 * or a library: crash_here(HOW, number).
 *
 * Waits, then ends in one of the ways below: on the main thread, on the last of some threads or (-f) in
 * a child that is forked first. What is on the stack is printed before: "function name=value ...". The
 * exit status is of no meaning where nothing ends it.
 */
#include <pthread.h>
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "target.h"

struct order {
	int number;
	long total;
	const char *customer;
	char city[8];
};

static int zero;
static volatile int sink;

static void say(const char *function, const struct order *o, int depth)
{
	printf("%s number=%d total=%ld city=%s depth=%d\n", function, o->number, o->total, o->city,
	       depth);
	fflush(stdout);
}

static NOINLINE void at_null(struct order *o, int depth)
{
	struct order *next = OPAQUE((struct order *)0);

	say("at_null", o, depth);
	next->total = o->total; /* @segv */
	sink = depth + o->number;
}

static NOINLINE void read_only(struct order *o, int depth)
{
	char *text = OPAQUE((char *)"constant");

	say("read_only", o, depth);
	text[1] = (char)depth; /* @accerr */
	sink = o->number;
}

static NOINLINE void divide(struct order *o, int depth)
{
	int by = OPAQUE(zero);

	say("divide", o, depth);
	sink = depth / by; /* @fpe */
	sink = o->number;
}

static NOINLINE void bus(struct order *o, int depth)
{
	FILE *empty = tmpfile();
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(empty), 0);

	say("bus", o, depth);
	sink = page[depth]; /* @bus */
	sink = o->number;
}

static NOINLINE void illegal(struct order *o, int depth)
{
	say("illegal", o, depth);
	__asm__ volatile("ud2" : : "r"(depth)); /* @ill */
	sink = o->number;
}

static NOINLINE void by_abort(struct order *o, int depth)
{
	say("by_abort", o, depth);
	sink = o->number;
	abort(); /* @abort */
}

static NOINLINE void by_assert(struct order *o, int depth)
{
	say("by_assert", o, depth);
	assert(o->number == depth); /* @assert */
	sink = o->number;
}

static NOINLINE void by_free(struct order *o, int depth)
{
	char *block = malloc(64);

	say("by_free", o, depth);
	free(OPAQUE(block) + 16 + depth); /* @free */
	sink = o->number;
}

static NOINLINE void by_pointer(struct order *o, int depth)
{
	void (*call)(int) = OPAQUE((void (*)(int))0);

	say("by_pointer", o, depth);
	call(depth); /* @pointer */
	sink = o->number;
}

static NOINLINE int recurse(struct order *o, int depth)
{
	char room[3 * 4096];

	if (OPAQUE(depth) < 0)
		return 0;
	memset(room, depth, sizeof(room));
	KEEP_MEM(room);
	int below = recurse(o, depth + 1); /* @overflow */
	KEEP_MEM(room);
	return below + room[depth % 4096] + o->number;
}

static NOINLINE void overflow(struct order *o, int depth)
{
	say("overflow", o, depth);
	sink = recurse(o, depth);
	sink = o->number;
}

/* Until a signal comes. */
static NOINLINE void wait_for_it(struct order *o, int depth)
{
	say("wait_for_it", o, depth);
	for (;;)
		pause(); /* @pause */
}

static NOINLINE void by_kill(struct order *o, int depth)
{
	say("by_kill", o, depth);
	kill(getpid(), SIGSEGV);
	wait_for_it(o, depth);
}

static void handler(int number)
{
	printf("handled %d\n", number);
	fflush(stdout);
	_exit(3);
}

static NOINLINE void handled(struct order *o, int depth)
{
	signal(SIGSEGV, handler);
	at_null(o, depth);
}

/* A fault can't be ignored. */
static NOINLINE void ignored(struct order *o, int depth)
{
	signal(SIGSEGV, SIG_IGN);
	kill(getpid(), SIGSEGV);
	at_null(o, depth);
}

static NOINLINE void survives(struct order *o, int depth)
{
	signal(SIGABRT, SIG_IGN);
	kill(getpid(), SIGABRT);
	say("survives", o, depth);
	exit(4);
}

static pthread_barrier_t together;

static NOINLINE void at_once(struct order *o, int depth)
{
	say("at_once", o, depth);
	pthread_barrier_wait(&together);
	*(volatile int *)OPAQUE((int *)0) = depth; /* @at_once */
	sink = o->number;
}

static const struct {
	const char *name;
	void (*run)(struct order *o, int depth);
} ways[] = {
	{ "segv", at_null },	     { "accerr", read_only },	 { "fpe", divide },
	{ "bus", bus },		     { "ill", illegal },	 { "abort", by_abort },
	{ "assert", by_assert },     { "free", by_free },	 { "pointer", by_pointer },
	{ "overflow", overflow },    { "kill", by_kill },	 { "wait", wait_for_it },
	{ "handled", handled },	     { "ignored", ignored },	 { "survives", survives },
	{ "at_once", at_once },
};

static const char *how;
static int n_threads;

int crash_here(const char *way, int number);

static NOINLINE void work(int number)
{
	struct order order = { .number = OPAQUE(number),
			       .total = OPAQUE(number) * 1000L,
			       .customer = "ann",
			       .city = "paris" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].name, how))
			ways[i].run(&order, 7);
	KEEP_MEM(order);
}

NOINLINE int crash_here(const char *way, int number)
{
	how = way;
	work(number); /* @here */
	return OPAQUE(number);
}

static void *thread(void *arg)
{
	long number = (long)arg;

	if (number < n_threads - 1 && strcmp(how, "at_once"))
		for (;;)
			pause();
	prctl(PR_SET_NAME, "worker");
	work((int)number + 40);
	return NULL;
}

static void start_threads(void)
{
	pthread_t id = 0;

	pthread_barrier_init(&together, NULL, (unsigned int)n_threads);
	for (long i = 0; i < n_threads; i++)
		pthread_create(&id, NULL, thread, (void *)i);
	pthread_join(id, NULL);
}

int main(int argc, char **argv)
{
	int option, forks = 0, status = 0;

	while ((option = getopt(argc, argv, "t:f")) > 0) {
		if (option == 't')
			n_threads = atoi(optarg);
		else
			forks = 1;
	}
	how = argv[optind];
	target_wait();
	if (forks) {
		pid_t child = fork();

		if (child) {
			waitpid(child, &status, 0);
			printf("child ended by %d\n", WTERMSIG(status));
			return 0;
		}
	}
	if (n_threads)
		start_threads();
	else
		work(42);
	return 0;
}
