// SPDX-License-Identifier: GPL-2.0-only
/* Records as the kernel side writes them, to events; the readers of values are stand-ins here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "collect/collect.h"
#include "native/reader.h"

/* --- stand-ins --- */

static struct lp_bytes seen; /* the latest bytes that were read as a value */
static char seen_data[256];
static struct lp_hole seen_holes[8];

void lp_read_value(const struct lp_reader *r, const struct lp_type *type,
		   const struct lp_bytes *bytes, struct lp_value *ret)
{
	seen = *bytes;
	memcpy(seen_data, bytes->data,
	       bytes->len < sizeof(seen_data) ? bytes->len : sizeof(seen_data));
	for (size_t i = 0; i < bytes->n_holes && i < LP_ARRAY_SIZE(seen_holes); i++)
		seen_holes[i] = bytes->holes[i];
	*ret = (struct lp_value){ .kind = LP_VAL_INT, .size = 4 };
	if (type->kind == LP_TYPE_POINTER) { /* what it points to, by the memory of the record */
		char text[64];
		uint64_t addr;
		int cut;
		memcpy(&addr, bytes->data, sizeof(addr));
		long n = r->memory->read_string(r->memory, addr, text, sizeof(text), &cut);
		if (n == -ENODATA) {
			*ret = (struct lp_value){ .kind = LP_VAL_POINTER, .u = addr };
			return;
		}
		if (n < 0) {
			lp_status_text(LP_ST_UNREADABLE, addr, r->arena, ret);
			return;
		}
		*ret = (struct lp_value){ .kind = LP_VAL_STRING,
					  .len = (size_t)n,
					  .cut = cut,
					  .str = lp_arena_strndup(r->arena, text, (size_t)n) };
		return;
	}
	int32_t v = 0;
	memcpy(&v, bytes->data, bytes->len < sizeof(v) ? bytes->len : sizeof(v));
	ret->s = v;
}

void lp_status_text(enum lp_status status, uint64_t addr, struct lp_arena *a, struct lp_value *ret)
{
	*ret = (struct lp_value){ .kind = LP_VAL_ERROR,
				  .str = status == LP_ST_UNREADABLE
						 ? lp_arena_fmt(a, "unreadable %#lx", (long)addr)
						 : "optimized out" };
}

void lp_eval_run(const struct lp_eval *eval, const struct lp_value *fields, struct lp_arena *a,
		 struct lp_value *ret)
{
	(void)eval, (void)a;
	*ret = (struct lp_value){ .kind = LP_VAL_INT, .s = fields[0].s * 2 };
}

/* --- records --- */

struct record {
	_Alignas(8) char bytes[4096];
	size_t len;
};

static struct record record_of(uint16_t kind, uint64_t time)
{
	struct lp_record rec = { .kind = kind,
				 .time = time,
				 .hit = 3,
				 .pid = 10,
				 .tid = 11,
				 .cpu = 1,
				 .elapsed = 99,
				 .comm = "sixteen_letters!" };
	struct record r = { .len = sizeof(rec) };

	memcpy(r.bytes, &rec, sizeof(rec));
	return r;
}

static struct lp_record *header(struct record *r)
{
	struct lp_record *rec = (void *)r->bytes;

	rec->len = (uint32_t)r->len;
	return rec;
}

static void put(struct record *r, struct lp_block b, const void *data)
{
	memcpy(r->bytes + r->len, &b, sizeof(b));
	if (data)
		memcpy(r->bytes + r->len + sizeof(b), data, b.len);
	r->len += sizeof(b) + LP_ALIGN(b.len);
}

/* --- what comes out --- */

static struct {
	char messages[64][256];
	size_t n;
	char notice[256];
	uint16_t notice_kind;
	struct lp_event last;
	struct lp_value values[8];
	struct lp_frame frames[8];
	uint64_t time;
} got;

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	(void)arg, (void)err;
	assert_true(ev->message_len < sizeof(got.messages[0]));
	memcpy(got.messages[got.n % 64], ev->message, ev->message_len);
	got.messages[got.n++ % 64][ev->message_len] = '\0';
	got.last = *ev;
	for (size_t i = 0; i < ev->n_values && i < LP_ARRAY_SIZE(got.values); i++)
		got.values[i] = ev->values[i].value;
	for (size_t i = 0; i < ev->n_stack && i < LP_ARRAY_SIZE(got.frames); i++)
		got.frames[i] = ev->stack[i];
	return 0;
}

static int on_notice(void *arg, const struct lp_record *rec, const char *text, struct lp_err *err)
{
	(void)arg, (void)err;
	got.notice_kind = rec->kind;
	snprintf(got.notice, sizeof(got.notice), "%s", text ? text : "(none)");
	return 0;
}

static size_t unwind(void *arg, pid_t pid, const uint64_t *regs, uint64_t sp, const void *stack,
		     size_t len, bool with_locals, uint64_t within, struct lp_frame *ret,
		     size_t max, bool *ret_cut)
{
	(void)arg, (void)stack, (void)within;
	assert_true(with_locals && pid == 10);
	assert_true(max > 0);
	ret[0] = (struct lp_frame){ .function = "unwound",
				    .addr = regs[LP_MACH_REGS - 1],
				    .line = (int)len };
	*ret_cut = sp != 0x7000;
	return 1;
}

static const char *symbol(void *arg, pid_t pid, uint64_t addr)
{
	(void)arg, (void)pid;
	return addr == 0x400fff ? "caller" : NULL;
}

/* --- one site whose fields the tests set --- */
static struct lp_field fields[4];
static struct lp_part parts[8];
static struct lp_template template;
static struct lp_site_info info;
static struct lp_collect *c;

static int setup(void **state)
{
	static const struct lp_collect_ops ops = { on_event, on_notice };
	static const struct lp_symbolizer sym = { .symbol = symbol, .unwind = unwind };

	(void)state;
	memset(&got, 0, sizeof(got));
	memset(fields, 0, sizeof(fields));
	memset(parts, 0, sizeof(parts));
	template = (struct lp_template){ .parts = parts, .fields = fields };
	info = (struct lp_site_info){ .logpoint = "a.c:1",
				      .function = "f",
				      .file = "/a.c",
				      .line = 1,
				      .template = &template,
				      .max_string = 8,
				      .max_frames = 4 };
	return lp_collect_new(&ops, NULL, &sym, &c, NULL);
}

static int teardown(void **state)
{
	(void)state;
	lp_collect_free(c);
	return 0;
}

static void add_field(struct lp_field f, bool quoted)
{
	parts[template.n_parts++] = (struct lp_part){ .field = (uint32_t) template.n_fields,
						      .quoted = quoted,
						      .format.precision = -1 };
	fields[template.n_fields++] = f;
}

static const char *feed(struct record *r)
{
	struct lp_err err = { 0 };

	assert_int_equal(lp_collect_set_site(c, 0, &info), 0);
	header(r);
	assert_int_equal(lp_collect_feed(c, r->bytes, r->len, &err), 0);
	assert_int_equal(lp_collect_flush(c, UINT64_MAX, &err), 0);
	return got.messages[(got.n - 1) % 64];
}

/* --- tests --- */

static void a_hit_becomes_an_event(void **state)
{
	struct record r = record_of(LP_REC_HIT, 5);
	struct timespec now;

	(void)state;
	add_field((struct lp_field){ .text = "n", .type = &lp_type_int, .slot = 0 }, false);
	parts[template.n_parts++] = (struct lp_part){ .literal = " of ", .len = 4 };
	add_field(
		(struct lp_field){
			.text = "s", .type = &lp_type_char_ptr, .slot = 1, .as_string = true },
		true);
	put(&r, (struct lp_block){ .slot = 0, .len = 4 }, "\x2a\0\0");
	put(&r, (struct lp_block){ .slot = 1, .len = 3, .addr = 0x10 }, "ann");
	assert_string_equal(feed(&r), "42 of \"ann\"");
	assert_int_equal(got.last.n_values, 2);
	assert_int_equal(got.values[0].s, 42);
	assert_int_equal(got.last.hit, 3);
	assert_int_equal(got.last.pid, 10);
	assert_int_equal(got.last.tid, 11);
	assert_string_equal(got.last.comm, "sixteen_letters!");
	assert_false(got.last.has_elapsed);

	/* since the epoch: 5 ns after boot lies before now, and after 2020 */
	clock_gettime(CLOCK_REALTIME, &now);
	assert_true(got.last.time / 1000000000 < (uint64_t)now.tv_sec);
	assert_true(got.last.time / 1000000000 > 1577836800);
}

static void strings_end_where_they_end(void **state)
{
	static const struct lp_type array = {
		.kind = LP_TYPE_ARRAY, .size = 4, .name = "char [4]", .complete = true
	};
	static const struct {
		const struct lp_type *type;
		const char *bytes;
		uint32_t len;
		uint8_t flags;
		const char *text;
	} cases[] = {
		{ &lp_type_char_ptr, "", 0, 0, "" },
		{ &lp_type_char_ptr, "ab\0cd", 5, 0, "ab" },
		{ &lp_type_char_ptr, "abcd", 4, LP_BLKF_CUT, "abcd..." },
		{ &lp_type_char_ptr, "123456789", 9, 0, "12345678..." },
		{ &array, "ab", 2, 0, "ab" },
		{ &array, "abcd", 4, LP_BLKF_CUT, "abcd" },
	};

	(void)state;
	add_field((struct lp_field){ .text = "s", .as_string = true }, false);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct record r = record_of(LP_REC_HIT, i);

		fields[0].type = cases[i].type;
		put(&r,
		    (struct lp_block){ .len = cases[i].len, .flags = cases[i].flags, .addr = 1 },
		    cases[i].bytes);
		assert_string_equal(feed(&r), cases[i].text);
	}
}

static void why_a_value_could_not_be_had(void **state)
{
	static const struct {
		uint8_t status;
		uint64_t addr;
		uint8_t flags;
		const char *text;
	} cases[] = {
		{ LP_ST_UNREADABLE, 0x10, 0, "<unreadable 0x10>" },
		{ LP_ST_UNREADABLE, 0, 0, "<unreadable 0>" },
		{ LP_ST_UNREADABLE, 0, LP_BLKF_NULL, "NULL" },
		{ LP_ST_OPTIMIZED_OUT, 4, 0, "<optimized out>" },
	};

	(void)state;
	add_field((struct lp_field){ .text = "x", .type = &lp_type_int }, false);
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		struct record r = record_of(LP_REC_HIT, i);

		put(&r,
		    (struct lp_block){ .status = cases[i].status,
				       .flags = cases[i].flags,
				       .addr = cases[i].addr },
		    NULL);
		assert_string_equal(feed(&r), cases[i].text);
	}

	struct record r = record_of(LP_REC_HIT, 9);
	assert_string_equal(feed(&r), "<not captured>");
	((struct lp_record *)r.bytes)->flags = LP_RECF_CUT;
	assert_string_equal(feed(&r), "<truncated>");
}

static void pieces_are_joined_around_what_is_missing(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	add_field((struct lp_field){ .text = "s", .type = &lp_type_int, .slot = 0 }, false);
	put(&r, (struct lp_block){ .len = 4 }, "abcd");
	put(&r, (struct lp_block){ .status = LP_ST_OPTIMIZED_OUT, .addr = 8 }, NULL);
	put(&r, (struct lp_block){ .len = 2 }, "ef");
	feed(&r);
	assert_int_equal(seen.len, 14);
	assert_int_equal(seen.addr, 0);
	assert_memory_equal(seen_data, "abcd\0\0\0\0\0\0\0\0ef", 14);
	assert_int_equal(seen.n_holes, 1);
	assert_int_equal(seen_holes[0].offset, 4);
	assert_int_equal(seen_holes[0].len, 8);
	assert_int_equal(seen_holes[0].status, LP_ST_OPTIMIZED_OUT);

	/* one stretch of memory read in two goes keeps its address */
	r = record_of(LP_REC_HIT, 2);
	put(&r, (struct lp_block){ .len = 4, .addr = 0x100 }, "abcd");
	put(&r, (struct lp_block){ .len = 4, .addr = 0x104 }, "efgh");
	feed(&r);
	assert_int_equal(seen.len, 8);
	assert_int_equal(seen.addr, 0x100);

	/* how much is missing is not known here, so nothing behind it can be placed */
	r = record_of(LP_REC_HIT, 3);
	put(&r, (struct lp_block){ .status = LP_ST_UNREADABLE, .addr = 0x10 }, NULL);
	put(&r, (struct lp_block){ .len = 2 }, "ef");
	assert_string_equal(feed(&r), "<unreadable 0x10>");
}

static void strings_inside_of_values_come_from_the_record(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	add_field((struct lp_field){ .text = "p", .type = &lp_type_void_ptr }, false);
	put(&r, (struct lp_block){ .len = 8 }, "\0\x20\0\0\0\0\0");
	put(&r,
	    (struct lp_block){
		    .slot = LP_SLOT_MEM, .len = 3, .addr = 0x2000, .flags = LP_BLKF_CUT },
	    "ann");
	assert_string_equal(feed(&r), "ann...");

	r = record_of(LP_REC_HIT, 2);
	put(&r, (struct lp_block){ .len = 8 }, "\0\x20\0\0\0\0\0");
	put(&r, (struct lp_block){ .slot = LP_SLOT_MEM, .addr = 0x2000 }, NULL);
	assert_string_equal(feed(&r), "");

	r = record_of(LP_REC_HIT, 3);
	put(&r, (struct lp_block){ .len = 8 }, "\0\x20\0\0\0\0\0");
	put(&r, (struct lp_block){ .slot = LP_SLOT_MEM, .len = 3, .addr = 0x3000 }, "bob");
	assert_string_equal(feed(&r), "0x2000"); /* not copied */

	r = record_of(LP_REC_HIT, 4);
	put(&r, (struct lp_block){ .len = 8 }, "\0\x20\0\0\0\0\0");
	put(&r,
	    (struct lp_block){ .slot = LP_SLOT_MEM, .status = LP_ST_UNREADABLE, .addr = 0x2000 },
	    NULL);
	assert_string_equal(feed(&r), "<unreadable 0x2000>");
}

static void what_is_known_of_the_hit_itself(void **state)
{
	static const char *const want[] = {
		[LP_META_PID] = "10",
		[LP_META_TID] = "11",
		[LP_META_COMM] = "sixteen_letters!",
		[LP_META_THREAD] = "sixteen_letters!",
		[LP_META_TASK] = "NULL",
		[LP_META_CPU] = "1",
		[LP_META_TIME] = "7",
		[LP_META_HIT] = "3",
		[LP_META_FUNC] = "f",
		[LP_META_FILE] = "/a.c",
		[LP_META_LINE] = "1",
		[LP_META_ELAPSED] = "<elapsed time not known>",
		[LP_META_CALLER] = "caller",
	};

	(void)state;
	add_field((struct lp_field){ .kind = LP_FIELD_META, .text = "$" }, false);
	for (size_t i = 0; i < LP_ARRAY_SIZE(want); i++) {
		struct record r = record_of(LP_REC_HIT, 7);

		fields[0].meta = (enum lp_meta)i;
		put(&r, (struct lp_block){ .len = 8 }, "\0\x10\x40\0\0\0\0");
		assert_string_equal(feed(&r), want[i]);
	}
}

static void computed_and_constant_fields(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	add_field((struct lp_field){ .text = "n", .type = &lp_type_int, .hidden = true }, false);
	add_field((struct lp_field){ .kind = LP_FIELD_EVAL, .text = "n*2.0" }, false);
	add_field((struct lp_field){ .kind = LP_FIELD_FIXED,
				     .text = "k",
				     .fixed = { .kind = LP_VAL_BOOL, .u = 1 } },
		  false);
	put(&r, (struct lp_block){ .len = 4 }, "\x02\0\0");
	assert_string_equal(feed(&r), "24true");
	assert_int_equal(got.last.n_values, 2);
	assert_string_equal(got.last.values[0].name, "n*2.0");
}

static void the_same_expression_twice_is_one_value(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	add_field((struct lp_field){ .text = "n", .type = &lp_type_int }, false);
	add_field((struct lp_field){ .text = "n", .type = &lp_type_int }, false);
	put(&r, (struct lp_block){ .len = 4 }, "\x02\0\0");
	assert_string_equal(feed(&r), "22");
	assert_int_equal(got.last.n_values, 1);
}

static void a_return_has_its_result_and_time(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	info.is_return = true;
	add_field((struct lp_field){ .text = "$return", .type = &lp_type_int, .is_result = true },
		  false);
	put(&r, (struct lp_block){ .len = 4 }, "\x02\0\0");
	((struct lp_record *)r.bytes)->flags = LP_RECF_ELAPSED;
	assert_string_equal(feed(&r), "2");
	assert_non_null(got.last.result);
	assert_int_equal(got.last.n_values, 1);
	assert_true(got.last.has_elapsed);
	assert_int_equal(got.last.elapsed, 99);

	fields[0].text = NULL; /* of a default message */
	assert_string_equal(feed(&r), "2");
	assert_non_null(got.last.result);
	assert_int_equal(got.last.n_values, 0);
}

static void put_stack(struct record *r, uint64_t ip, uint64_t sp)
{
	uint64_t regs[LP_MACH_REGS] = { [LP_MACH_REGS - 1] = ip };

	put(r, (struct lp_block){ .slot = LP_SLOT_REGS, .len = sizeof(regs) }, regs);
	put(r, (struct lp_block){ .slot = LP_SLOT_STACK, .len = 16, .addr = sp },
	    "0123456789abcdef");
}

static void stacks_and_locals_are_frames(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);

	(void)state;
	template.with_stack = template.with_locals = true;
	fields[template.n_fields++] =
		(struct lp_field){ .text = "n", .type = &lp_type_int, .is_local = true };
	put(&r, (struct lp_block){ .len = 4 }, "\x02\0\0");
	put_stack(&r, 0x400123, 0x7000);
	feed(&r);
	assert_int_equal(got.last.n_values, 0);
	assert_int_equal(got.last.n_stack, 1);
	assert_false(got.last.stack_cut);
	assert_string_equal(got.frames[0].function, "unwound");
	assert_int_equal(got.frames[0].addr, 0x400123);
	assert_int_equal(got.frames[0].line, 16);
	assert_true(got.frames[0].has_locals);
	assert_int_equal(got.frames[0].n_locals, 1);

	/* a function that has returned comes before the one it returned to */
	r = record_of(LP_REC_HIT, 2);
	put(&r, (struct lp_block){ .len = 4 }, "\x02\0\0");
	put_stack(&r, 0x400123, 0x8000);
	info.is_return = true;
	feed(&r);
	assert_int_equal(got.last.n_stack, 2);
	assert_true(got.last.stack_cut);
	assert_string_equal(got.frames[0].function, "f");
	assert_int_equal(got.frames[1].addr, 0x400122);

	/* no room for the registers: the frame of the logpoint is still known */
	r = record_of(LP_REC_HIT, 3);
	info.is_return = false;
	feed(&r);
	assert_int_equal(got.last.n_stack, 1);
	assert_true(got.last.stack_cut);
	assert_string_equal(got.frames[0].function, "f");
}

static void what_waits_is_bounded_and_nothing_gets_lost(void **state)
{
	struct lp_err err = { 0 };
	struct record r = record_of(LP_REC_HIT, 5);

	(void)state;
	add_field((struct lp_field){ .text = "n", .type = &lp_type_int }, false);
	put(&r, (struct lp_block){ .len = 2000 }, NULL);
	header(&r);
	assert_int_equal(lp_collect_set_site(c, 0, &info), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), 0);
	assert_true(got.n > 10000);
	assert_int_equal(lp_collect_flush(c, UINT64_MAX, &err), 0);
	assert_int_equal(got.n, 20000);
}

static void notices_pass_with_the_reason(void **state)
{
	struct lp_err err = { 0 };
	struct record r = record_of(LP_REC_COND_ERROR, 5);

	(void)state;
	put(&r, (struct lp_block){ .slot = LP_SLOT_COND, .status = LP_ST_UNREADABLE, .addr = 0x10 },
	    NULL);
	header(&r);
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), 0);
	assert_int_equal(lp_collect_flush(c, UINT64_MAX, &err), 0);
	assert_string_equal(got.notice, "condition can't be evaluated: unreadable 0x10");

	r = record_of(LP_REC_EXIT, 6);
	header(&r);
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), 0);
	assert_int_equal(lp_collect_flush(c, UINT64_MAX, &err), 0);
	assert_int_equal(got.notice_kind, LP_REC_EXIT);
	assert_string_equal(got.notice, "(none)");
	assert_int_equal(got.n, 0);
}

static void what_is_no_record_is_refused(void **state)
{
	struct record r = record_of(LP_REC_HIT, 1);
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(lp_collect_set_site(c, 0, &info), 0);
	put(&r, (struct lp_block){ .len = 8 }, NULL);
	struct lp_record *rec = header(&r);
	struct lp_block *b = (void *)(rec + 1);

	assert_int_equal(lp_collect_feed(c, r.bytes, 40, &err), -EPROTO);
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len - 1, &err), -EPROTO);
	rec->len = 71;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	rec->len = (uint32_t)r.len;
	b->len = 9;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	b->len = UINT32_MAX;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	b->len = 8;
	b->status = LP_ST_COUNT;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	b->status = 0;
	rec->kind = 0;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	rec->kind = LP_REC_HIT;
	rec->site = 1;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), -EPROTO);
	rec->site = 0;
	assert_int_equal(lp_collect_feed(c, r.bytes, r.len, &err), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hit_becomes_an_event),
		TEST(strings_end_where_they_end),
		TEST(why_a_value_could_not_be_had),
		TEST(pieces_are_joined_around_what_is_missing),
		TEST(strings_inside_of_values_come_from_the_record),
		TEST(what_is_known_of_the_hit_itself),
		TEST(computed_and_constant_fields),
		TEST(the_same_expression_twice_is_one_value),
		TEST(a_return_has_its_result_and_time),
		TEST(stacks_and_locals_are_frames),
		TEST(what_waits_is_bounded_and_nothing_gets_lost),
		TEST(notices_pass_with_the_reason),
		TEST(what_is_no_record_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
