// SPDX-License-Identifier: GPL-2.0-only
/* One hit, one outcome: what GATE lets through, what is counted, what a record holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vm_world.h"

static uint64_t all_outcomes(const struct lp_counts *c)
{
	uint64_t n = c->logged + c->filtered + c->limited;

	for (int i = 0; i < LP_LOSS_COUNT; i++)
		n += c->lost[i];
	return n;
}

static void hits(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		world_drain();
		RUN(INSN(GATE), INSN(END));
	}
}

static void hit_clauses(void **state)
{
	static const struct {
		uint32_t op;
		uint64_t n, logged; /* of 100 hits */
	} rows[] = {
		{ LP_HIT_ANY, 0, 100 }, { LP_HIT_EQ, 7, 1 },   { LP_HIT_EQ, 101, 0 },
		{ LP_HIT_GT, 30, 70 },	{ LP_HIT_GE, 30, 71 }, { LP_HIT_LT, 30, 29 },
		{ LP_HIT_LE, 30, 30 },	{ LP_HIT_MOD, 7, 14 }, { LP_HIT_MOD, 0, 0 },
		{ LP_HIT_MOD, 1, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		world_reset();
		world.points[0].hit_op = rows[i].op;
		world.points[0].hit_n = rows[i].n;
		hits(100);
		assert_int_equal(world.counts[0].logged, rows[i].logged);
		assert_int_equal(world.counts[0].filtered, 100 - rows[i].logged);
		assert_int_equal(world.points[0].passed, 100);
	}
}

static void false_condition_is_no_passed_hit(void **state)
{
	(void)state;
	world_reset();
	RUN(INSN(IMM, .dst = 1, .imm = 0), INSN(CHECK, .a = 1), INSN(GATE), INSN(END));
	assert_int_equal(world.points[0].passed, 0);
	assert_int_equal(world.counts[0].filtered, 1);
	assert_int_equal(world.n_sent, 0);
}

static void max_retires_once(void **state)
{
	(void)state;
	world_reset();
	world.points[0].max = 3;
	for (int i = 0; i < 10; i++)
		RUN(INSN(GATE), INSN(END));
	assert_int_equal(world.counts[0].logged, 3);
	assert_int_equal(world.counts[0].filtered, 7);
	assert_int_equal(world.n_sent, 4);

	const struct lp_record *last = (void *)world.sent[3];
	assert_int_equal(last->kind, LP_REC_RETIRED);
	assert_int_equal(last->len, sizeof(*last));
}

static void a_lost_record_gives_its_ticket_back(void **state)
{
	(void)state;
	world_reset();
	world.points[0].max = 2;
	world.ring_full = true;
	hits(5);
	assert_int_equal(world.counts[0].lost[LP_LOSS_RING], 5);
	world.ring_full = false;
	hits(5);
	assert_int_equal(world.counts[0].logged, 2);
	assert_int_equal(world.counts[0].filtered, 3);
	assert_int_equal(all_outcomes(&world.counts[0]), 10);
}

static void rate_is_per_second(void **state)
{
	(void)state;
	world_reset();
	world.points[0].rate = 4;
	hits(10);
	assert_int_equal(world.counts[0].logged, 4);
	assert_int_equal(world.counts[0].limited, 6);
	world.now += LP_SECOND;
	hits(3);
	assert_int_equal(world.counts[0].logged, 7);
	world.now -= LP_SECOND; /* another CPU's clock, a little behind */
	hits(3);
	assert_int_equal(world.counts[0].logged, 8);
	assert_int_equal(all_outcomes(&world.counts[0]), 16);
}

static void after_waits_for_the_other(void **state)
{
	(void)state;
	world_reset();
	world.points[0].after = 1;
	hits(2);
	assert_int_equal(world.counts[0].filtered, 2);

	world.code[0] = INSN(GATE);
	world.code[1] = INSN(END);
	world_hit(&(struct lp_site){ .point = 1, .ninsn = 2 });
	hits(2);
	assert_int_equal(world.counts[0].logged, 2);
}

static void bad_condition_is_reported_once(void **state)
{
	(void)state;
	world_reset();
	world.ring_full = true;
	for (int i = 0; i < 5; i++) {
		RUN(INSN(TRY, .imm = LP_SLOT_COND, .n = 3),
		    INSN(LOAD, .dst = 1, .a = 1, .n = 8, .imm = 0), INSN(CHECK, .a = 1), INSN(GATE),
		    INSN(END));
		world.ring_full = false; /* the first report gets lost: the second hit reports */
	}
	assert_int_equal(world.counts[0].cond_errors, 5);
	assert_int_equal(world.counts[0].filtered, 5);
	assert_int_equal(world.n_sent, 1);

	const struct lp_record *r = (void *)world.sent[0];
	const struct lp_block *b = (void *)(r + 1);
	assert_int_equal(r->kind, LP_REC_COND_ERROR);
	assert_int_equal(b->slot, LP_SLOT_COND);
	assert_int_equal(b->status, LP_ST_UNREADABLE);
}

static void header_says_who_and_when(void **state)
{
	(void)state;
	world_reset();
	hits(2);

	const struct lp_record *r = (void *)world.sent[0];
	assert_int_equal(r->kind, LP_REC_HIT);
	assert_int_equal(r->len, sizeof(*r));
	assert_int_equal(r->site, 9);
	assert_int_equal(r->hit, 2);
	assert_int_equal(r->time, 5 * LP_SECOND);
	assert_int_equal(r->pid, 41);
	assert_int_equal(r->tid, 42);
	assert_int_equal(r->cpu, 3);
	assert_int_equal(r->flags, 0);
	assert_string_equal(r->comm, "worker-1");
}

static const struct lp_block *block(unsigned int i)
{
	uint32_t at = sizeof(struct lp_record);

	while (i--) {
		const struct lp_block *b = (void *)(world.sent[0] + at);

		at += sizeof(*b) + LP_ALIGN(b->len);
	}
	assert_true(at + sizeof(struct lp_block) <= world.sent_len[0]);
	return (void *)(world.sent[0] + at);
}

static void captures(void **state)
{
	uint64_t pointer = WORLD_BASE + 100;

	(void)state;
	world_reset();
	world.page[0] = PAGE_AWAY;
	strcpy((char *)world.memory + 100, "hello");
	memcpy((char *)world.memory + 8, &pointer, 8);
	vm.mach[5] = WORLD_BASE;
	RUN(INSN(GATE), INSN(IMM, .dst = 1, .imm = WORLD_BASE), INSN(IMM, .dst = 2, .imm = 3),
	    INSN(CAP_MEM, .n = LP_CAP(0, 5), .a = 1, .imm = 100),
	    INSN(CAP_MEMM, .n = LP_CAP(1, 16), .b = 5, .imm = 0),
	    INSN(CAP_MEMV, .n = LP_CAP(2, 2), .a = 1, .b = 2),
	    INSN(CAP_STR, .n = LP_CAP(3, 5), .a = 1, .imm = 100),
	    INSN(CAP_STR, .n = LP_CAP(4, 4), .a = 1, .imm = 100),
	    INSN(CAP_STRP, .n = LP_CAP(5, 256), .a = 1, .imm = 8),
	    INSN(CAP_STRM, .n = LP_CAP(10, 256), .b = 5, .imm = 101),
	    INSN(CAP_STRPM, .n = LP_CAP(6, 256), .b = 5, .imm = 8),
	    INSN(CAP_REG, .n = LP_CAP(7, 4), .a = 1), INSN(CAP_MACH, .n = LP_CAP(8, 8), .b = 5),
	    INSN(CAP_MEM, .n = LP_CAP(9, 4), .a = 1, .imm = -8ull), INSN(END));
	assert_int_equal(world.n_sent, 1);

	static const struct {
		uint16_t slot;
		uint8_t status, flags;
		uint32_t len;
		uint64_t addr;
	} rows[] = {
		{ 0, 0, 0, 5, WORLD_BASE + 100 },
		{ 1, 0, 0, 16, WORLD_BASE },
		{ 2, 0, LP_BLKF_CUT, 2, WORLD_BASE },
		{ 3, 0, 0, 5, WORLD_BASE + 100 },
		{ 4, 0, LP_BLKF_CUT, 4, WORLD_BASE + 100 },
		{ 5, 0, 0, 5, WORLD_BASE + 100 },
		{ 10, 0, 0, 4, WORLD_BASE + 101 },
		{ 6, 0, 0, 5, WORLD_BASE + 100 },
		{ 7, 0, 0, 4, 0 },
		{ 8, 0, 0, 8, 0 },
		{ 9, LP_ST_UNREADABLE, 0, 0, WORLD_BASE - 8 },
	};
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct lp_block *b = block(i);

		assert_int_equal(b->slot, rows[i].slot);
		assert_int_equal(b->status, rows[i].status);
		assert_int_equal(b->flags, rows[i].flags);
		assert_int_equal(b->len, rows[i].len);
		assert_int_equal(b->addr, rows[i].addr);
	}
	assert_memory_equal(block(0) + 1, "hello\0\0\0", 8); /* padding is zero */
	assert_memory_equal(block(4) + 1, "hell\0\0\0\0", 8);
	assert_memory_equal(block(6) + 1, "ello", 4);
	assert_memory_equal(block(7) + 1, "hello", 5);
}

static void a_string_stops_where_memory_does(void **state)
{
	(void)state;
	world_reset();
	world.page[0] = PAGE_AWAY;
	world.page[1] = PAGE_AWAY;
	memset(world.memory, 'x', 3 * LP_PAGE);
	RUN(INSN(GATE), INSN(IMM, .dst = 1, .imm = WORLD_BASE),
	    INSN(CAP_STR, .n = LP_CAP(0, 256), .a = 1, .imm = LP_PAGE - 10),
	    INSN(CAP_STR, .n = LP_CAP(1, 256), .a = 1, .imm = 2 * LP_PAGE - 10),
	    INSN(CAP_STR, .n = LP_CAP(2, 256), .a = 1, .imm = 2 * LP_PAGE), INSN(END));
	assert_int_equal(block(0)->len, 256); /* over a page border */
	assert_int_equal(block(0)->flags, LP_BLKF_CUT);
	assert_int_equal(block(1)->len, 10); /* nothing behind */
	assert_int_equal(block(1)->flags, LP_BLKF_CUT);
	assert_int_equal(block(2)->status, LP_ST_UNREADABLE);
	assert_int_equal(block(2)->addr, WORLD_BASE + 2 * LP_PAGE);
}

static void a_full_record_says_so(void **state)
{
	(void)state;
	world_reset();
	lp_record_max = 256;
	world.page[0] = PAGE_HERE;
	memset(world.memory, 'x', LP_PAGE);
	RUN(INSN(GATE), INSN(IMM, .dst = 1, .imm = WORLD_BASE),
	    INSN(CAP_MEM, .n = LP_CAP(0, 64), .a = 1), INSN(CAP_MEM, .n = LP_CAP(1, 128), .a = 1),
	    INSN(CAP_STR, .n = LP_CAP(2, 128), .a = 1), INSN(CAP_REG, .n = LP_CAP(3, 8), .a = 1),
	    INSN(END));

	const struct lp_record *r = (void *)world.sent[0];
	assert_int_equal(r->flags, LP_RECF_CUT);
	assert_int_equal(r->len, 256);
	assert_int_equal(block(0)->status, LP_ST_OK);
	assert_int_equal(block(1)->status, LP_ST_NO_ROOM);
	assert_int_equal(block(2)->len, 72);
	assert_int_equal(block(2)->flags, LP_BLKF_CUT);
}

static void stack_is_copied_as_far_as_it_goes(void **state)
{
	uint64_t sp = WORLD_BASE + 3 * LP_PAGE - 24;

	(void)state;
	world_reset();
	for (int i = 0; i < 6; i++)
		world.page[i] = PAGE_AWAY;
	for (uint32_t i = 0; i < sizeof(world.memory); i++)
		((uint8_t *)world.memory)[i] = (uint8_t)(i >> 3);
	for (int i = 0; i < LP_MACH_REGS; i++)
		vm.mach[i] = 1000 + i;
	vm.mach[LP_MACH_SP] = sp;
	RUN(INSN(GATE), INSN(CAP_STACK, .n = LP_STACK_MAX), INSN(CAP_REG, .n = LP_CAP(3, 8)),
	    INSN(END));
	assert_int_equal(block(0)->slot, LP_SLOT_REGS);
	assert_int_equal(block(0)->len, 8 * LP_MACH_REGS);
	assert_int_equal(((const uint64_t *)(block(0) + 1))[16], 1016);
	assert_int_equal(block(1)->slot, LP_SLOT_STACK);
	assert_int_equal(block(1)->addr, sp);
	assert_int_equal(block(1)->len, 24 + 3 * LP_PAGE);
	assert_int_equal(block(1)->flags, LP_BLKF_CUT);
	assert_memory_equal(block(1) + 1, (uint8_t *)world.memory + (sp - WORLD_BASE),
			    24 + 3 * LP_PAGE);
	assert_int_equal(block(2)->slot, 3);
}

/* Where the environment begins, or what the C library knows of the thread; the nearer one above. */
static void stack_is_copied_up_to_its_end(void **state)
{
	static const struct {
		int end, thread; /* from the stack pointer */
		unsigned int len;
		bool cut;
	} t[] = {
		{ LP_PAGE + 1, 8192, LP_PAGE + 1, false },
		{ LP_PAGE + 8, -8, LP_PAGE + 8, false },
		{ 8192, 40, 40, false },
		{ -LP_PAGE, LP_PAGE + 16, LP_PAGE + 16, false },
		{ 24, 40, 24, false },
		{ 0, -16, 24 + LP_PAGE, true },
		{ 8192, 8192, 24 + LP_PAGE, true },
	};
	const uint64_t sp = WORLD_BASE + LP_PAGE - 24;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		world_reset();
		world.page[0] = world.page[1] = PAGE_HERE;
		world.page[2] = PAGE_NONE;
		world.stack_end = sp + (uint64_t)t[i].end;
		world.thread_pointer = sp + (uint64_t)t[i].thread;
		vm.mach[LP_MACH_SP] = sp;
		RUN(INSN(GATE), INSN(CAP_STACK, .n = 8192), INSN(CAP_REG, .n = LP_CAP(3, 8)),
		    INSN(END));
		assert_int_equal(block(1)->slot, LP_SLOT_STACK);
		assert_int_equal(block(1)->len, t[i].len);
		assert_int_equal(block(1)->flags, t[i].cut ? LP_BLKF_CUT : 0);
		assert_int_equal(block(2)->slot, 3);
	}
}

/* entry: keeps r8, captures a word; return: captures r8 */
static void call(uint64_t sp, uint64_t value)
{
	vm.mach[LP_MACH_SP] = sp;
	vm.mach[LP_MACH_IP] = 0x5400;
	world.code[0] = INSN(IMM, .dst = 8, .imm = value);
	world.code[1] = INSN(CAP_REG, .n = LP_CAP(0, 8), .a = 8);
	world.code[2] = INSN(END);
	world_hit(
		&(struct lp_site){ .kind = LP_SITE_ENTER, .ninsn = 3, .pair = 6, .vaddr = 0x400 });
}

static void back(uint64_t sp)
{
	vm.mach[LP_MACH_SP] = sp + 8;
	vm.mach[LP_MACH_IP] = 0x999999;
	world.code[0] = INSN(GATE);
	world.code[1] = INSN(CTX, .dst = 1, .n = LP_CTX_BIAS);
	world.code[2] = INSN(CAP_REG, .n = LP_CAP(1, 8), .a = 1);
	world.code[3] = INSN(CAP_REG, .n = LP_CAP(2, 8), .a = 8);
	world.code[4] = INSN(END);
	world_hit(&(struct lp_site){ .kind = LP_SITE_LEAVE, .ninsn = 5, .pair = 6 });
}

static void a_call_carries_over(void **state)
{
	(void)state;
	world_reset();
	call(0x8000, 1); /* recursion */
	world.now += 50;
	call(0x7000, 2);
	world.now += 7;
	back(0x7000);
	back(0x8000);
	assert_int_equal(world.n_sent, 2);
	for (unsigned int i = 0; i < 2; i++) {
		const struct lp_record *r = (void *)world.sent[i];
		const uint64_t *words = (void *)(r + 1); /* blocks of two words and a value */

		assert_int_equal(r->elapsed, i ? 57 : 7);
		assert_int_equal(r->flags, LP_RECF_ELAPSED);
		assert_int_equal(words[2], i ? 1 : 2);
		assert_int_equal(words[5], 0x5000);
		assert_int_equal(words[8], i ? 1 : 2);
	}
	back(0x8000); /* already taken */
	assert_int_equal(world.counts[0].lost[LP_LOSS_STASH], 1);
	world.return_dropped = true;
	call(0x6000, 3);
	assert_int_equal(world.counts[0].lost[LP_LOSS_DEPTH], 1);
	assert_int_equal(all_outcomes(&world.counts[0]), 4);
}

static void a_condition_at_entry_filters_the_return(void **state)
{
	(void)state;
	world_reset();
	vm.mach[LP_MACH_SP] = 0x8000;
	world.code[0] = INSN(IMM, .dst = 1, .imm = 0);
	world.code[1] = INSN(CHECK, .a = 1);
	world.code[2] = INSN(END);
	world_hit(&(struct lp_site){ .kind = LP_SITE_ENTER, .ninsn = 3, .pair = 6 });
	assert_int_equal(all_outcomes(&world.counts[0]), 0);
	back(0x8000);
	assert_int_equal(world.counts[0].filtered, 1);
	assert_int_equal(all_outcomes(&world.counts[0]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hit_clauses),
		cmocka_unit_test(false_condition_is_no_passed_hit),
		cmocka_unit_test(max_retires_once),
		cmocka_unit_test(a_lost_record_gives_its_ticket_back),
		cmocka_unit_test(rate_is_per_second),
		cmocka_unit_test(after_waits_for_the_other),
		cmocka_unit_test(bad_condition_is_reported_once),
		cmocka_unit_test(header_says_who_and_when),
		cmocka_unit_test(captures),
		cmocka_unit_test(a_string_stops_where_memory_does),
		cmocka_unit_test(a_full_record_says_so),
		cmocka_unit_test(stack_is_copied_as_far_as_it_goes),
		cmocka_unit_test(stack_is_copied_up_to_its_end),
		cmocka_unit_test(a_call_carries_over),
		cmocka_unit_test(a_condition_at_entry_filters_the_return),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
