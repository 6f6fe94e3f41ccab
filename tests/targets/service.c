/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/service.c
 *
 * service COUNT THREADS PAUSE_US FILE
 *
 * A service under its own load: each thread makes COUNT requests, whose contents follow from their
 * id, and handles them. FILE gets one JSON object a request: what a tracer should have seen.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target.h"

enum method { GET = 1, POST, PUT, REMOVE = 10 };
enum option { KEEPALIVE = 1, GZIP = 2, CHUNKED = 4 };

union address {
	uint32_t v4;
	unsigned char bytes[4];
};

struct peer {
	const char *name;
	uint16_t port;
	union address address;
};

struct user {
	uint32_t id;
	char name[16];
	double score;
	struct user *parent;
};

struct req {
	uint64_t id;
	const char *path;
	int status;
	enum method method;
	enum option options;
	unsigned int retries : 3;
	unsigned int cached : 1;
	int drift : 5;
	struct peer *peer;
	struct user *user;
	double took;
	float load;
	uint8_t body[8];
	int16_t grid[2][3];
};

static const char *const paths[] = { "/", "/cart", "/checkout", "/login", "/\xc3\xa4pfel" };
static struct peer peers[] = {
	{ "alpha.example", 4711, { 0x0100007f } },
	{ "beta.example", 4712, { 0x0200007f } },
	{ "gamma.example", 80, { 0x0300007f } },
};
static struct user root = { 1, "root", 0.5, NULL };
static struct user users[] = {
	{ 7, "seven", 7.25, &root },
	{ 8, "eight", -1e300, &root },
	{ 123, "onetwothree4567", 0.1, &root },
};
static const enum method methods[] = { GET, POST, PUT, REMOVE };

static uint64_t served;
static int failures;
static long count;
static long pause_us;
static FILE *log_file;

static void make(struct req *r, uint64_t id)
{
	memset(r, 0, sizeof(*r));
	r->id = id;
	r->path = paths[id % 5];
	r->status = id % 10 == 0 ? 500 + (int)(id % 3) : 200;
	r->method = methods[id % 4];
	r->options = (enum option)(id % 8);
	r->retries = (unsigned int)id % 8;
	r->cached = id % 2 == 0;
	r->drift = (int)(id % 32) - 16;
	r->peer = &peers[id % 3];
	r->user = id % 4 == 3 ? NULL : &users[id % 3];
	r->took = (double)id / 8;
	r->load = (float)id / 3;
	for (int i = 0; i < 8; i++)
		r->body[i] = (uint8_t)(id + (unsigned int)i);
	for (int i = 0; i < 6; i++)
		r->grid[i / 3][i % 3] = (int16_t)((int)(id % 100) - i * 10);
}

static NOINLINE int reply(const struct req *r, int code)
{
	KEEP(r);
	return OPAQUE(code) / 100;
}

static NOINLINE void fail(const struct req *r)
{
	HERE(r);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static NOINLINE int handle(struct req *req, const char *who, int worker)
{
	size_t length = strlen(req->path);
	int result = reply(req, req->status); /* @handle */

	if (req->status >= 500)
		fail(req);				  /* @failed */
	__atomic_add_fetch(&served, 1, __ATOMIC_RELAXED); /* @locked */
	KEEP(length);
	KEEP(who);
	KEEP(worker);
	return result;
}

static void write_log(const struct req *r, int worker)
{
	fprintf(log_file,
		"{\"id\":%lu,\"path\":\"%s\",\"status\":%d,\"method\":\"%s\",\"retries\":%u,"
		"\"cached\":%u,\"drift\":%d,\"peer\":\"%s\",\"port\":%u,\"v4\":%u,\"user\":%ld,"
		"\"score\":%.17g,\"took\":%.17g,\"load\":%.9g,\"worker\":%d}\n",
		r->id, r->path, r->status,
		r->method == GET    ? "GET"
		: r->method == POST ? "POST"
		: r->method == PUT  ? "PUT"
				    : "REMOVE",
		r->retries, r->cached, r->drift, r->peer->name, r->peer->port, r->peer->address.v4,
		r->user ? (long)r->user->id : -1, r->user ? r->user->score : 0, r->took,
		(double)r->load, worker);
}

static void *work(void *arg)
{
	int worker = (int)(intptr_t)arg;
	char who[32];
	struct req req;

	snprintf(who, sizeof(who), "worker-%d", worker);
	pthread_setname_np(pthread_self(), who);
	for (long i = 0; i < count; i++) {
		make(&req, (uint64_t)(worker * count + i));
		handle(&req, who, worker);
		if (log_file)
			write_log(&req, worker);
		if (pause_us)
			usleep((useconds_t)pause_us);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t ids[64];

	count = argc > 1 ? atol(argv[1]) : 10;
	pause_us = argc > 3 ? atol(argv[3]) : 0;
	if (argc > 4 && !(log_file = fopen(argv[4], "w")))
		return 1;
	if (threads > 64)
		return 2;
	target_wait();
	for (int i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, work, (void *)(intptr_t)i);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("served %lu failures %d\n", served, failures);
	if (log_file)
		fclose(log_file);
	return 0;
}
