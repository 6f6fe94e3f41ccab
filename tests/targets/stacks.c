/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that wait in known places, and one that computes. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "target.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t reached;
static int ends[2];
static volatile unsigned long counted;

#define APART __attribute__((noinline, noclone))

static APART int take(const char *who)
{
	pthread_mutex_lock(&mutex); /* @take */
	pthread_mutex_unlock(&mutex);
	return who[0];
}

static void *locker(void *arg)
{
	pthread_barrier_wait(&reached);
	return (void *)(long)take(arg); /* @locker */
}

static APART int rest(long seconds)
{
	struct timespec t = { .tv_sec = seconds };
	int r = nanosleep(&t, NULL); /* @rest */

	return r + (int)t.tv_nsec;
}

static inline __attribute__((always_inline)) int rest_long(long factor)
{
	return rest(factor * 100) + 1; /* @inlined */
}

static void *sleeper(void *arg)
{
	pthread_barrier_wait(&reached);
	return (void *)(long)rest_long((long)arg); /* @sleeper */
}

static APART long receive(int depth, volatile char *above)
{
	volatile char buffer[64];
	long n;

	buffer[0] = above[0];
	if (depth)
		n = receive(depth - 1, buffer); /* @deeper */
	else
		n = read(ends[0], (char *)buffer, sizeof(buffer)); /* @receive */
	above[0] = buffer[1];
	return n;
}

static void *receiver(void *arg)
{
	volatile char buffer[2] = { 0 };

	pthread_barrier_wait(&reached);
	return (void *)(receive((int)(long)arg, buffer) + buffer[0]); /* @receiver */
}

static APART unsigned long spin(unsigned long n)
{
	for (;;)
		counted = counted * 3 + n; /* @spin */
	return counted;
}

static void *spinner(void *arg)
{
	return (void *)spin((unsigned long)arg);
}

static void make(const char *name, void *(*fn)(void *arg), void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, fn, arg);
	pthread_setname_np(t, name);
}

int main(void)
{
	if (pipe(ends) < 0)
		return 1;
	pthread_barrier_init(&reached, NULL, 4);
	pthread_mutex_lock(&mutex);
	make("locker", locker, (void *)"me");
	make("sleeper", sleeper, (void *)10L);
	make("receiver", receiver, (void *)3L);
	pthread_barrier_wait(&reached);
	make("spinner", spinner, (void *)7L);
	target_wait(); /* @main */
	return 0;
}
