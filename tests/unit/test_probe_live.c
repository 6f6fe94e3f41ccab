// SPDX-License-Identifier: GPL-2.0-only
/* Hits on the running kernel: exact counts, whole records. */
#include <linux/magic.h>
#include <sys/vfs.h>

#include "probe_world.h"

static void one_in_a_thousand(bool single)
{
	const struct lp_insn code[] = {
		INSN(REG, .dst = 0, .b = RDI),
		INSN(IMM, .dst = 1, .imm = 1000),
		INSN(MODU, .dst = 2, .a = 0, .b = 1),
		INSN(EQI, .dst = 2, .a = 2, .imm = 7),
		INSN(CHECK, .a = 2),
		INSN(GATE),
		INSN(CAP_REG, .n = LP_CAP(0, 8)),
		INSN(END),
	};

	start_kernel(&(struct lp_kernel_conf){ .single_links = single });
	child_start(&children[0], a_hundred_thousand_hits);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, code, LP_ARRAY_SIZE(code)));
	child_run(&children[0]);

	struct lp_counts c = counts_of(point);
	drain();
	assert_int_equal(c.hits, 100000);
	assert_int_equal(c.logged, 100);
	assert_int_equal(c.filtered, 99900);
	assert_int_equal(seen[LP_REC_HIT], 100);
	assert_int_equal(seen[LP_REC_EXIT], 1);
}

static void counts_are_exact(void **state)
{
	(void)state;
	one_in_a_thousand(false);
}

static void counts_are_exact_with_single_links(void **state)
{
	(void)state;
	one_in_a_thousand(true);
}

static void some_say_yes_or_nothing(void)
{
	for (uint64_t i = 0; i < 100000; i++)
		hit_me(i, i % 1000 == 7 ? "yes" : i % 1000 == 8 ? NULL : "no");
}

/* text[0] == 'y': told without the machine where it is false, and never where it is not. */
static void the_quick_way_is_exact(void **state)
{
	const struct lp_insn code[] = {
		INSN(TRY, .imm = LP_SLOT_COND, .n = 4),
		INSN(LOADM, .dst = 1, .b = RSI, .n = 1),
		INSN(EQI, .dst = 1, .a = 1, .imm = 'y'),
		INSN(CHECK, .a = 1),
		INSN(GATE),
		INSN(CAP_MACH, .b = RDI, .n = LP_CAP(0, 8)),
		INSN(END),
	};

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], some_say_yes_or_nothing);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, code, LP_ARRAY_SIZE(code)));
	child_run(&children[0]);

	struct lp_counts c = counts_of(point);
	drain();
	assert_int_equal(c.hits, 100000);
	assert_int_equal(c.logged, 100);
	assert_int_equal(c.filtered, 99900);
	assert_in_range(c.quick, 99700, 99800); /* at first the text is not resident */
	assert_int_equal(c.cond_errors, 100);
	assert_int_equal(seen[LP_REC_HIT], 100);
	assert_int_equal(seen[LP_REC_COND_ERROR], 1);
}

static void say_text(void)
{
	for (uint64_t i = 0; i < 10; i++)
		hit_me(i, "text");
}

static unsigned int texts;

static int count_texts(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;

	(void)arg;
	if (r->kind == LP_REC_HIT && r->point == 1)
		texts += memmem(record, len, "text", 4) != NULL;
	return 0;
}

/* What was not foretold comes with the first site that asks for it, with hits of others meanwhile. */
static void parts_come_as_they_are_needed(void **state)
{
	const struct lp_kernel_conf conf = {
		.max_points = 4, .max_sites = 4, .max_code = 256, .lean = true, .foretold = true
	};
	const struct lp_insn number[] = {
		INSN(GATE),
		INSN(CAP_MACH, .b = RDI, .n = LP_CAP(0, 8)),
		INSN(END),
	};
	const struct lp_insn text[] = {
		INSN(GATE),
		INSN(REG, .dst = 1, .b = RSI),
		INSN(CAP_STR, .a = 1, .n = LP_CAP(0, 64)),
		INSN(END),
	};
	struct lp_err err = { 0 };

	(void)state;
	if (lp_kernel_make(&conf, &kernel, &err) < 0)
		fail_msg("%s", err.msg);
	lp_kernel_foretell_parts(kernel, lp_parts_of(LP_SITE_PLAIN, number, 3));
	int r = lp_kernel_load(kernel, &err);
	if (r == -EPERM || r == -EACCES)
		skip();
	if (r < 0)
		fail_msg("%s", err.msg);
	child_start(&children[0], say_text);
	add_target(children[0].pid);

	uint32_t numbers = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(numbers, LP_SITE_PLAIN, number, LP_ARRAY_SIZE(number)));
	assert_null(kernel->skel);
	assert_int_equal(kernel->parts, 0);

	uint32_t words = add_point((struct lp_point){ 0 });
	attach(&links[1], (void *)hit_me, false, children[0].pid,
	       add_site(words, LP_SITE_PLAIN, text, LP_ARRAY_SIZE(text)));
	assert_non_null(kernel->skel);
	child_run(&children[0]);

	texts = 0;
	drain_to(count_texts, NULL);
	assert_int_equal(counts_of(numbers).logged, 10);
	assert_int_equal(counts_of(words).logged, 10);
	assert_int_equal(texts, 10);
}

static void overload_is_counted(void **state)
{
	(void)state;
	start_kernel(&(struct lp_kernel_conf){ .ring_size = 64 * 1024 });
	child_start(&children[0], a_hundred_thousand_hits);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	assert_int_equal(write(children[0].go, "", 1), 1);

	unsigned int read = 0;
	int status;
	while (waitpid(children[0].pid, &status, WNOHANG) == 0) {
		drain();
		read += seen[LP_REC_HIT];
		usleep(20000);
	}
	close(children[0].go);
	children[0].pid = 0;
	drain();
	read += seen[LP_REC_HIT];

	struct lp_counts c = counts_of(point);
	assert_int_equal(c.hits, 100000);
	assert_int_equal(c.logged, read);
	assert_int_equal(c.lost[LP_LOSS_RING], 100000 - read);
	assert_true(c.lost[LP_LOSS_RING] > 0);
}

static void max_takes_itself_out(void **state)
{
	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], a_hundred_thousand_hits);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ .max = 5 });
	attach(&links[0], (void *)hit_me, false, 0,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	child_run(&children[0]);
	drain();
	assert_int_equal(seen[LP_REC_HIT], 5);
	assert_int_equal(seen[LP_REC_RETIRED], 1);
	assert_int_equal(counts_of(point).filtered, 99995);
}

static void only_targets_are_logged(void **state)
{
	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], a_hundred_thousand_hits);
	child_start(&children[1], a_hundred_thousand_hits);
	add_target(children[0].pid);
	add_target(getpid());
	assert_int_equal(lp_kernel_remove_target(kernel, children[0].pid), 0);
	add_target(children[1].pid);

	uint32_t point = add_point((struct lp_point){ .max = 1 });
	attach(&links[0], (void *)hit_me, false, 0,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	child_run(&children[0]);
	assert_int_equal(counts_of(point).hits, 0);
	child_run(&children[1]);
	assert_int_equal(counts_of(point).hits, 100000);
}

/* Recursion */

__attribute__((noinline)) static uint64_t down(uint64_t n)
{
	uint64_t below = n > 1 ? down(n - 1) : 0;

	__asm__ volatile("" : "+r"(below));
	return below + n;
}

/* The number of the one that all processes are in; 0: there is none. */
static uint64_t topmost_cgroup(void)
{
	static const char *const paths[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;
	struct stat st;

	for (size_t i = 0; i < LP_ARRAY_SIZE(paths); i++)
		if (statfs(paths[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC &&
		    stat(paths[i], &st) == 0)
			return st.st_ino;
	return 0;
}

static void a_cgroup_is_known_from_the_first_hit_on(void **state)
{
	const uint64_t cgroup = topmost_cgroup();

	(void)state;
	if (!cgroup)
		skip();
	for (int lean = 0; lean < 2; lean++) {
		start_kernel(&(struct lp_kernel_conf){
			.filter = LP_FILTER_CGROUP, .cgroup_id = cgroup, .lean = lean });
		child_start(&children[0], a_hundred_thousand_hits);

		uint32_t point = add_point((struct lp_point){ .max = 10 });
		attach(&links[0], (void *)hit_me, false, children[0].pid,
		       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
		child_run(&children[0]);
		assert_int_equal(counts_of(point).logged, 10);
		assert_int_equal(counts_of(point).hits, 100000);
		tear_down(state);
	}
}

static void go_down(void)
{
	down(40);
	down(100);
}

static unsigned int wrong_calls, calls;

/* The argument, kept from entry; the argument again, captured at entry; the result. */
static int check_call(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;
	const uint64_t *words = (const uint64_t *)(r + 1);

	(void)arg;
	if (r->kind != LP_REC_HIT)
		return 0;
	calls++;
	if (len != sizeof(*r) + 3 * 24 || !(r->flags & LP_RECF_ELAPSED) || !r->elapsed ||
	    words[2] != words[5] || words[8] != words[2] * (words[2] + 1) / 2)
		wrong_calls++;
	return 0;
}

static void recursion(bool single)
{
	const struct lp_insn enter[] = {
		INSN(REG, .dst = 9, .b = RDI),
		INSN(CAP_REG, .a = 9, .n = LP_CAP(0, 8)),
		INSN(END),
	};
	const struct lp_insn leave[] = {
		INSN(GATE),
		INSN(CAP_REG, .a = 9, .n = LP_CAP(1, 8)),
		INSN(CAP_MACH, .b = RAX, .n = LP_CAP(2, 8)),
		INSN(END),
	};

	start_kernel(&(struct lp_kernel_conf){ .single_links = single });
	child_start(&children[0], go_down);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	uint32_t in = add_site(point, LP_SITE_ENTER, enter, LP_ARRAY_SIZE(enter));
	uint32_t out = add_site(point, LP_SITE_LEAVE, leave, LP_ARRAY_SIZE(leave));
	attach(&links[0], (void *)down, false, children[0].pid, in);
	attach(&links[1], (void *)down, true, children[0].pid, out);
	child_run(&children[0]);

	calls = wrong_calls = 0;
	assert_true(drain_to(check_call, NULL) > 0);

	struct lp_counts c = counts_of(point);
	assert_int_equal(c.hits, 140);
	assert_int_equal(c.logged, 40 + LP_URETPROBE_DEPTH);
	assert_int_equal(c.lost[LP_LOSS_DEPTH], 100 - LP_URETPROBE_DEPTH);
	assert_int_equal(calls, c.logged);
	assert_int_equal(wrong_calls, 0);
}

static void recursion_is_exact(void **state)
{
	(void)state;
	recursion(false);
}

static void recursion_is_exact_with_single_links(void **state)
{
	(void)state;
	recursion(true);
}

/* Two threads on one CPU */

#define EACH 500000

static void *shout(void *arg)
{
	uint64_t id = (uintptr_t)arg;
	char text[2][200];

	memset(text[0], 'a', 150);
	memset(text[1], 'b', 70);
	text[0][150] = text[1][70] = '\0';
	for (uint64_t i = 0; i < EACH; i++)
		hit_me(id << 32 | i, text[id]);
	return NULL;
}

static void two_threads_on_one_cpu(void)
{
	pthread_t t[2];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, shout, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

static struct {
	unsigned int records, wrong, of[2];
	uint32_t tid[2];
	uint64_t last[2];
} mixed;

static int check_mixed(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;
	const struct lp_block *number = (const void *)(r + 1);
	const struct lp_block *text = (const void *)((const uint8_t *)number + 24);
	uint64_t value = *(const uint64_t *)(number + 1), id = value >> 32;

	(void)arg;
	if (r->kind != LP_REC_HIT)
		return 0;
	mixed.records++;
	if (id > 1 || len != r->len || text->len != (id ? 70 : 150) ||
	    len != sizeof(*r) + 24 + 16 + LP_ALIGN(text->len)) {
		mixed.wrong++;
		return 0;
	}
	for (uint32_t i = 0; i < text->len; i++)
		if (((const char *)(text + 1))[i] != (id ? 'b' : 'a')) {
			mixed.wrong++;
			return 0;
		}
	if (!mixed.tid[id])
		mixed.tid[id] = r->tid;
	if (mixed.tid[id] != r->tid || (mixed.of[id] && (uint32_t)value <= mixed.last[id]))
		mixed.wrong++;
	mixed.of[id]++;
	mixed.last[id] = (uint32_t)value;
	return 0;
}

static void threads_do_not_mix(void **state)
{
	(void)state;
	memset(&mixed, 0, sizeof(mixed));
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], two_threads_on_one_cpu);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	assert_int_equal(write(children[0].go, "", 1), 1);
	while (waitpid(children[0].pid, NULL, WNOHANG) == 0)
		if (drain_to(check_mixed, NULL) == 0)
			usleep(1000);
	close(children[0].go);
	children[0].pid = 0;
	drain_to(check_mixed, NULL);

	struct lp_counts c = counts_of(point);
	assert_int_equal(c.hits, 2 * EACH);
	assert_int_equal(c.logged, mixed.records);
	assert_int_equal(c.logged + c.lost[LP_LOSS_RING] + c.lost[LP_LOSS_BUSY], c.hits);
	assert_int_equal(mixed.wrong, 0);
	assert_true(mixed.of[0] > EACH / 2 && mixed.of[1] > EACH / 2);
}

/* Memory */

#define TEXT "a string in a page that nobody has touched yet"

static void show_a_page_that_is_away(void)
{
	FILE *f = tmpfile();

	if (ftruncate(fileno(f), 8192) < 0 || pwrite(fileno(f), TEXT, sizeof(TEXT), 4090) < 0)
		_exit(1);

	char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fileno(f), 0);
	madvise(p, 8192, MADV_DONTNEED);
	hit_me(1, p + 4090);
	munmap(p + 4096, 4096);
	hit_me(2, p + 4090);
	hit_me(3, p + 4096);
	hit_me(4, NULL);
}

static unsigned int wrong_pages;

static int check_page(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;
	const struct lp_block *number = (const void *)(r + 1);
	const struct lp_block *text = (const void *)((const uint8_t *)number + 24);

	(void)arg;
	(void)len;
	if (r->kind != LP_REC_HIT)
		return 0;
	switch (*(const uint64_t *)(number + 1)) {
	case 1:
		wrong_pages -= text->status == LP_ST_OK && !text->flags &&
			       text->len == strlen(TEXT) && !memcmp(text + 1, TEXT, text->len);
		break;
	case 2:
		wrong_pages -= text->status == LP_ST_OK && text->flags == LP_BLKF_CUT &&
			       text->len == 6 && !memcmp(text + 1, TEXT, 6);
		break;
	case 3:
		wrong_pages -= text->status == LP_ST_UNREADABLE && !(text->addr & 4095);
		break;
	case 4:
		wrong_pages -= text->status == LP_ST_UNREADABLE && text->addr == 0;
		break;
	}
	return 0;
}

static void pages_that_are_away_are_read(void **state)
{
	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	child_start(&children[0], show_a_page_that_is_away);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	child_run(&children[0]);
	wrong_pages = 4;
	assert_true(drain_to(check_page, NULL) >= 4);
	assert_int_equal(wrong_pages, 0);
}

/* Each record that is read makes the next one. */
static int hit_again(const void *record, size_t len, void *arg)
{
	unsigned int *left = arg;

	(void)record;
	(void)len;
	if (*left) {
		--*left;
		hit_me(0, "again");
	}
	return 0;
}

static void what_comes_while_reading_is_for_the_next_time(void **state)
{
	unsigned int left = 100;

	(void)state;
	start_kernel(&(struct lp_kernel_conf){ 0 });
	add_target(getpid());
	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, getpid(),
	       add_site(point, LP_SITE_PLAIN, message, LP_ARRAY_SIZE(message)));
	hit_me(0, "first");
	hit_me(1, "second");
	assert_int_equal(drain_to(hit_again, &left), 2);
	assert_int_equal(drain_to(hit_again, &left), 2);
	left = 0;
	assert_int_equal(drain_to(hit_again, &left), 2);
	assert_int_equal(drain_to(hit_again, &left), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(counts_are_exact),
		CASE(counts_are_exact_with_single_links),
		CASE(the_quick_way_is_exact),
		CASE(parts_come_as_they_are_needed),
		CASE(overload_is_counted),
		CASE(max_takes_itself_out),
		CASE(only_targets_are_logged),
		CASE(a_cgroup_is_known_from_the_first_hit_on),
		CASE(recursion_is_exact),
		CASE(recursion_is_exact_with_single_links),
		CASE(threads_do_not_mix),
		CASE(pages_that_are_away_are_read),
		CASE(what_comes_while_reading_is_for_the_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
