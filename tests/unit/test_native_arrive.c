// SPDX-License-Identifier: GPL-2.0-only
/* Where control arrives in functions of this program, and whether code gives away an address on its stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <link.h>

#include "base/auto.h"
#include "native/arrive.h"

__attribute__((noinline)) static int by_table(int n, int *at)
{
	switch (n) {
	case 0:
		return at[3] + 1;
	case 1:
		return at[7] * 3;
	case 2:
		return at[1] - 5;
	case 3:
		at[2]++;
		return at[9];
	case 4:
		return at[4] ^ 77;
	case 5:
		at[5] = 3;
		return 12;
	case 6:
		return at[6] / 3;
	default:
		return n;
	}
}

__attribute__((noinline)) static int by_labels(const unsigned char *p, int n)
{
	static const void *const labels[] = { &&add, &&twice, &&less, &&done };

	goto *labels[*p++ & 3];
add:
	n += 7;
	goto *labels[*p++ & 3];
twice:
	n *= 2;
	goto *labels[*p++ & 3];
less:
	n -= *p;
	goto *labels[*p++ & 3];
done:
	return n;
}

static struct lp_module *module;
static uint64_t bias;

/* The first is the program itself. */
static int take_bias(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	bias = info->dlpi_addr;
	return 1;
}

static int open_self(void **state)
{
	lp_auto(lp_close) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const struct lp_module_opts opts = { 0 };

	(void)state;
	dl_iterate_phdr(take_bias, NULL);
	return fd < 0 || lp_module_open(fd, "/proc/self/exe", &opts, &module, NULL) < 0 ? -1 : 0;
}

static int close_self(void **state)
{
	(void)state;
	lp_module_free(module);
	return 0;
}

static size_t arrivals(const void *function)
{
	const struct lp_arrivals *a;
	struct lp_err err;
	size_t n = 0;

	assert_int_equal(lp_arrivals_of(module, (uintptr_t)function - bias, &a, &err), 0);
	assert_true(a->known);
	for (size_t i = 0; i < a->at.len; i++)
		n += i == 0 || a->at.data[i] != a->at.data[i - 1];
	return n;
}

static void tables_and_labels_are_found(void **state)
{
	int at[10] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };

	(void)state;
	assert_int_equal(by_table(2, at), 3);
	assert_int_equal(by_labels((const unsigned char *)"\0\1\3", 1), 16);
	assert_true(arrivals(by_table) >= 7);
	assert_true(arrivals(by_labels) >= 4);
}

/* Its address is given away in the middle. */
__attribute__((noinline)) static int by_address(int n)
{
	int here = n;

	__asm__ volatile("nop" : "+m"(here));
	__asm__ volatile("by_address_gives: movl $5, (%0)" : : "r"((void *)&here) : "memory");
	return here;
}

/* In a loop: it has been given away before. */
__attribute__((noinline)) static int by_turns(int n)
{
	int here = n;

	do {
		__asm__ volatile("by_turns_begins: nop" : "+m"(here));
		__asm__ volatile("movl $5, (%0)" : : "r"((void *)&here) : "memory");
	} while (here == 3);
	return here;
}
extern const uint8_t by_address_gives[], by_turns_begins[];

static uint64_t kept_until(const void *function)
{
	const struct lp_arrivals *a;
	struct lp_err err;

	assert_int_equal(lp_arrivals_of(module, (uintptr_t)function - bias, &a, &err), 0);
	return a->kept_until;
}

static void functions_keep_their_frames(void **state)
{
	(void)state;
	assert_int_equal(by_address(3), 5);
	assert_int_equal(by_turns(4), 5);
	/* before, where a compiler adds to the code what stores elsewhere */
	assert_true(kept_until(by_address) <= (uintptr_t)by_address_gives - bias);
	assert_true(kept_until(by_address) > (uintptr_t)by_address - bias);
	assert_true(kept_until(by_turns) <= (uintptr_t)by_turns_begins - bias);
	assert_true(kept_until(by_table) == UINT64_MAX);
}

/* X(name, code, gives away an address of rsp's, of rbp's, rbp is the frame's): at its last instruction */
#define FRAMES(X)                                                                                  \
	X(f_own, "push %rbp\nmov %rsp, %rbp\nmov %rdi, -8(%rbp)\nlea -8(%rbp), %rsp\npop %rbp", 0, \
	  0, 1)                                                                                    \
	X(f_compared, "cmp %rsp, %rax\nsub $8, %rsp\nlea 8(%rsp), %rsp\ncall 1f\n1:", 0, 0, 0)     \
	X(f_spilled, "mov %rsp, %rdi\nmov %rdi, 8(%rsp)", 0, 0, 0)                                 \
	X(f_moved, "mov %rsp, %rdi\ncall 1f\n1:", 1, 0, 0)                                         \
	X(f_near, "lea 8(%rsp), %rdi\nmov %rdi, (%rax)", 1, 0, 0)                                  \
	X(f_by_index, "lea 8(%rsp,%rax,4), %rdi\nje 1f\n1:", 1, 0, 0)                              \
	X(f_stored, "mov %rsp, 8(%rax)", 1, 0, 0)                                                  \
	X(f_exchanged, "xchg %rsp, %rax\nsyscall", 1, 0, 0)                                        \
	X(f_pushed, "push %rsp\ncall 1f\n1:", 1, 0, 0)                                             \
	X(f_vector, "movq %rsp, %xmm1\nmovups %xmm1, 8(%rbp)", 1, 0, 0)                            \
	X(f_from_frame, "mov %rsp, %rbp\nlea -8(%rbp), %rdi\ncall 1f\n1:", 0, 1, 1)                \
	X(f_frame_pushed, "mov %rsp, %rbp\npush %rbp\ncall 1f\n1:", 0, 1, 1)
#define CODE(name, code, ...)                                                                      \
	extern const uint8_t name[], name##_end[];                                                 \
	__asm__(".text\n" #name ":\n" code "\n" #name "_end:\n");
FRAMES(CODE)
#undef CODE

static void addresses_on_the_stack_are_found(void **state)
{
	static const struct {
		const char *name;
		const uint8_t *start, *end;
		bool stack, frame, has_frame;
	} all[] = {
#define ROW(name, code, stack, frame, has) { #name, name, name##_end, stack, frame, has },
		FRAMES(ROW)
#undef ROW
	};
	struct lp_err err;

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(all); i++) {
		lp_auto(lp_flow_done) struct lp_flow f = { 0 };

		assert_int_equal(lp_flow_init(&f, module, (uintptr_t)all[i].start - bias,
					      (uintptr_t)all[i].end - bias, &err),
				 0);
		const uint64_t last = f.insns.data[f.insns.len - 1].addr;
		if (f.gives_stack != (all[i].stack ? last : UINT64_MAX) ||
		    f.gives_frame != (all[i].frame ? last : UINT64_MAX) ||
		    f.has_frame != all[i].has_frame)
			fail_msg("%s: 0x%lx 0x%lx %d, last 0x%lx", all[i].name, f.gives_stack,
				 f.gives_frame, f.has_frame, last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_and_labels_are_found),
		cmocka_unit_test(functions_keep_their_frames),
		cmocka_unit_test(addresses_on_the_stack_are_found),
	};

	return cmocka_run_group_tests(tests, open_self, close_self);
}
