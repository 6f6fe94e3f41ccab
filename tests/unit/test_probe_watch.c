// SPDX-License-Identifier: GPL-2.0-only
/* Watched bytes on the running kernel: every thread, once each, and who has the watchpoints. */
#include "probe_world.h"

#include <dirent.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define READS 10000

static volatile uint8_t watch_me[16 * LP_WATCH_NEAR];

/* Each thread says that it is there, and waits until all may read. */
struct shared {
	atomic_int there, go, stop, reads, child;
};
static struct shared *shared;

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(shared != MAP_FAILED);
}

static void wait_until(atomic_int *what, int n)
{
	while (atomic_load(what) < n)
		usleep(500);
}

static void read_often(int n)
{
	for (int i = 0; i < n; i++)
		(void)watch_me[7];
}

static void *reader(void *arg)
{
	(void)arg;
	atomic_fetch_add(&shared->there, 1);
	wait_until(&shared->go, 1);
	read_often(READS);
	return NULL;
}

static void start_and_join(pthread_t *threads, int n, bool start)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(start ? pthread_create(&threads[i], NULL, reader, NULL)
				       : pthread_join(threads[i], NULL),
				 0);
}

/* Four threads that are there, four that start later, the first thread itself, a child. */
static void old_and_new_threads(void)
{
	pthread_t old[4], later[4];

	start_and_join(old, 4, true);
	wait_until(&shared->go, 1);
	start_and_join(later, 4, true);
	read_often(READS);
	start_and_join(old, 4, false);
	start_and_join(later, 4, false);

	pid_t pid = fork();
	if (pid == 0) {
		read_often(READS);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void watch(struct lp_link **ret, size_t i)
{
	struct lp_err err = { 0 };

	if (lp_kernel_watch(kernel, children[0].pid, (uintptr_t)&watch_me[i], ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void need_hits(void)
{
	if (lp_watch_fires())
		return;
	print_message("watchpoints never hit on this machine\n");
	skip();
}

/* Of several watchpoints for one byte a processor brings all; qemu 7.2, which emulates one, the first alone. */
static void need_all_of_several(void)
{
	static volatile uint8_t byte;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_RW,
		.bp_addr = (uintptr_t)&byte,
		.bp_len = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	uint64_t brought[2];
	int fds[2];

	for (int i = 0; i < 2; i++)
		fds[i] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	(void)byte;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read(fds[i], &brought[i], sizeof(*brought)), sizeof(*brought));
		close(fds[i]);
	}
	if (brought[0] != brought[1]) {
		print_message("of two watchpoints for one byte one is brought\n");
		skip();
	}
}

static uint64_t fired(void)
{
	assert_int_equal(kernel->watched.len, 1);
	return kernel->watched.data[0].fired;
}

static void every_thread_counts_once(bool follow)
{
	struct lp_watch_runs runs;
	uint64_t addr = (uintptr_t)&watch_me[7];

	need_hits();
	share();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true, .follow = follow });
	child_start(&children[0], old_and_new_threads);
	assert_int_equal(write(children[0].go, "", 1), 1);
	wait_until(&shared->there, 4);
	watch(&links[0], 7);
	atomic_store(&shared->go, 1);
	child_end(&children[0]);

	lp_link_free(lp_take(links[0]));
	lp_watch_runs(kernel, addr, &runs);
	assert_int_equal(fired(), (follow ? 10 : 9) * READS);
	assert_int_equal(runs.all, fired());
	assert_int_equal(runs.twice, 0);
	assert_int_equal(lp_kernel_unseen(kernel, addr), 0);
}

static void threads_count_once(void **state)
{
	(void)state;
	every_thread_counts_once(false);
}

static void so_do_children_that_are_followed(void **state)
{
	(void)state;
	every_thread_counts_once(true);
}

static void *read_and_spawn(void *left)
{
	pthread_t next;
	bool more = !atomic_load(&shared->stop) || (intptr_t)left > 0;

	if (more && pthread_create(&next, NULL, read_and_spawn,
				   (void *)(atomic_load(&shared->stop) ? (intptr_t)left - 1
								       : (intptr_t)left)) == 0)
		pthread_detach(next);
	if (atomic_load(&shared->go)) {
		read_often(10);
		atomic_fetch_add(&shared->reads, 10);
	}
	if (!more)
		atomic_store(&shared->there, 2);
	usleep(1000);
	return NULL;
}

/* A chain of threads, each of which starts the next: some start while the byte is being watched. */
static void a_thread_after_the_other(void)
{
	pthread_t first;

	assert_int_equal(pthread_create(&first, NULL, read_and_spawn, (void *)20), 0);
	pthread_join(first, NULL);
	atomic_store(&shared->there, 1);
	wait_until(&shared->there, 2);
	usleep(50000);
}

static void threads_that_start_meanwhile_count_once(void **state)
{
	struct lp_watch_runs runs;
	uint64_t addr = (uintptr_t)&watch_me[7];

	(void)state;
	need_hits();
	for (int round = 0; round < 5; round++) {
		share();
		start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
		child_start(&children[0], a_thread_after_the_other);
		assert_int_equal(write(children[0].go, "", 1), 1);
		wait_until(&shared->there, 1);
		watch(&links[0], 7);
		atomic_store(&shared->go, 1);
		usleep(30000);
		atomic_store(&shared->stop, 1);
		child_end(&children[0]);

		lp_link_free(lp_take(links[0]));
		lp_watch_runs(kernel, addr, &runs);
		assert_true(atomic_load(&shared->reads) >= 200);
		assert_int_equal(runs.all - runs.twice, atomic_load(&shared->reads));
		assert_int_equal(lp_kernel_unseen(kernel, addr), 0);
		lp_kernel_free(lp_take(kernel));
	}
}

/* Those that have inherited the same may swap their events when one gives its processor to another. */
static void *read_in_turns(void *arg)
{
	(void)arg;
	for (int i = 0; i < READS / 10; i++) {
		(void)watch_me[7];
		sched_yield();
	}
	return NULL;
}

/* One that starts when the byte is watched, and is there long enough to be seen; then four on one processor. */
static void one_late_thread_and_four(void)
{
	pthread_t late, four[4];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	atomic_fetch_add(&shared->there, 1);
	wait_until(&shared->go, 1);
	assert_int_equal(pthread_create(&late, NULL, reader, NULL), 0);
	wait_until(&shared->there, 2);
	wait_until(&shared->go, 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&four[i], NULL, read_in_turns, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(four[i], NULL);
	pthread_join(late, NULL);
}

static void threads_that_swap_their_events_count_once(void **state)
{
	struct lp_watch_runs runs;
	struct lp_err err = { 0 };

	(void)state;
	need_hits();
	need_all_of_several();
	share();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	child_start(&children[0], one_late_thread_and_four);
	assert_int_equal(write(children[0].go, "", 1), 1);
	wait_until(&shared->there, 1);
	watch(&links[0], 7);
	atomic_store(&shared->go, 1);
	wait_until(&shared->there, 2);
	if (lp_link_cover_threads(links[0], &err) < 0)
		fail_msg("%s", err.msg);
	atomic_store(&shared->go, 2);
	child_end(&children[0]);

	lp_link_free(lp_take(links[0]));
	lp_watch_runs(kernel, (uintptr_t)&watch_me[7], &runs);
	assert_int_equal(runs.all - runs.twice, READS + 4 * (READS / 10));
}

/* A child of its own, which reads on until it is told to stop. */
static void one_that_forks(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (!atomic_load(&shared->stop)) {
			(void)watch_me[7];
			atomic_fetch_add(&shared->reads, 1);
		}
		_exit(0);
	}
	atomic_store(&shared->child, pid);
	waitpid(pid, NULL, 0);
}

/* What the child has inherited goes while it reads, and its own event stays. */
static void events_that_go_take_no_hit_along(void **state)
{
	struct lp_watch_runs runs;
	struct lp_err err = { 0 };

	(void)state;
	need_hits();
	need_all_of_several();
	share();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true, .follow = true });
	for (int round = 0; round < 30; round++) {
		child_start(&children[0], one_that_forks);
		watch(&links[0], 7);
		assert_int_equal(write(children[0].go, "", 1), 1);
		wait_until(&shared->child, 1);
		if (lp_kernel_watch(kernel, atomic_load(&shared->child), (uintptr_t)&watch_me[7],
				    &links[1], &err) < 0)
			fail_msg("%s", err.msg);
		usleep(2000);
		lp_link_free(lp_take(links[0]));
		usleep(2000);
		atomic_store(&shared->stop, 1);
		child_end(&children[0]);
		lp_link_free(lp_take(links[1]));
		atomic_store(&shared->child, 0);
		atomic_store(&shared->stop, 0);
	}
	lp_watch_runs(kernel, (uintptr_t)&watch_me[7], &runs);
	assert_true(runs.twice > 0);
	assert_int_equal(runs.all - runs.twice, atomic_load(&shared->reads));
}

static int count_events(void)
{
	char path[64], to[64];
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.16s", e->d_name);
		ssize_t len = readlink(path, to, sizeof(to) - 1);
		to[len < 0 ? 0 : len] = '\0';
		n += !strcmp(to, "anon_inode:[perf_event]");
	}
	closedir(dir);
	return n;
}

#define CHAINS 6
#define SHARED 3
#define TRIES  300 /* of 100 ms: other tests take watchpoints, too */

/* Each starts the next one at once; the last ones of all chains wait. */
static void *spawn_at_once(void *arg)
{
	pthread_t next;

	if (atomic_load(&shared->stop)) {
		atomic_fetch_add(&shared->there, 1);
		wait_until(&shared->go, 1);
		read_often(READS);
		atomic_fetch_add(&shared->reads, 1);
		return NULL;
	}
	while (pthread_create(&next, NULL, spawn_at_once, arg))
		;
	pthread_detach(next);
	return NULL;
}

static void many_chains(void)
{
	pthread_t first;

	for (int i = 0; i < CHAINS; i++) {
		assert_int_equal(pthread_create(&first, NULL, spawn_at_once, NULL), 0);
		pthread_detach(first);
	}
	atomic_fetch_add(&shared->reads, 1);
	wait_until(&shared->there, CHAINS);
	wait_until(&shared->go, 2);
}

/* How many of its watchpoints are taken, in the thread that has the fewest. */
static uint32_t least_taken(pid_t pid, uint32_t slots)
{
	uint32_t least = UINT32_MAX;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		pid_t tid = (pid_t)atoi(e->d_name);
		uint32_t left = tid ? lp_watch_free_slots_of(tid) : UINT32_MAX;

		if (left <= slots && slots - left < least)
			least = slots - left;
	}
	closedir(dir);
	return least;
}

/* Each thread of a chain has gone on when it is seen: what it has started is watched all the same. */
static void threads_that_are_always_new_are_watched(void **state)
{
	const uint32_t slots = lp_watch_slots();
	struct lp_watch_runs runs;

	(void)state;
	share();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	child_start(&children[0], many_chains);
	assert_int_equal(write(children[0].go, "", 1), 1);
	wait_until(&shared->reads, 1);
	watch(&links[0], 7);
	atomic_store(&shared->stop, 1);
	wait_until(&shared->there, CHAINS);
	uint32_t taken = least_taken(children[0].pid, slots);
	const bool may_miss = lp_link_may_miss(links[0]);
	atomic_store(&shared->go, 1);
	wait_until(&shared->reads, 1 + CHAINS);
	lp_link_free(lp_take(links[0]));
	assert_int_equal(lp_watch_free_slots(children[0].pid), slots);
	atomic_store(&shared->go, 2);
	if (may_miss)
		return; /* which is said */
	assert_in_range(taken, 1, slots);
	if (!lp_watch_fires())
		return;
	lp_watch_runs(kernel, (uintptr_t)&watch_me[7], &runs);
	assert_int_equal(runs.all - runs.twice, CHAINS * READS);
}

/* Of processes that were forked from one, and make new threads all the time, one byte takes one of a processor's. */
static void processes_share_what_watches_processors(void **state)
{
	struct lp_link *each[2][SHARED] = { 0 };
	const uint32_t slots = lp_watch_slots();
	struct lp_err err = { 0 };
	int r = 0;

	(void)state;
	if (slots <= SHARED)
		skip();
	share();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	for (int c = 0; c < 2; c++) {
		child_start(&children[c], many_chains);
		assert_int_equal(write(children[c].go, "", 1), 1);
	}
	wait_until(&shared->reads, 2);
	for (int c = 0; c < 2; c++)
		for (size_t i = 0; i < SHARED && r >= 0; i++)
			for (int left = TRIES; left--;) {
				r = lp_kernel_watch(kernel, children[c].pid,
						    (uintptr_t)&watch_me[i], &each[c][i], &err);
				if (r != -ENOSPC)
					break;
				usleep(100000); /* a processor has what no thread of any process has taken */
			}
	if (r < 0) {
		for (int c = 0; c < 2; c++)
			for (size_t i = 0; i < SHARED; i++)
				lp_link_free(each[c][i]);
		atomic_store(&shared->stop, 1);
		atomic_store(&shared->go, 2);
		print_message("%s\n", err.msg);
		assert_int_equal(
			r, -ENOSPC); /* a processor has what no thread of any process has taken */
		skip();
	}
	atomic_store(&shared->stop, 1);
	wait_until(&shared->there, 2 * CHAINS);
	for (size_t i = 0; i < SHARED; i++)
		lp_link_free(each[0][i]);
	uint32_t taken = least_taken(children[1].pid, slots);
	for (size_t i = 0; i < SHARED; i++)
		lp_link_free(each[1][i]);
	assert_int_equal(lp_watch_free_slots(children[1].pid), slots);
	atomic_store(&shared->go, 2);
	assert_in_range(taken, SHARED, slots);
}

static void the_last_one_is_told_of(void **state)
{
	struct lp_link *all[16] = { 0 }, *one_more = NULL;
	uint32_t slots = lp_watch_slots();
	struct lp_err err = { 0 };

	(void)state;
	share();
	assert_in_range(slots, 1, LP_ARRAY_SIZE(all));
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	child_start(&children[0], old_and_new_threads);
	assert_int_equal(lp_watch_free_slots(children[0].pid), slots);
	for (uint32_t i = 0; i < slots; i++)
		watch(&all[i], i);
	assert_int_equal(lp_watch_free_slots(children[0].pid), 0);

	int r = lp_kernel_watch(kernel, children[0].pid, (uintptr_t)&watch_me[32], &one_more, &err);
	for (uint32_t i = 0; i < slots; i++)
		lp_link_free(all[i]);
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(err.msg, "are taken by logpoints of this session"));
	assert_int_equal(lp_watch_free_slots(children[0].pid), slots);
	assert_int_equal(count_events(), 0);
}

static size_t other; /* of watch_me */

static void read_two(void)
{
	wait_until(&shared->go, 1);
	for (int i = 0; i < READS; i++) {
		(void)watch_me[7];
		(void)watch_me[other];
		(void)watch_me[other];
	}
}

/* Two bytes whose counters would be at one place: that of the first, until it is watched no more. */
static void bytes_that_share_a_place_are_counted(void **state)
{
	const uint32_t place = LP_WATCH_NEAR_OF((uintptr_t)&watch_me[7]);
	struct lp_watch_runs runs[2];

	(void)state;
	need_hits();
	share();
	for (other = 8; LP_WATCH_NEAR_OF((uintptr_t)&watch_me[other]) != place;)
		assert_in_range(++other, 8, sizeof(watch_me) - 1);
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	child_start(&children[0], read_two);
	assert_int_equal(write(children[0].go, "", 1), 1);
	watch(&links[0], 7);
	watch(&links[1], other);
	assert_true(kernel->watch_near[place] == (uintptr_t)&watch_me[7]);
	atomic_store(&shared->go, 1);
	child_end(&children[0]);

	for (size_t i = 0; i < 2; i++)
		lp_link_free(lp_take(links[i]));
	lp_watch_runs(kernel, (uintptr_t)&watch_me[7], &runs[0]);
	lp_watch_runs(kernel, (uintptr_t)&watch_me[other], &runs[1]);
	assert_int_equal(runs[0].all, READS);
	assert_int_equal(runs[1].all, 2 * READS);
	lp_kernel_forget_byte(kernel, (uintptr_t)&watch_me[7]);
	assert_true(kernel->watch_near[place] == 0);
	lp_watch_runs(kernel, (uintptr_t)&watch_me[7], &runs[0]);
	assert_int_equal(runs[0].all, 0);
}

static void the_cost_is_measured(void **state)
{
	struct lp_costs costs;
	struct lp_err err = { 0 };

	(void)state;
	need_hits();
	start_kernel(&(struct lp_kernel_conf){ .python_watch = true });
	if (lp_costs_measure(kernel, &costs, &err) < 0)
		fail_msg("%s", err.msg);
	assert_in_range(costs.watched, 50, 1000000);
	assert_int_equal(lp_watch_free_slots(getpid()), lp_watch_slots());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_count_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(so_do_children_that_are_followed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_that_start_meanwhile_count_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_that_swap_their_events_count_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(events_that_go_take_no_hit_along, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_that_are_always_new_are_watched, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(processes_share_what_watches_processors, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_last_one_is_told_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_that_share_a_place_are_counted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_cost_is_measured, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
