// SPDX-License-Identifier: GPL-2.0-only
/* Where the probe of an instruction may go: code that is only looked at, with the place at NAME_at, the
 * instruction that is to carry its probe at NAME_to, and where something jumps to, NAME_in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "expr/reads.h"
#include "native/effect.h"
#include "native/shift.h"

/* X(name, code before the place, from the place on, registers read, memory read, sp, how) */
#define RAX (1u << 0)
#define RDX (1u << 1)
#define RBX (1u << 3)
#define RSI (1u << 4)
#define RDI (1u << 5)
#define RBP (1u << 6)
#define RSP (1u << 7)

enum how {
	PLAIN = 0,
	FRAME = 1,   /* rbp is the frame's */
	KEEPS = 2,   /* the stack pointer must stay */
	READS_8 = 4, /* 8 bytes at rsp + 8 */
	ALONE = 8,   /* the kernel emulates nothing but push */
	FAILS = 16,  /* what is passed may fail */
	SAFE = 32,   /* and does not */
	SHARED = 64, /* others can know of what is on the stack */
	DATA = 128,  /* whatever the code names is in its image, to be written */
	CONST = 256, /* to be read only */
};

#define MOVED(name)  #name "_to: "
#define STAYS(name)  #name "_to = " #name "_at\n"
#define JUMPED(name) #name "_in: "
#define CALM(name)   #name "_in = 0\n"

#define CASES(X)                                                                                   \
	/* forwards */                                                                             \
	X(mark, "", "endbr64\n" MOVED(mark) "push %rbp", CALM(mark), RDI | RSI, true, 0, KEEPS)    \
	X(first, "", "mov %rbx, %rdi\n" MOVED(first) "call 2f\n2:", CALM(first), RBX, true, 0, 0)  \
	X(compare, "",                                                                             \
	  "test %eax, %eax\nlea 8(%rbx), %rcx\n" MOVED(compare) "je 2f\n2:", CALM(compare),        \
	  RAX | RBX, true, 0, 0)                                                                   \
	X(own, "", STAYS(own) "push %rbx\ncall 2f\n2:", CALM(own), 0, false, 0, 0)                 \
	X(by_jump, "", "xor %eax, %eax\n" MOVED(by_jump) "jmp 2f\n2:", CALM(by_jump), 0, false, 0, \
	  0)                                                                                       \
	X(stack_load, "",                                                                          \
	  "mov 16(%rsp), %rax\n" MOVED(stack_load) "call 2f\n2:", CALM(stack_load), 0, true, 0, 0) \
	X(frame_load, "",                                                                          \
	  "mov -20(%rbp), %eax\n" MOVED(frame_load) "call 2f\n2:", CALM(frame_load), 0, true, 0,   \
	  FRAME)                                                                                   \
	X(canary, "", "mov %fs:0x28, %rax\n" MOVED(canary) "call 2f\n2:", CALM(canary), 0, true,   \
	  0, 0)                                                                                    \
	X(stack_store, "",                                                                         \
	  "mov %rax, 16(%rsp)\n" MOVED(stack_store) "call 2f\n2:", CALM(stack_store), RAX, false,  \
	  0, 0)                                                                                    \
	X(beside, "", "mov %rax, 16(%rsp)\n" MOVED(beside) "call 2f\n2:", CALM(beside), RSP,       \
	  false, 0, READS_8)                                                                       \
	X(deeper, "", "sub $24, %rsp\n" MOVED(deeper) "call 2f\n2:", CALM(deeper), RSP, true, 24,  \
	  0)                                                                                       \
	X(higher, "",                                                                              \
	  "lea 24(%rsp), %rsp\nxor %eax, %eax\n" MOVED(higher) "jmp 2f\n2:", CALM(higher), RSP,    \
	  true, -24, 0)                                                                            \
	X(popped, "", "pop %rbx\n" MOVED(popped) "jmp 2f\n2:", CALM(popped), RSP, true, -8, 0)     \
	X(vector, "",                                                                              \
	  "pxor %xmm0, %xmm0\nmovups %xmm0, 8(%rsp)\n" MOVED(vector) "call 2f\n2:", CALM(vector),  \
	  0, false, 0, 0)                                                                          \
	X(loop_head, "", JUMPED(loop_head) "mov %rbx, %rdi\n" MOVED(loop_head) "call 2f\n2:", "",  \
	  0, true, 0, 0)                                                                           \
	/* backwards */                                                                            \
	X(behind_nop, MOVED(behind_nop) "nop\nlea 8(%rsi), %rbx\n", "mov (%rdi), %rax",            \
	  CALM(behind_nop), RDI, true, 0, 0)                                                       \
	X(behind_push, MOVED(behind_push) "push %rbp\nsub $8, %rsp\n", "mov (%rdi), %rax",         \
	  CALM(behind_push), RDI, false, -16, 0)                                                   \
	X(locked, MOVED(locked) "mov %rdx, %rcx\n", "lock incl (%rdi)", CALM(locked), RDI, true,   \
	  0, 0)                                                                                    \
	/* to nothing else */                                                                      \
	X(load, "", STAYS(load) "mov (%rdi), %rax\ncall 2f\n2:", CALM(load), 0, false, 0, 0)       \
	X(store, "", STAYS(store) "mov %eax, 4(%rbx)\ncall 2f\n2:", CALM(store), 0, false, 0, 0)   \
	X(global, "", STAYS(global) "mov 0x1000(%rip), %eax\ncall 2f\n2:", CALM(global), 0, false, \
	  0, 0)                                                                                    \
	X(no_frame, "", STAYS(no_frame) "mov -20(%rbp), %eax\ncall 2f\n2:", CALM(no_frame), 0,     \
	  false, 0, 0)                                                                             \
	X(other_frame, "",                                                                         \
	  STAYS(other_frame) "mov %rsp, %rbp\nmov 8(%rbp), %eax\ncall 2f\n2:", CALM(other_frame),  \
	  0, false, 0, FRAME)                                                                      \
	X(overwritten, "", STAYS(overwritten) "mov %rbx, %rdi\ncall 2f\n2:", CALM(overwritten),    \
	  RDI, false, 0, 0)                                                                        \
	X(by_half, "", STAYS(by_half) "mov $5, %dil\ncall 2f\n2:", CALM(by_half), RDI, false, 0,   \
	  0)                                                                                       \
	X(exchanged, "", STAYS(exchanged) "xchg %rdx, %rdi\ncall 2f\n2:", CALM(exchanged), RDI,    \
	  false, 0, 0)                                                                             \
	X(extended, "", STAYS(extended) "cltq\ncall 2f\n2:", CALM(extended), RAX, false, 0, 0)     \
	X(multiplied, "", STAYS(multiplied) "mul %rcx\ncall 2f\n2:", CALM(multiplied), RAX, false, \
	  0, 0)                                                                                    \
	X(divided, "", STAYS(divided) "div %ecx\ncall 2f\n2:", CALM(divided), 0, false, 0, 0)      \
	X(divided_signed, "",                                                                      \
	  STAYS(divided_signed) "idivl %ecx\ncall 2f\n2:", CALM(divided_signed), 0, false, 0, 0)   \
	X(x87, "", STAYS(x87) "fldz\ncall 2f\n2:", CALM(x87), 0, false, 0, 0)                      \
	X(floats, "", STAYS(floats) "divsd %xmm1, %xmm0\ncall 2f\n2:", CALM(floats), 0, false, 0,  \
	  0)                                                                                       \
	X(misaligned, "",                                                                          \
	  STAYS(misaligned) "movaps %xmm0, 8(%rsp)\ncall 2f\n2:", CALM(misaligned), 0, false, 0,   \
	  0)                                                                                       \
	X(called, "", STAYS(called) "syscall\ncall 2f\n2:", CALM(called), 0, false, 0, 0)          \
	X(jumped_to, "", STAYS(jumped_to) "mov %rbx, %rdi\n" JUMPED(jumped_to) "call 2f\n2:", "",  \
	  0, false, 0, 0)                                                                          \
	X(jumped_back, "nop\nlea 8(%rsi), %rbx\n",                                                 \
	  STAYS(jumped_back) JUMPED(jumped_back) "mov (%rdi), %rax", "", RDI, false, 0, 0)         \
	X(spoilt, "", STAYS(spoilt) "mov %rax, 16(%rsp)\ncall 2f\n2:", CALM(spoilt), 0, true, 0,   \
	  0)                                                                                       \
	X(spoilt_there, "",                                                                        \
	  STAYS(spoilt_there) "mov %eax, 12(%rsp)\ncall 2f\n2:", CALM(spoilt_there), RSP, false,   \
	  0, READS_8)                                                                              \
	X(spoilt_deeper, "", STAYS(spoilt_deeper) "sub $8, %rsp\nmov %eax, 16(%rsp)\ncall 2f\n2:", \
	  CALM(spoilt_deeper), RSP, false, 0, READS_8)                                             \
	X(return_address, "",                                                                      \
	  STAYS(return_address) "sub $8, %rsp\ncall 2f\n2:", CALM(return_address), 0, false, 0,    \
	  KEEPS)                                                                                   \
	X(realigned, "", STAYS(realigned) "and $-16, %rsp\ncall 2f\n2:", CALM(realigned), 0,       \
	  false, 0, 0)                                                                             \
	X(branched, "je 2f\n", STAYS(branched) "mov (%rdi), %rax\n2:", CALM(branched), RDI, false, \
	  0, 0)                                                                                    \
	X(long_nop, ".byte 0x0f,0x1f,0x44,0,0\n", STAYS(long_nop) "mov (%rdi), %rax",              \
	  CALM(long_nop), 0, false, 0, 0)                                                          \
	X(stepped, "", STAYS(stepped) "mov %rbx, %rdi\ncall 2f\n2:", CALM(stepped), 0, false, 0,   \
	  ALONE)                                                                                   \
	/* behind what can fail */                                                                 \
	X(passed_load, "",                                                                         \
	  "mov (%rdi), %rax\n" MOVED(passed_load) "call 2f\n2:", CALM(passed_load), RDI, true, 0,  \
	  FAILS)                                                                                   \
	X(passed_deeper, "",                                                                       \
	  "mov (%rdi), %rax\nsub $24, %rsp\nmov (%rax), %rdx\n" MOVED(                             \
		  passed_deeper) "call 2f\n2:",                                                    \
	  CALM(passed_deeper), RDI | RSP, true, 24, FAILS)                                         \
	X(passed_floats, "",                                                                       \
	  "divsd (%rdi), %xmm0\n" MOVED(passed_floats) "call 2f\n2:", CALM(passed_floats), 0,      \
	  true, 0, FAILS)                                                                          \
	X(passed_aligned, "",                                                                      \
	  "movaps %xmm0, 8(%rsp)\n" MOVED(passed_aligned) "call 2f\n2:", CALM(passed_aligned), 0,  \
	  false, 0, FAILS)                                                                         \
	X(passed_global, "",                                                                       \
	  "mov 0x1000(%rip), %eax\n" MOVED(passed_global) "call 2f\n2:", CALM(passed_global), 0,   \
	  false, 0, FAILS)                                                                         \
	X(safe_first, MOVED(safe_first) "nop\nlea 8(%rsi), %rbx\n",                                \
	  "mov (%rdi), %rax\ncall 2f\n2:", CALM(safe_first), RDI, true, 0, FAILS | SAFE)           \
	X(safe_here, "", "mov %rbx, %rdi\n" MOVED(safe_here) "call 2f\n2:", CALM(safe_here), 0,    \
	  true, 0, FAILS | SAFE)                                                                   \
	X(passed_store, "",                                                                        \
	  STAYS(passed_store) "mov %eax, 4(%rbx)\ncall 2f\n2:", CALM(passed_store), 0, false, 0,   \
	  FAILS)                                                                                   \
	X(passed_update, "",                                                                       \
	  STAYS(passed_update) "lock incl (%rdi)\ncall 2f\n2:", CALM(passed_update), 0, false, 0,  \
	  FAILS)                                                                                   \
	X(passed_write, "",                                                                        \
	  STAYS(passed_write) "mov (%rdi), %rdi\ncall 2f\n2:", CALM(passed_write), RDI, false, 0,  \
	  FAILS)                                                                                   \
	X(passed_back, "nop\nmov (%rdx), %rbx\n", STAYS(passed_back) "mov (%rdi), %rdi\nret",      \
	  CALM(passed_back), RDI, true, 0, FAILS)                                                  \
	X(passed_jump, "",                                                                         \
	  STAYS(passed_jump) "mov (%rdi), %rax\n" JUMPED(passed_jump) "call 2f\n2:", "", RDI,      \
	  true, 0, FAILS)                                                                          \
	X(passed_far, "",                                                                          \
	  STAYS(passed_far) "mov (%rdi), %rax\n.rept 13\nmovabs $0x123456789abc, "                 \
			    "%rdx\n.endr\ncall "                                                   \
			    "2f\n2:",                                                              \
	  CALM(passed_far), RDI, true, 0, FAILS)                                                   \
	X(passed_long, "",                                                                         \
	  "mov (%rdi), %rax\n.rept 11\nmovabs $0x123456789abc, %rdx\n.endr\n" MOVED(               \
		  passed_long) "call 2f\n2:",                                                      \
	  CALM(passed_long), RDI, true, 0, FAILS)                                                  \
	X(passed_division, "",                                                                     \
	  "div %ecx\n" MOVED(passed_division) "call 2f\n2:", CALM(passed_division), RDI, true, 0,  \
	  FAILS)                                                                                   \
	X(passed_push, "", "push 8(%rbx)\n" MOVED(passed_push) "call 2f\n2:", CALM(passed_push),   \
	  RDI, false, 8, FAILS)                                                                    \
	/* what other threads can see, or have said */                                             \
	X(told, "", STAYS(told) "mov %eax, 0x1000(%rip)\ncall 2f\n2:", CALM(told), 0, false, 0,    \
	  DATA | FAILS)                                                                            \
	X(told_on_stack, "",                                                                       \
	  STAYS(told_on_stack) "mov %eax, 16(%rsp)\ncall 2f\n2:", CALM(told_on_stack), 0, false,   \
	  0, SHARED | FAILS)                                                                       \
	X(told_in_frame, "",                                                                       \
	  STAYS(told_in_frame) "mov %eax, -16(%rbp)\ncall 2f\n2:", CALM(told_in_frame), 0, false,  \
	  0, SHARED | FRAME | FAILS)                                                               \
	X(told_by_thread, "",                                                                      \
	  STAYS(told_by_thread) "mov %eax, %fs:-8\ncall 2f\n2:", CALM(told_by_thread), 0, false,   \
	  0, FAILS)                                                                                \
	X(told_before, MOVED(told_before) "nop\nmov %eax, 0x1000(%rip)\n", "mov (%rdi), %rax",     \
	  CALM(told_before), 0, false, 0, DATA)                                                    \
	X(told_float_before, MOVED(told_float_before) "nop\nmovss %xmm0, 16(%rsp)\n",              \
	  "mov (%rdi), %rax", CALM(told_float_before), 0, false, 0, SHARED)                        \
	X(passed_x87, "", "fldz\n" MOVED(passed_x87) "call 2f\n2:", CALM(passed_x87), 0, false, 0, \
	  FAILS)                                                                                   \
	X(told_on_stack_before, MOVED(told_on_stack_before) "nop\nmovq $1, 16(%rsp)\n",            \
	  "mov (%rdi), %rax", CALM(told_on_stack_before), 0, false, 0, SHARED)                     \
	X(heard, "", "mov 0x1000(%rip), %eax\n" MOVED(heard) "call 2f\n2:", CALM(heard), 0, true,  \
	  0, DATA)                                                                                 \
	X(heard_before, "nop\nmov 0x1000(%rip), %eax\n", STAYS(heard_before) "mov (%rdi), %rax",   \
	  CALM(heard_before), 0, false, 0, DATA)                                                   \
	X(heard_on_stack, "nop\nmov 16(%rsp), %eax\n", STAYS(heard_on_stack) "mov (%rdi), %rax",   \
	  CALM(heard_on_stack), 0, false, 0, SHARED)                                               \
	X(heard_by_thread, "nop\nmov %fs:-8, %eax\n", STAYS(heard_by_thread) "mov (%rdi), %rax",   \
	  CALM(heard_by_thread), 0, false, 0, PLAIN)                                               \
	X(counted_before, "nop\nincl 0x1000(%rip)\n", STAYS(counted_before) "mov (%rdi), %rax",    \
	  CALM(counted_before), 0, false, 0, DATA)                                                 \
	X(constant, MOVED(constant) "nop\nmov 0x1000(%rip), %eax\n", "mov (%rdi), %rax",           \
	  CALM(constant), 0, false, 0, CONST)                                                      \
	X(own_before, MOVED(own_before) "nop\nmov 16(%rsp), %eax\n", "mov (%rdi), %rax",           \
	  CALM(own_before), 0, false, 0, PLAIN)                                                    \
	X(must, "", "lock incl 0x1000(%rip)\n" MOVED(must) "call 2f\n2:", CALM(must), 0, false, 0, \
	  DATA)                                                                                    \
	X(must_only, "",                                                                           \
	  "lock incl 0x1000(%rip)\n" MOVED(must_only) "mov %eax, 0x1000(%rip)\ncall 2f\n2:",       \
	  CALM(must_only), 0, false, 0, DATA)                                                      \
	/* further than can be said */                                                             \
	X(very_deep, "", STAYS(very_deep) "sub $0x9000, %rsp\ncall 2f\n2:", CALM(very_deep), RSP,  \
	  true, 0, 0)

#define CODE(name, before, code, jumped, regs, memory, sp, how)                                    \
	extern const uint8_t name##_start[], name##_at[], name##_to[], name##_in[], name##_end[];  \
	__asm__(".text\n" #name "_start:\n" before #name "_at:\n" code "\n" jumped #name "_end:"   \
		"\n");
CASES(CODE)
#undef CODE

static const struct shift_case {
	const char *name;
	const uint8_t *start, *at, *to, *in, *end;
	uint32_t regs;
	bool memory;
	int sp;
	int how;
} cases[] = {
#define ROW(n, before, code, jumped, regs, memory, sp, how)                                        \
	{ #n, n##_start, n##_at, n##_to, n##_in, n##_end, regs, memory, sp, how },
	CASES(ROW)
#undef ROW
};

static bool is_image(void *arg, uint64_t vaddr, uint32_t len, bool written)
{
	const struct shift_case *c = arg;

	(void)vaddr;
	(void)len;
	return c->how & (written ? DATA : DATA | CONST);
}

static void choose(const struct shift_case *c, struct lp_shift_query *q, struct lp_shift *ret)
{
	const uint64_t in = (uintptr_t)c->in;
	const struct lp_shift_text code = {
		.bytes = c->start,
		.len = (size_t)(c->end - c->start),
		.vaddr = (uintptr_t)c->start,
		.arrivals = &in,
		.n_arrivals = in ? 1 : 0,
		.has_frame = c->how & FRAME,
		.kept_until = c->how & SHARED ? 0 : UINT64_MAX,
		.is_image = is_image,
		.arg = (void *)c,
	};

	lp_shift_choose(&code, q, ret);
}

static void ask(const struct shift_case *c, struct lp_reads *reads, struct lp_shift_query *q)
{
	*reads = (struct lp_reads){ .regs = c->regs, .memory = c->memory };
	if (c->how & READS_8)
		reads->at[reads->n_at++] = (struct lp_read){ 7, 8, 8 };
	*q = (struct lp_shift_query){
		.vaddr = (uintptr_t)c->at,
		.reads = reads,
		.emulated = c->how & ALONE ? LP_FORM_BIT(LP_FORM_PUSH) : LP_FORMS_USUAL,
		.keeps_stack = c->how & KEEPS,
		.may_fail = c->how & FAILS,
		.to = UINT64_MAX,
	};
}

static void goes_where_it_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const struct shift_case *c = &cases[i];
		struct lp_shift_query q;
		struct lp_reads reads;
		struct lp_shift got;

		ask(c, &reads, &q);
		choose(c, &q, &got);
		if (got.vaddr != (uintptr_t)c->to || got.sp != c->sp ||
		    got.ip != (int)(c->at - c->to))
			fail_msg("%s: %+d bytes, sp %+d, not %+d, sp %+d", c->name,
				 (int)(got.vaddr - q.vaddr), got.sp, (int)(c->to - c->at), c->sp);
		if (!got.n_passed != !(c->how & FAILS && !(c->how & SAFE) && c->to != c->at))
			fail_msg("%s: %d instructions that can fail", c->name, got.n_passed);
	}
}

/* Each instruction that is passed, with what the stack pointer lacks there. */
static void tells_what_is_passed(void **state)
{
	static const struct lp_shift_step want[] = { { 0, 0 }, { 3, 0 }, { 7, 24 } };
	const struct shift_case *c = cases;
	struct lp_shift_query q;
	struct lp_reads reads;
	struct lp_shift got;

	(void)state;
	while (strcmp(c->name, "passed_deeper"))
		c++;
	ask(c, &reads, &q);
	choose(c, &q, &got);
	assert_int_equal(got.n_passed, LP_ARRAY_SIZE(want));
	for (size_t i = 0; i < LP_ARRAY_SIZE(want); i++) {
		assert_int_equal(got.passed[i].at, want[i].at);
		assert_int_equal(got.passed[i].sp, want[i].sp);
	}
	assert_int_equal(got.ip, -10);
	q.may_fail = false;
	choose(c, &q, &got);
	assert_int_equal(got.vaddr, q.vaddr);
}

/* Another logpoint's place is not passed, in either direction. */
static void keeps_to_its_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const struct shift_case *c = &cases[i];
		struct lp_shift_query q;
		struct lp_reads reads;
		struct lp_shift got;

		if (c->to == c->at)
			continue;
		ask(c, &reads, &q);
		if (c->to > c->at)
			q.to = (uintptr_t)c->to;
		else
			q.from = (uintptr_t)c->to;
		choose(c, &q, &got);
		assert_int_not_equal(got.vaddr, (uintptr_t)c->to);
	}
}

/* What stores to is passed and what not, of every instruction that passes: see effect.h. */
static void stack_is_followed(void **state)
{
	static const struct {
		uint8_t code[8];
		size_t len;
		bool passes, stores;
		int sp;
		uint32_t writes;
	} ones[] = {
		{ { 0x55 }, 1, true, true, -8, 0 },			/* push rbp */
		{ { 0x5b }, 1, true, false, 8, RBX },			/* pop rbx */
		{ { 0x5c }, 1, false, false, 8, RSP },			/* pop rsp */
		{ { 0xff, 0x33 }, 2, true, true, -8, 0 },		/* push [rbx] */
		{ { 0x48, 0x83, 0xec, 0x18 }, 4, true, false, -24, 0 }, /* sub rsp, 24 */
		{ { 0x48, 0x83, 0xe4, 0xf0 }, 4, true, false, 0, RSP }, /* and rsp, -16 */
		{ { 0xc9 }, 1, false, false, 0, 0 },			/* leave */
		{ { 0xc3 }, 1, false, false, 0, 0 },			/* ret */
		{ { 0xf3, 0xa4 }, 2, false, false, 0, 0 },		/* rep movsb */
		{ { 0xf7, 0xf1 }, 2, true, false, 0, RAX | RDX },	/* div ecx */
		{ { 0xdd, 0x1c, 0x24 }, 3, true, true, 0, 0 },		/* fstp [rsp] */
		{ { 0xdd, 0x04, 0x24 }, 3, true, false, 0, 0 },		/* fld [rsp] */
		{ { 0x88, 0xc4 }, 2, true, false, 0, RAX },		/* mov ah, al */
		{ { 0xf0, 0x48, 0x0f, 0xc1, 0x03 },
		  5,
		  true,
		  true,
		  0,
		  RAX },					       /* lock xadd [rbx], rax */
		{ { 0xf0, 0x0f, 0xb1, 0x0b }, 4, true, true, 0, RAX }, /* lock cmpxchg [rbx], ecx */
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(ones); i++) {
		struct lp_effect e;

		assert_int_equal(lp_effects_decode(ones[i].code, ones[i].len, 0x1000, &e, 1), 1);
		if (e.passes != ones[i].passes)
			fail_msg("instruction %zu passes: %d", i, e.passes);
		if (!e.passes)
			continue;
		assert_int_equal(e.stores, ones[i].stores);
		assert_int_equal(e.sp, ones[i].sp);
		assert_int_equal(e.writes, ones[i].writes);
	}
}

static void forms_are_told(void **state)
{
	static const struct {
		uint8_t code[6];
		enum lp_form form;
	} ones[] = {
		{ { 0x90 }, LP_FORM_NOP },
		{ { 0x66, 0x90 }, LP_FORM_NOP },
		{ { 0xf3, 0x90 }, LP_FORM_OTHER }, /* pause */
		{ { 0x55 }, LP_FORM_PUSH },
		{ { 0x41, 0x54 }, LP_FORM_PUSH_HIGH },
		{ { 0x41, 0x5c }, LP_FORM_OTHER }, /* pop r12 */
		{ { 0xe8 }, LP_FORM_CALL },
		{ { 0x66, 0xe8 }, LP_FORM_REFUSED },
		{ { 0x66, 0x66, 0x48, 0xe8 }, LP_FORM_REFUSED }, /* of __tls_get_addr */
		{ { 0x66, 0x0f, 0x84 }, LP_FORM_REFUSED },
		{ { 0x66, 0x48, 0x8d }, LP_FORM_OTHER },
		{ { 0xeb }, LP_FORM_JUMP },
		{ { 0x3e, 0xff, 0xe0 }, LP_FORM_REFUSED }, /* notrack jmp rax */
		{ { 0xf0, 0xff, 0x03 }, LP_FORM_REFUSED },
		{ { 0x66, 0x2e, 0x0f, 0x1f }, LP_FORM_REFUSED },
		{ { 0x74 }, LP_FORM_BRANCH },
		{ { 0x0f, 0x84 }, LP_FORM_BRANCH },
		{ { 0x0f, 0x1f, 0x00 }, LP_FORM_LONG_NOP },
		{ { 0x0f, 0x1f, 0x44 }, LP_FORM_OTHER }, /* five bytes: rewritten to a call */
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(ones); i++)
		assert_int_equal(lp_form_of(ones[i].code, sizeof(ones[i].code)), ones[i].form);
}

static void programs_tell_what_they_read(void **state)
{
	const struct lp_insn code[] = {
		{ .op = LP_OP_LOADM, .b = 7, .n = 4 | LP_SIGNED, .imm = 12 },
		{ .op = LP_OP_GATE },
		{ .op = LP_OP_CAP_MACH, .b = 5, .n = LP_CAP(0, 8) },
		{ .op = LP_OP_CAP_MEMM, .b = 6, .n = LP_CAP(1, 16), .imm = (uint64_t)-32 },
		{ .op = LP_OP_END },
		{ .op = LP_OP_CAP_MACH, .b = 1 }, /* data */
	};
	const struct lp_insn through[] = { { .op = LP_OP_CAP_STRPM, .b = 3 }, { .op = LP_OP_END } };
	const struct lp_insn text[] = { { .op = LP_OP_CAP_STRM, .b = 3 }, { .op = LP_OP_END } };
	const struct lp_insn stack[] = { { .op = LP_OP_CAP_STACK, .n = 64 }, { .op = LP_OP_END } };
	const struct lp_insn python[] = { { .op = LP_OP_PY_FAST }, { .op = LP_OP_END } };
	struct lp_reads r;

	(void)state;
	lp_program_reads(code, LP_ARRAY_SIZE(code), 0, &r);
	assert_int_equal(r.regs, RSP | RDI | RBP);
	assert_false(r.memory);
	assert_int_equal(r.n_at, 2);
	assert_int_equal(r.at[0].offset, 12);
	assert_int_equal(r.at[0].len, 4);
	assert_int_equal(r.at[1].offset, -32);
	assert_int_equal(r.at[1].len, 16);
	lp_program_reads(through, LP_ARRAY_SIZE(through), 0, &r);
	assert_true(r.memory && r.regs == RBX);
	lp_program_reads(text, LP_ARRAY_SIZE(text), 0, &r);
	assert_true(r.memory && r.regs == RBX);
	lp_program_reads(stack, LP_ARRAY_SIZE(stack), RBP | RSP, &r);
	assert_true(r.memory && r.regs == (RBP | RSP));
	lp_program_reads(python, LP_ARRAY_SIZE(python), 0, &r);
	assert_true(r.memory && r.regs == UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_where_it_may), cmocka_unit_test(tells_what_is_passed),
		cmocka_unit_test(keeps_to_its_room), cmocka_unit_test(stack_is_followed),
		cmocka_unit_test(forms_are_told),    cmocka_unit_test(programs_tell_what_they_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
