// SPDX-License-Identifier: GPL-2.0-only
/* The stack of a chain of calls in this very program, taken in a signal handler as a hit would
 * take it: registers and a copy of the stack.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <cmocka.h>

#include "native/unwind.h"
#include "target/process.h"

#define MODULES_MAX 32
#define FRAMES_MAX  64

static struct {
	uint64_t regs[LP_MACH_REGS];
	char stack[LP_STACK_MAX];
	size_t len;
	int line_inner, line_middle, line_outer;
} hit;

static uint64_t stack_end;

__attribute__((no_sanitize("address", "undefined"))) /* it reads all of the stack */
static void
take(int sig, siginfo_t *info, void *context)
{
	static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				     REG_RBP, REG_RSP, REG_R8,	REG_R9,	 REG_R10, REG_R11,
				     REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig, (void)info;
	for (size_t i = 0; i < LP_ARRAY_SIZE(order); i++)
		hit.regs[i] = (uint64_t)regs[order[i]];
	hit.len = stack_end - hit.regs[7] < sizeof(hit.stack) ? stack_end - hit.regs[7]
							      : sizeof(hit.stack);
	for (size_t i = 0; i < hit.len; i++)
		hit.stack[i] = ((const volatile char *)hit.regs[7])[i];
	regs[REG_RIP] += 2; /* ud2 */
}

/* What calls and what notes the line stand on one line. */
/* clang-format off */
static inline __attribute__((always_inline)) void inner(void)
{
	hit.line_inner = __LINE__; __asm__ volatile("ud2" ::: "memory");
}

static __attribute__((noinline)) int middle(int n)
{
	hit.line_middle = __LINE__; inner();
	return n + 1;
}

/* ASan keeps locals where only code can find them */
static __attribute__((noinline, no_sanitize("address"))) int outer(int n)
{
	volatile int kept = n * 2;
	char room[200];

	memset(room, n, sizeof(room));
	hit.line_outer = __LINE__; n += middle(n + room[n]);
	__asm__ volatile("" : : "r"(room) : "memory");
	return n + kept;
}
/* clang-format on */

struct self {
	struct lp_maps maps;
	struct lp_module *modules[MODULES_MAX]; /* by mapping; NULL: not opened yet */
	struct lp_unwinder *unwinder;
	struct lp_unwind_frame frames[FRAMES_MAX];
};

static struct lp_module *find(void *arg, uint64_t addr, uint64_t *ret_bias)
{
	struct self *self = arg;
	size_t n = 0;

	lp_vec_each (&self->maps.all, map) {
		if (!lp_map_is_code(map) || n == MODULES_MAX)
			continue;
		struct lp_module **m = &self->modules[n++];
		if (addr < map->start || addr >= map->end)
			continue;
		if (!*m) {
			lp_auto(lp_close) int fd = lp_process_open_map(getpid(), map, NULL);
			assert_true(fd >= 0);
			assert_int_equal(lp_module_open(fd, map->path, NULL, m, NULL), 0);
		}
		*ret_bias = lp_module_bias(*m, map->start, map->offset);
		return *m;
	}
	return NULL;
}

static int setup(void **state)
{
	struct self *self = calloc(1, sizeof(*self));
	struct sigaction act = { .sa_sigaction = take, .sa_flags = SA_SIGINFO };

	if (!self || lp_maps_read(getpid(), &self->maps, NULL) < 0 ||
	    lp_unwinder_new(&self->unwinder, NULL) < 0 || sigaction(SIGILL, &act, NULL) < 0)
		return -1;
	lp_vec_each (&self->maps.all, map)
		if (!strcmp(map->path, "[stack]"))
			stack_end = map->end;
	outer(7);
	*state = self;
	return 0;
}

static int teardown(void **state)
{
	struct self *self = *state;

	lp_unwinder_free(self->unwinder);
	for (size_t i = 0; i < MODULES_MAX; i++)
		lp_module_free(self->modules[i]);
	lp_maps_done(&self->maps);
	free(self);
	return 0;
}

static size_t run(struct self *self, size_t len, size_t max, bool *ret_cut)
{
	struct lp_unwind_space space = { .find = find, .arg = self };

	return lp_unwind(self->unwinder, &space, hit.regs, hit.regs[7], hit.stack, len,
			 self->frames, max, ret_cut);
}

static void assert_frame(const struct lp_unwind_frame *f, const char *function, int line)
{
	assert_non_null(f->function);
	assert_string_equal(f->function, function);
	assert_non_null(f->file);
	assert_non_null(strstr(f->file, "test_native_unwind.c"));
	assert_int_equal(f->line, line);
}

static void every_call_is_a_frame_inlined_ones_too(void **state)
{
	struct self *self = *state;
	bool cut;

	for (int again = 0; again < 2; again++) { /* the second time from memory */
		size_t n = run(self, hit.len, FRAMES_MAX, &cut);

		assert_true(n > 4);
		assert_frame(&self->frames[0], "inner", hit.line_inner);
		assert_true(self->frames[0].inlined);
		assert_frame(&self->frames[1], "middle", hit.line_middle);
		assert_false(self->frames[1].inlined);
		assert_true(self->frames[1].addr == hit.regs[16]);
		assert_frame(&self->frames[2], "outer", hit.line_outer);
		assert_string_equal(self->frames[3].function, "setup");
	}
}

static void the_outermost_frame_ends_it(void **state)
{
	struct self *self = *state;
	bool cut;
	size_t n = run(self, hit.len, FRAMES_MAX, &cut);

	assert_false(cut);
	assert_string_equal(self->frames[n - 1].function, "_start");
}

static void a_short_copy_of_the_stack_is_cut(void **state)
{
	struct self *self = *state;
	bool cut;

	assert_int_equal(run(self, 0, FRAMES_MAX, &cut), 2);
	assert_true(cut);
	assert_string_equal(self->frames[1].function, "middle");
}

static void no_more_frames_than_asked_for(void **state)
{
	struct self *self = *state;
	bool cut;

	for (size_t max = 1; max < 5; max++) {
		assert_int_equal(run(self, hit.len, max, &cut), max);
		assert_true(cut);
	}
}

static void code_that_is_no_file_is_an_address(void **state)
{
	struct self *self = *state;
	uint64_t ip = hit.regs[16];
	bool cut;

	hit.regs[16] = 0x1234;
	size_t n = run(self, 0, FRAMES_MAX, &cut);
	hit.regs[16] = ip;
	assert_int_equal(n, 1);
	assert_true(cut);
	assert_null(self->frames[0].function);
	assert_true(self->frames[0].addr == 0x1234);
}

/* What has called no code at all: its return address is on top of the stack, and a call is before it. */
static void a_call_of_nothing_has_a_caller(void **state)
{
	struct self *self = *state;
	struct lp_unwind_space space = { .find = find, .arg = self };
	uint64_t regs[LP_MACH_REGS], word;
	size_t at = 0;
	bool cut;

	run(self, hit.len, FRAMES_MAX, &cut);
	const uint64_t to = self->frames[2].addr; /* in outer() */
	for (memcpy(&word, hit.stack, 8); word != to; memcpy(&word, hit.stack + at, 8))
		at += 8;
	memcpy(regs, hit.regs, sizeof(regs));
	regs[16] = 0;
	regs[7] += at;
	size_t n = lp_unwind(self->unwinder, &space, regs, regs[7], hit.stack + at, hit.len - at,
			     self->frames, FRAMES_MAX, &cut);
	assert_true(n >= 2);
	assert_true(self->frames[0].addr == 0 && !self->frames[0].function);
	assert_frame(&self->frames[1], "outer", hit.line_outer);

	/* any other word is none */
	word = to + 1;
	char stack[64];
	memcpy(stack, hit.stack + at, sizeof(stack));
	memcpy(stack, &word, sizeof(word));
	assert_int_equal(lp_unwind(self->unwinder, &space, regs, regs[7], stack, sizeof(stack),
				   self->frames, FRAMES_MAX, &cut),
			 1);
	assert_true(cut);
}

static const struct lp_value *local(const struct lp_named *locals, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(locals[i].name, name))
			return &locals[i].value;
	fail_msg("no local %s", name);
	return NULL;
}

static bool is_room(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "room");
}

static void variables_of_callers(void **state)
{
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	struct lp_reader reader = {
		.arena = &arena, .max_string = 8, .max_items = 4, .max_depth = 3
	};
	struct self *self = *state;
	struct lp_named *locals;
	bool cut;

	assert_true(run(self, hit.len, FRAMES_MAX, &cut) > 4);
	size_t n = lp_unwind_locals(self->unwinder, &self->frames[2], &reader, NULL, NULL, &locals);
	const struct lp_value *kept = local(locals, n, "kept"), *room = local(locals, n, "room");
	const struct lp_value *outer_n = local(locals, n, "n");
	assert_int_equal(kept->kind, LP_VAL_INT);
	assert_int_equal(kept->s, 14);
	assert_int_equal(room->kind, LP_VAL_STRING);
	assert_true(room->cut);
	assert_memory_equal(room->str, "\7\7\7\7\7\7\7\7", 8);
	/* a register that the callee may have changed is no value */
	assert_true(outer_n->kind == LP_VAL_ERROR || outer_n->s == 7);

	n = lp_unwind_locals(self->unwinder, &self->frames[2], &reader, is_room, NULL, &locals);
	assert_string_equal(local(locals, n, "room")->str, "redacted");

	/* what lies beyond the copy of the stack can't be known */
	assert_true(run(self, 64, FRAMES_MAX, &cut) > 2);
	n = lp_unwind_locals(self->unwinder, &self->frames[2], &reader, NULL, NULL, &locals);
	assert_int_equal(local(locals, n, "room")->kind, LP_VAL_ERROR);
}

static void names_can_be_forgotten(void **state)
{
	struct self *self = *state;
	bool cut;

	lp_unwinder_clear(self->unwinder);
	assert_true(run(self, hit.len, FRAMES_MAX, &cut) > 4);
	assert_string_equal(self->frames[2].function, "outer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_a_frame_inlined_ones_too),
		cmocka_unit_test(the_outermost_frame_ends_it),
		cmocka_unit_test(a_short_copy_of_the_stack_is_cut),
		cmocka_unit_test(no_more_frames_than_asked_for),
		cmocka_unit_test(code_that_is_no_file_is_an_address),
		cmocka_unit_test(a_call_of_nothing_has_a_caller),
		cmocka_unit_test(variables_of_callers),
		cmocka_unit_test(names_can_be_forgotten),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
