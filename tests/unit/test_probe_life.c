// SPDX-License-Identifier: GPL-2.0-only
/* Processes that come and go, who is a target, wake-ups, refusals and costs, on the running kernel. */
#include "probe_world.h"

static void fork_and_hit(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		hit_me(1, "child");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	hit_me(2, "parent");
	execl("/bin/true", "true", NULL);
}

static void children_follow(bool follow)
{
	start_kernel(&(struct lp_kernel_conf){ .follow = follow });
	child_start(&children[0], fork_and_hit);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, 0,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	const uint32_t before = kernel->native.live->lives;
	child_run(&children[0]);
	drain();
	assert_int_equal(kernel->native.live->lives - before, follow ? 3 : 2); /* exec, exits */
	assert_int_equal(counts_of(point).hits, follow ? 2 : 1);
	assert_int_equal(seen[LP_REC_FORK], follow ? 1 : 0);
	assert_int_equal(seen[LP_REC_EXEC], 1);
	assert_int_equal(seen[LP_REC_EXIT], follow ? 2 : 1);
}

static void children_are_followed(void **state)
{
	(void)state;
	children_follow(true);
}

static void children_are_not_followed(void **state)
{
	(void)state;
	children_follow(false);
}

static bool write_pid(const char *path, pid_t pid)
{
	lp_auto(lp_fclose) FILE *f = fopen(path, "we");

	return f && fprintf(f, "%d", (int)pid) > 0 && fflush(f) == 0;
}

static void a_cgroup_is_a_filter(void **state)
{
	char group[64], below[80], procs[100];
	struct stat st;

	(void)state;
	snprintf(group, sizeof(group), "/sys/fs/cgroup/unified/lp_test_%d", (int)getpid());
	snprintf(below, sizeof(below), "%s/below", group);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", below);
	if (mkdir(group, 0755) < 0 || mkdir(below, 0755) < 0 || stat(group, &st) < 0) {
		rmdir(group);
		skip(); /* no cgroup2 here, or not ours */
	}
	start_kernel(
		&(struct lp_kernel_conf){ .filter = LP_FILTER_CGROUP, .cgroup_id = st.st_ino });
	child_start(&children[0], a_hundred_thousand_hits);
	child_start(&children[1], a_hundred_thousand_hits);

	bool moved = write_pid(procs, children[1].pid);
	uint32_t point = add_point((struct lp_point){ .max = 1 });
	attach(&links[0], (void *)hit_me, false, 0,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	child_run(&children[0]);
	uint64_t others = counts_of(point).hits;
	child_run(&children[1]);
	rmdir(below);
	rmdir(group);
	drain();
	assert_true(moved);
	assert_int_equal(others, 0);
	assert_int_equal(counts_of(point).hits, 100000);
	assert_int_equal(seen[LP_REC_EXIT], 1);
}

static void a_sleeping_reader_is_woken(void **state)
{
	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], a_hundred_thousand_hits);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ .max = 1 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));

	struct pollfd p = { .fd = lp_kernel_fd(kernel), .events = POLLIN };
	assert_true(lp_kernel_sleep(kernel));
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(write(children[0].go, "", 1), 1);
	assert_int_equal(poll(&p, 1, 5000), 1);
	lp_kernel_awake(kernel);
	assert_false(lp_kernel_sleep(kernel));
	drain();
	assert_int_equal(seen[LP_REC_HIT], 1);
}

static void refusals_name_the_place(void **state)
{
	struct lp_err err = { 0 };
	uint64_t far = 1ull << 40;
	uint32_t site = 0;

	(void)state;
	for (int single = 0; single < 2; single++) {
		start_kernel(&(struct lp_kernel_conf){ .single_links = single });

		struct lp_attach a = {
			.path = LP_OWN_EXE, .n = 1, .offsets = &far, .sites = &site
		};
		assert_true(lp_kernel_attach(kernel, &a, &links[0], &err) < 0);
		assert_non_null(strstr(err.msg, "/proc/self/exe+0x10000000000"));
		a.path = "/nonexistent/program";
		assert_true(lp_kernel_attach(kernel, &a, &links[0], &err) < 0);
		assert_non_null(strstr(err.msg, "/nonexistent/program"));
		assert_null(links[0]);
		lp_kernel_free(lp_take(kernel));
	}
}

static void costs_are_in_order(void **state)
{
	struct lp_err err = { 0 };
	struct lp_costs costs;

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	if (lp_costs_measure(kernel, &costs, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(costs.emulated > 50);
	assert_true(costs.stepped > costs.emulated);
	assert_true(costs.returned > costs.emulated);
	drain();
	assert_int_equal(seen[LP_REC_HIT], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(children_are_followed),   CASE(children_are_not_followed),
		CASE(a_cgroup_is_a_filter),    CASE(a_sleeping_reader_is_woken),
		CASE(refusals_name_the_place), CASE(costs_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
