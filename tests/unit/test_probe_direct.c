// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is read by page tables: the same words as the helper's, or none. The machine's memory is an
 * array, with tables that are made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../bpf/state.h"
#include "base/auto.h"

#define PAGES	64
#define START	(0xffff888000000000ull + 5 * (1ull << 30)) /* of the mapping */
#define MAPPED	0x00007f12345f9000ull			   /* a page of the process */
#define LARGE	0x00007f1234800000ull			   /* 2 MiB of it */
#define PRESENT 0x67ull
#define LEAD	3 /* pages between the mapping's start and the tables */

static struct {
	__u64 words[PAGES * 512];
	size_t n; /* in use */
	__u64 nothing[8];
	bool helper_fails, is_found;
	__u64 helper_adds;		/* what the helper reads besides */
	__u64 *changes, changes_to;	/* an entry, */
	unsigned int changes_at, looks; /* when so often was looked */
	size_t entry;			/* index of MAPPED's */
} machine;

static __u64 *page(size_t n)
{
	return &machine.words[n * 512];
}

static const volatile struct lp_direct_line *lp_direct_at(__u64 addr)
{
	const __u64 off = addr - START;

	if (++machine.looks == machine.changes_at)
		*machine.changes = machine.changes_to;
	if (off >= sizeof(machine.words))
		return (const void *)machine.nothing; /* as what is not mapped reads */
	return (const void *)((const char *)machine.words + off);
}

static __u64 *words_of(__u64 addr);

static long lp_mem_read(void *dst, __u32 len, __u64 addr)
{
	if (machine.helper_fails)
		return -14;
	memcpy(dst, words_of(addr), len);
	*(__u64 *)dst += machine.helper_adds;
	return 0;
}

static const __u32 lp_direct_type = 1;

#define lp_loop_seldom_of(n, fn, ctx) for (__u32 i_ = 0; i_ < (n) && !fn(i_, (ctx)); i_++)
#undef lp_loop_seldom
#define lp_loop_seldom lp_loop_seldom_of

static __u32 lp_five_levels;

static __u64 lp_mapping_at(void)
{
	return START;
}

static __u64 lp_mapping(void)
{
	return machine.is_found ? START : 0;
}

#include "../../bpf/direct.h"
#include "../../bpf/find_mapping.h"

static __u64 *entry_of(__u64 *table, __u64 addr, int level)
{
	return &table[addr >> (12 + 9 * level) & 511];
}

/* Makes what lacks of the tables for addr, down to a level; the entry there. */
static __u64 *map(__u64 addr, int top, int down_to)
{
	__u64 *table = page(LEAD);

	for (int level = top;; level--) {
		__u64 *entry = entry_of(table, addr, level);

		if (level == down_to)
			return entry;
		if (!*entry)
			*entry = machine.n++ * 4096 | PRESENT;
		table = page(*entry >> 12);
	}
}

static void machine_new(int top)
{
	memset(&machine, 0, sizeof(machine));
	memset((void *)&lp_found, 0, sizeof(lp_found));
	lp_five_levels = top == 4;
	machine.n = LEAD + 1;

	__u64 *entry = map(MAPPED, top, 0);
	const size_t first = machine.n++;
	*entry = first * 4096 | PRESENT | 1ull << 63; /* not to be executed */
	machine.entry = (__u64)(entry - machine.words);
	for (size_t i = 0; i < 512; i++)
		page(first)[i] = 0x1000 + i;
	*map(LARGE, top, 1) = PRESENT | LP_PTE_LARGE; /* the first 2 MiB, tables and all */
}

static __u64 *words_of(__u64 addr)
{
	if (addr >= LARGE)
		return &machine.words[(addr - LARGE) / 8];
	return &page(machine.words[machine.entry] >> 12 & 0xff)[(addr - MAPPED) / 8];
}

static const __u64 tables = START + LEAD * 4096;

/* As lp_find_mapping() does it. */
static void find(void)
{
	for (int i = 0; i < 1000 && lp_found.proofs < LP_MAPPING_PROOFS; i++)
		lp_mapping_learn(tables, MAPPED + 8 * (i % 400));
	machine.is_found = lp_found.start == START;
}

static bool reads_right(struct lp_direct_tables *t, __u64 addr)
{
	__u64 words[LP_DIRECT_WORDS];

	const __u64 word = lp_direct_word(t, addr);

	if (lp_direct_read(t, words, addr) < 0) {
		assert_int_equal(word, 0);
		return false;
	}
	assert_memory_equal(words, words_of(addr), sizeof(words));
	assert_int_equal(word, words[0]);
	return true;
}

#define LAST_OF(addr) (((addr) >> LP_DIRECT_TABLE) & (LP_DIRECT_LAST - 1))
#define ALL_TABLES(name)                                                                           \
	struct lp_direct_tables name;                                                              \
	lp_direct_begin(&name, tables)

static void is_found_and_proved(void **state)
{
	(void)state;
	for (int top = 3; top <= 4; top++) {
		machine_new(top);
		ALL_TABLES(t);
		lp_mapping_learn(tables, MAPPED);
		assert_int_equal(lp_found.proofs, 0); /* nothing is believed yet */
		find();
		assert_int_equal(lp_found.start, START);
		assert_int_equal(lp_found.doubts, 0);
		assert_true(lp_mapping_may_be());
		assert_true(reads_right(&t, MAPPED));
		assert_int_equal(t.last_of[LAST_OF(MAPPED)], MAPPED >> LP_DIRECT_TABLE);
		assert_true(reads_right(&t, MAPPED + 4096 - 56)); /* by the table of last time */
		assert_true(reads_right(&t, LARGE + LEAD * 4096 +
						    8 * (MAPPED >> (12 + 9 * top) & 511)));
		assert_false(reads_right(&t, MAPPED + 4096)); /* not there */
		assert_false(reads_right(&t, MAPPED + (1ull << 21)));
	}
}

/* What the entry of the page can say, for which the helper is asked. */
static void odd_pages_are_the_helpers(void **state)
{
	static const __u64 odd[] = {
		0, LP_PTE_SPECIAL, ~LP_PTE_PRESENT, /* PROT_NONE, a page that was swapped out */
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(odd); i++)
		for (int again = 0; again < 2; again++) {
			machine_new(3);
			ALL_TABLES(t);
			find();
			assert_int_equal(reads_right(&t, MAPPED), 1);
			if (!again)
				lp_direct_begin(&t, tables);

			__u64 *entry = &machine.words[machine.entry];
			*entry = odd[i] == LP_PTE_SPECIAL ? *entry | odd[i] : *entry & odd[i];
			__u64 words[LP_DIRECT_WORDS];
			assert_true(lp_direct_read(&t, words, MAPPED) < 0);
			assert_int_equal(lp_direct_word(&t, MAPPED), 0);
		}
}

static void zeros_are_the_helpers(void **state)
{
	__u64 words[LP_DIRECT_WORDS];

	(void)state;
	machine_new(3);
	ALL_TABLES(t);
	find();
	memset(words_of(MAPPED), 0, 56);
	assert_false(reads_right(&t, MAPPED));
	words_of(MAPPED)[6] = 1;
	assert_false(lp_direct_read(&t, words, MAPPED));
	assert_int_equal(lp_direct_word(&t, MAPPED), 0);
	assert_int_equal(lp_direct_word(&t, MAPPED + 6 * 8), 1);
}

/* The page becomes another's while its words are read. */
static void what_changes_is_the_helpers(void **state)
{
	__u64 words[LP_DIRECT_WORDS];
	unsigned int changed = 0, word_changed = 0;

	(void)state;
	for (unsigned int at = 1; at <= 12; at++) {
		machine_new(3);
		ALL_TABLES(t);
		find();
		machine.changes = &machine.words[machine.entry];
		machine.changes_to = 0;
		machine.looks = 0;
		machine.changes_at = (at + 1) / 2;
		if (at & 1)
			changed += lp_direct_read(&t, words, MAPPED) < 0;
		else
			word_changed += !lp_direct_word(&t, MAPPED);
	}
	assert_int_equal(word_changed, changed);
	assert_int_equal(changed,
			 6); /* three levels, the page's entry, the words, the entry again */
}

static void what_cannot_be_found_is_given_up(void **state)
{
	(void)state;
	machine_new(3);
	for (int i = 0; i < 2000; i++) {
		page(LEAD)[0] = 0;
		lp_mapping_learn(tables + (7ull << 40), MAPPED + 8 * (i % 400)); /* elsewhere */
	}
	assert_false(lp_mapping_may_be());
	assert_int_equal(lp_found.start, 0);
}

/* Other words than the helper's: a few may be other threads', more are a wrong mapping. */
static void what_differs_is_given_up(void **state)
{
	(void)state;
	machine_new(3);
	lp_mapping_learn(tables, MAPPED);
	machine.helper_adds = 1;
	for (unsigned int i = 0; i < LP_MAPPING_DOUBTS; i++)
		lp_mapping_learn(tables, MAPPED);
	assert_true(lp_mapping_may_be());
	lp_mapping_learn(tables, MAPPED);
	assert_false(lp_mapping_may_be());
}

static void too_little_proves_nothing(void **state)
{
	(void)state;
	machine_new(3);
	machine.helper_fails = true;
	lp_mapping_learn(tables, MAPPED);
	machine.helper_fails = false;
	memset(words_of(MAPPED), 0, 40);
	lp_mapping_learn(tables, MAPPED);
	assert_int_equal(lp_found.start, 0);
	assert_int_equal(lp_found.next, 0);
}

/* By the tables each time, as where interrupts are on. */
static bool is_resident(__u64 addr)
{
	lp_word words[LP_WINDOW / 8];
	__u64 word;

	if (lp_resident_words(tables, words, addr) < 0 || lp_resident_word(tables, &word, addr) < 0)
		return false;
	assert_memory_equal(words, words_of(addr), sizeof(words));
	assert_int_equal(word, words[0]);
	return true;
}

static void new_resident(int top)
{
	machine_new(top);
	machine.is_found = true;
}

static void resident_pages_are_read(void **state)
{
	(void)state;
	for (int top = 3; top <= 4; top++) {
		new_resident(top);
		assert_true(is_resident(MAPPED));
		assert_true(is_resident(MAPPED + LP_PAGE - LP_WINDOW));
		assert_false(is_resident(MAPPED + LP_PAGE)); /* not there */
		assert_false(is_resident(MAPPED + (1ull << 21)));
		assert_false(is_resident(MAPPED | 1ull << 47)); /* the kernel's */
		assert_false(is_resident(MAPPED | 1ull << 55)); /* nobody's */
		machine.is_found = false;
		assert_false(is_resident(MAPPED));
	}
	new_resident(3);
	assert_true(is_resident(LARGE + LEAD * LP_PAGE + 8 * (MAPPED >> 39 & 511)));
}

/* Python's windows at a probe: where no tables are known that nobody else can change. */
static void a_window_at_a_probe_is_resident(void **state)
{
	lp_auto(lp_free) struct lp_vm *vm = calloc(1, sizeof(*vm));
	__u64 words[LP_DIRECT_WORDS];

	(void)state;
	new_resident(3);
	assert_true(lp_mem_direct(vm, words, MAPPED) < 0);
	vm->tables = tables;
	assert_int_equal(lp_mem_direct(vm, words, MAPPED), 0);
	assert_memory_equal(words, words_of(MAPPED), sizeof(words));
	machine.changes = &machine.words[machine.entry];
	machine.changes_to = *machine.changes + (1ull << 12);
	machine.looks = 0;
	machine.changes_at = 6; /* its words have been read */
	assert_true(lp_mem_direct(vm, words, MAPPED) < 0);
}

static void odd_pages_are_not_read(void **state)
{
	static const __u64 without[] = { LP_PTE_PRESENT, LP_PTE_USER };

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(without); i++) {
		new_resident(3);
		machine.words[machine.entry] &= ~without[i];
		assert_false(is_resident(MAPPED));
		assert_int_equal(lp_pt_walk(START, tables, MAPPED, &(__u64){ 0 }, &(__u32){ 0 }),
				 0);
	}
	new_resident(3);
	machine.words[machine.entry] |= LP_PTE_SPECIAL;
	assert_false(is_resident(MAPPED));
	new_resident(3);
	*map(MAPPED, 3, 2) |= LP_PTE_LARGE; /* 1 GiB */
	assert_false(is_resident(MAPPED));
}

static void zero_words_are_not_believed_alone(void **state)
{
	__u64 word;

	(void)state;
	new_resident(3);
	memset(words_of(MAPPED), 0, LP_WINDOW);
	assert_false(is_resident(MAPPED));
	words_of(MAPPED)[3] = 1;
	for (int i = 0; i < 3; i++) {
		word = 1;
		assert_int_equal(lp_resident_word(tables, &word, MAPPED + 8 * i), 0);
		assert_int_equal(word, 0);
	}
	memset(words_of(MAPPED + LP_PAGE - 16), 0, 16);
	assert_true(lp_resident_word(tables, &word, MAPPED + LP_PAGE - 16) < 0);
	assert_true(lp_resident_word(tables, &word, MAPPED + LP_PAGE - 7) < 0);
}

/* Whatever entry of the way becomes another, whenever: the words are not believed, or are the old ones. */
static void a_way_that_changes_is_not_believed(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++)
		for (unsigned int at = 1; at <= 9; at++) {
			lp_word words[LP_WINDOW / 8];

			new_resident(3);
			machine.changes = map(MAPPED, 3, level);
			machine.changes_to = *machine.changes + (1ull << 12); /* elsewhere */
			machine.looks = 0;
			machine.changes_at = at;
			bool is_read = !lp_resident_words(tables, words, MAPPED);
			/* the way, the words, the way again from the pages up */
			assert_int_equal(is_read, at > 6 + (unsigned int)level);
			if (is_read)
				assert_int_equal(words[0], 0x1000);
		}
}

static void strings_are_read(void **state)
{
	static const __u32 lengths[] = {
		0, 1, 6, 7, 8, 9, 15, 16, 40, 255, 256, LP_RESIDENT_TEXT - 1, LP_RESIDENT_TEXT,
	};
	char text[LP_RESIDENT_TEXT + 16];

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(lengths); i++)
		for (__u32 shift = 0; shift < 8; shift++) {
			const __u32 n = lengths[i];
			__u64 len = ~0ull;

			new_resident(3);
			char *at = (char *)words_of(MAPPED) + shift;
			memset(at, 'x', LP_RESIDENT_TEXT + 8);
			memset(at, 0x80, n); /* and what is not ASCII */
			at[n] = 0;
			assert_int_equal(
				!lp_resident_text(tables, text, LP_READ_MAX, MAPPED + shift, &len),
				n < LP_RESIDENT_TEXT);
			if (n < LP_RESIDENT_TEXT) {
				assert_int_equal(len, n);
				assert_memory_equal(text, at, n + 1);
			}
			/* no longer than it may be, and no byte too many written */
			memset(text, 'y', sizeof(text));
			assert_int_equal(!lp_resident_text(tables, text, 6, MAPPED + shift, &len),
					 n <= 6);
			assert_int_equal(text[6 + 8], 'y');
		}
}

static void strings_beyond_are_not_read(void **state)
{
	char text[LP_RESIDENT_TEXT + 8];
	__u64 len;

	(void)state;
	new_resident(3);
	char *end = (char *)words_of(MAPPED) + LP_PAGE;
	memset(end - 16, 'x', 16);
	assert_true(lp_resident_text(tables, text, 256, MAPPED + LP_PAGE - 16, &len) < 0);
	end[-9] = 0;
	assert_int_equal(lp_resident_text(tables, text, 256, MAPPED + LP_PAGE - 16, &len), 0);
	assert_int_equal(len, 7);
	assert_true(lp_resident_text(tables, text, 256, MAPPED + LP_PAGE - 7, &len) < 0);
	memset(end - 16, 0, 8); /* as what is not mapped */
	assert_true(lp_resident_text(tables, text, 256, MAPPED + LP_PAGE - 16, &len) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_found_and_proved),
		cmocka_unit_test(odd_pages_are_the_helpers),
		cmocka_unit_test(resident_pages_are_read),
		cmocka_unit_test(a_window_at_a_probe_is_resident),
		cmocka_unit_test(odd_pages_are_not_read),
		cmocka_unit_test(zero_words_are_not_believed_alone),
		cmocka_unit_test(a_way_that_changes_is_not_believed),
		cmocka_unit_test(strings_are_read),
		cmocka_unit_test(strings_beyond_are_not_read),
		cmocka_unit_test(zeros_are_the_helpers),
		cmocka_unit_test(what_changes_is_the_helpers),
		cmocka_unit_test(what_cannot_be_found_is_given_up),
		cmocka_unit_test(what_differs_is_given_up),
		cmocka_unit_test(too_little_proves_nothing),
	};

	return cmocka_run_group_tests_name("probe_direct", tests, NULL, NULL);
}
