// SPDX-License-Identifier: GPL-2.0-only
/* Records of all lengths come whole, however they were copied. */
#include "collect/decode.h"
#include "probe_world.h"

#define LENGTHS 300

static char letter(size_t i)
{
	return (char)('a' + i % 26);
}

static void say_each_length(void)
{
	char text[LENGTHS + 1];

	for (size_t n = 0; n < LENGTHS; n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = letter(n + i);
		text[n] = '\0';
		hit_me(n, text);
	}
}

static int check_length(const void *record, size_t len, void *arg)
{
	const struct lp_record *r = record;
	const struct lp_block *number = (const void *)(r + 1), *text = number + 1;
	size_t *n = arg;
	struct lp_err err = { 0 };

	if (r->kind != LP_REC_HIT)
		return 0;
	if (lp_record_check(record, len, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(*(const uint64_t *)text, *n);
	text = (const void *)((const char *)text + 8);
	assert_int_equal(r->len, (const char *)(text + 1) - (const char *)r + LP_ALIGN(*n));
	assert_int_equal(r->flags, 0);
	assert_int_equal(r->hit, *n + 1);
	assert_int_equal(text->len, *n);
	assert_int_equal(text->status, LP_ST_OK);
	for (size_t i = 0; i < *n; i++)
		assert_int_equal(((const char *)(text + 1))[i], letter(*n + i));
	++*n;
	return 0;
}

static void records_are_whole(bool single)
{
	const struct lp_insn code[] = {
		INSN(GATE),
		INSN(CAP_MACH, .b = RDI, .n = LP_CAP(0, 8)),
		INSN(CAP_STRM, .b = RSI, .n = LP_CAP(1, 512)),
		INSN(END),
	};
	size_t n = 0;

	start_kernel(&(struct lp_kernel_conf){ .lean = true, .single_links = single });
	child_start(&children[0], say_each_length);
	add_target(children[0].pid);

	uint32_t point = add_point((struct lp_point){ 0 });
	attach(&links[0], (void *)hit_me, false, children[0].pid,
	       add_site(point, LP_SITE_PLAIN, code, LP_ARRAY_SIZE(code)));
	assert_null(kernel->skel);
	child_run(&children[0]);
	drain_to(check_length, &n);
	assert_int_equal(n, LENGTHS);
	assert_int_equal(counts_of(point).logged, LENGTHS);
}

static void records_of_all_lengths_are_whole(void **state)
{
	(void)state;
	records_are_whole(false);
}

static void so_are_those_of_single_links(void **state)
{
	(void)state;
	records_are_whole(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(records_of_all_lengths_are_whole),
		CASE(so_are_those_of_single_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
