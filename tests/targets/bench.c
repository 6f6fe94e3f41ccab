/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/bench.c
 *
 * bench - the program that `make bench` measures probes on: a hot loop with one call of
 * process_request() an iteration, which times itself.
 *
 *	bench SECONDS
 *
 * Prints a line per batch of about 20 ms: CLOCK_MONOTONIC in seconds at its end, iterations done
 * so far, ns an iteration in this batch, and these of its CPU. Compiled with -O2; its entry starts with a push (emulated
 * by the kernel under a probe) and the line marked STEPPED with a move (single-stepped), which is
 * followed by a call (emulated).
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_NS   20000000
#define STRIDE	   32 /* iterations between two looks at the clock */
#define USERS	   8
#define ITEMS	   16
#define TENANTS	   1000 /* tenant is id % TENANTS: `user->tenant == 1000` is never true */
#define KEEP_WHOLE __attribute__((noinline, noclone))

struct user {
	uint64_t uid;
	char name[24];
	double credit;
	int tenant;
};

struct item {
	int quantity;
	double price;
};

/* volatile: stores stay in order, so that a line has one address */
struct response {
	volatile int status;
	double total;
	volatile size_t bytes;
	volatile char body[64];
};

struct stats {
	unsigned long served, refused;
	double revenue;
};

static volatile sig_atomic_t stop;

static void on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

KEEP_WHOLE static uint32_t hash_path(const char *path)
{
	uint32_t h = 2166136261u;

	while (*path)
		h = (h ^ (unsigned char)*path++) * 16777619u;
	return h;
}

KEEP_WHOLE static double price_items(const struct item *items, size_t n, int most)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (items[i].quantity < most ? items[i].quantity : most) * items[i].price;
	return sum;
}

KEEP_WHOLE static int process_request(int id, const struct user *user, const char *path,
				      const struct item *items, struct response *resp,
				      struct stats *stats)
{
	uint32_t h = hash_path(path);
	double total = price_items(items, ITEMS, (int)(user->uid & 7) + 2);
	int bucket = (int)(h % 97) + id % 7;

	resp->total = total;
	stats->revenue += total * (1.0 - user->credit);
	if (bucket > 101) {
		stats->refused++;
		resp->status = 404;
		return -1;
	}
	resp->bytes = strlen(path) + (size_t)bucket; /* STEPPED */
	resp->status = 200;
	resp->body[0] = path[0];
	resp->body[1] = user->name[0];
	stats->served++;
	return id;
}

int main(int argc, char **argv)
{
	static const char *const paths[] = { "/cart",	  "/cart/checkout", "/items/42",
					     "/users/me", "/health",	    "/search?q=x" };
	static struct user users[USERS];
	static struct item items[ITEMS];
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	struct response resp = { 0 };
	struct stats stats = { 0 };
	int id = 0;

	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < USERS; i++) {
		users[i].uid = 100 + (uint64_t)i;
		users[i].name[0] = (char)('a' + i);
		users[i].credit = i / 100.0;
	}
	for (int i = 0; i < ITEMS; i++)
		items[i] = (struct item){ i % 11, 0.5 + i };

	for (uint64_t start = now_ns(CLOCK_MONOTONIC), t = start;
	     t - start < seconds * 1000000000u && !stop;) {
		uint64_t t0 = t, ran = now_ns(CLOCK_THREAD_CPUTIME_ID);
		int id0 = id;

		while (t - t0 < BATCH_NS && !stop) {
			for (int k = 0; k < STRIDE; k++, id++) {
				struct user *user = &users[id % USERS];

				user->tenant = id % TENANTS;
				process_request(id, user, paths[id % 6], items, &resp, &stats);
			}
			t = now_ns(CLOCK_MONOTONIC);
		}
		ran = now_ns(CLOCK_THREAD_CPUTIME_ID) - ran;
		printf("%.6f %d %.1f %.1f\n", (double)t / 1e9, id, (double)(t - t0) / (id - id0),
		       (double)ran / (id - id0));
	}
	fprintf(stderr, "served %lu refused %lu revenue %.2f\n", stats.served, stats.refused,
		stats.revenue);
	return 0;
}
