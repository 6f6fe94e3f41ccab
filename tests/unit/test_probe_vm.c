// SPDX-License-Identifier: GPL-2.0-only
/* Every instruction of the machine against what C computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vm_world.h"

static const uint64_t samples[] = {
	0,
	1,
	2,
	3,
	7,
	8,
	31,
	32,
	63,
	64,
	65,
	127,
	128,
	255,
	256,
	1000,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000000000001,
	0xfffffffffffffffe,
	0xffffffffffffffff,
	0x123456789abcdef0,
	0xfedcba9876543210,
	(1ull << 53) - 1,
	1ull << 53,
	(1ull << 53) + 1,
	(1ull << 54) + 2,
	(1ull << 54) + 6,
	0xfffffffffffffbff,
	0xfffffffffffffc00,
	0xfffffffffffffc01,
	0x7ffffffffffffdff,
	0x3ff0000000000000,
	0xbff0000000000000,
	0x7ff0000000000000,
	0xfff0000000000000,
	0x7ff8000000000000,
	0x7ff0000000000001,
	0x000fffffffffffff,
	0x0010000000000000,
	0x8000000000000000,
	0x400921fb54442d18,
};

#define N_SAMPLES (sizeof(samples) / sizeof(*samples))

static double as_double(uint64_t v)
{
	double d;

	memcpy(&d, &v, sizeof(d));
	return d;
}

static uint64_t bits_of(double d)
{
	uint64_t v;

	memcpy(&v, &d, sizeof(v));
	return v;
}

static uint64_t div_signed(uint64_t a, uint64_t b)
{
	return (int64_t)b == -1 ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t mod_signed(uint64_t a, uint64_t b)
{
	return (int64_t)b == -1 ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

#define BINARY(X)                                                                                  \
	X(ADD, a + b)                                                                              \
	X(SUB, a - b)                                                                              \
	X(MUL, a *b)                                                                               \
	X(DIVS, b ? div_signed(a, b) : 77)                                                         \
	X(DIVU, b ? a / b : 77)                                                                    \
	X(MODS, b ? mod_signed(a, b) : 77)                                                         \
	X(MODU, b ? a % b : 77)                                                                    \
	X(AND, a &b)                                                                               \
	X(OR, a | b)                                                                               \
	X(XOR, a ^ b)                                                                              \
	X(SHL, b > 63 ? 0 : a << b)                                                                \
	X(SHR, b > 63 ? 0 : a >> b)                                                                \
	X(SAR, (uint64_t)((int64_t)a >> (b > 63 ? 63 : b)))                                        \
	X(EQ, a == b)                                                                              \
	X(NE, a != b)                                                                              \
	X(LTS, (int64_t)a < (int64_t)b)                                                            \
	X(LES, (int64_t)a <= (int64_t)b)                                                           \
	X(LTU, a < b)                                                                              \
	X(LEU, a <= b)                                                                             \
	X(FEQ, as_double(a) == as_double(b))                                                       \
	X(FLT, as_double(a) < as_double(b))                                                        \
	X(FLE, as_double(a) <= as_double(b))

#define UNARY(X)                                                                                   \
	X(MOV, a)                                                                                  \
	X(NEG, -a)                                                                                 \
	X(INV, ~a)                                                                                 \
	X(NOT, !a)                                                                                 \
	X(S64TOF64, bits_of((double)(int64_t)a))                                                   \
	X(U64TOF64, bits_of((double)a))

#define IMMEDIATE(X)                                                                               \
	X(ADDI, a + b)                                                                             \
	X(MULI, a *b)                                                                              \
	X(EQI, a == b)                                                                             \
	X(LTSI, (int64_t)a < (int64_t)b)                                                           \
	X(LTUI, a < b)

/* r3 after r1 = a, r2 = b, r3 = 77 (kept where the instruction raises) and the instruction */
static uint64_t run_op(struct lp_insn in, uint64_t a, uint64_t b)
{
	RUN(INSN(TRY, .imm = 0, .n = 5), INSN(IMM, .dst = 1, .imm = a),
	    INSN(IMM, .dst = 2, .imm = b), INSN(IMM, .dst = 3, .imm = 77), in, INSN(END));
	return vm.reg[3];
}

static void arithmetic_is_c_s(void **state)
{
	(void)state;
	world_reset();
	for (size_t i = 0; i < N_SAMPLES; i++)
		for (size_t j = 0; j < N_SAMPLES; j++) {
			uint64_t a = samples[i], b = samples[j];

			world_drain();
#define CHECK_BINARY(name, expected)                                                               \
	assert_int_equal(run_op(INSN(name, .dst = 3, .a = 1, .b = 2), a, b), (uint64_t)(expected));
			BINARY(CHECK_BINARY)
#define CHECK_UNARY(name, expected)                                                                \
	assert_int_equal(run_op(INSN(name, .dst = 3, .a = 1), a, b), (uint64_t)(expected));
			UNARY(CHECK_UNARY)
#define CHECK_IMMEDIATE(name, expected)                                                            \
	assert_int_equal(run_op(INSN(name, .dst = 3, .a = 1, .imm = b), a, b),                     \
			 (uint64_t)(expected));
			IMMEDIATE(CHECK_IMMEDIATE)
		}
}

static void conversions_are_the_compiler_s(void **state)
{
	uint64_t seed = 88172645463325252ull;

	(void)state;
	world_reset();
	for (int i = 0; i < 300000; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;

		uint64_t v = seed >> (i % 64);
		uint32_t bits =
			i < 70000 ? (uint32_t)i << 16 | (uint32_t)(v & 0xffff) : (uint32_t)v;
		float f;
		memcpy(&f, &bits, sizeof(f));
		double d = (double)f;

		assert_int_equal(lp_u64_to_f64(v, 0), bits_of((double)v));
		assert_int_equal(lp_s64_to_f64(-v), bits_of((double)(int64_t)-v));
		if (f == f)
			assert_int_equal(lp_f32_to_f64(bits), bits_of(d));
		else
			assert_true(lp_f64_nan(lp_f32_to_f64(bits)));
		assert_int_equal(lp_f64_less(seed, v), as_double(seed) < as_double(v));
	}
}

static void parts_of_numbers(void **state)
{
	static const struct {
		uint64_t v;
		uint32_t n;
		uint64_t expected;
	} ext[] = {
		{ 0x1ff, 1, 0xff },
		{ 0x1ff, 1 | LP_SIGNED, UINT64_MAX },
		{ 0x18000, 2, 0x8000 },
		{ 0x18000, 2 | LP_SIGNED, 0xffffffffffff8000 },
		{ 0x180000000, 4, 0x80000000 },
		{ 0x180000000, 4 | LP_SIGNED, 0xffffffff80000000 },
		{ 0x8000000000000000, 8, 0x8000000000000000 },
		{ 0x8000000000000000, 8 | LP_SIGNED, 0x8000000000000000 },
	};

	(void)state;
	world_reset();
	for (size_t i = 0; i < sizeof(ext) / sizeof(*ext); i++)
		assert_int_equal(run_op(INSN(EXT, .dst = 3, .a = 1, .n = ext[i].n), ext[i].v, 0),
				 ext[i].expected);

	for (uint32_t off = 0; off < 64; off++)
		for (uint32_t width = 1; off + width <= 64; width++) {
			uint64_t v = 0xfedcba9876543210,
				 mask = width < 64 ? (1ull << width) - 1 : ~0ull;
			uint64_t u = v >> off & mask;
			uint64_t s = u >> (width - 1) & 1 ? u | ~mask : u;

			world_drain();
			assert_int_equal(
				run_op(INSN(BITS, .dst = 3, .a = 1, .imm = LP_BITS(off, width, 0)),
				       v, 0),
				u);
			assert_int_equal(
				run_op(INSN(BITS, .dst = 3, .a = 1, .imm = LP_BITS(off, width, 1)),
				       v, 0),
				s);
		}
}

static void loads_extend_and_cross_pages(void **state)
{
	(void)state;
	for (uint64_t off = LP_PAGE - 80; off < LP_PAGE + 8; off++)
		for (uint32_t n = 1; n <= 8; n *= 2) {
			uint64_t want = 0;

			world_reset();
			world.page[0] = PAGE_HERE;
			world.page[1] = PAGE_AWAY;
			for (uint32_t i = 0; i < 2 * LP_PAGE; i++)
				((uint8_t *)world.memory)[i] = (uint8_t)(i * 7 + 130);
			memcpy(&want, (uint8_t *)world.memory + off, n);
			vm.mach[5] = WORLD_BASE + off - 16;
			assert_int_equal(
				run_op(INSN(LOADM, .dst = 3, .b = 5, .n = n, .imm = 16), 0, 0),
				want);
			assert_int_equal(run_op(INSN(LOAD, .dst = 3, .a = 1, .n = n, .imm = -3ull),
						WORLD_BASE + off + 3, 0),
					 want);
			if (n < 8) {
				uint64_t top = 1ull << (n * 8 - 1);

				assert_int_equal(
					run_op(INSN(LOAD, .dst = 3, .a = 1, .n = n | LP_SIGNED),
					       WORLD_BASE + off, 0),
					(want ^ top) - top);
			}
		}
}

static void a_failed_load_raises(void **state)
{
	(void)state;
	world_reset();
	world.page[0] = PAGE_HERE;
	/* in the record: slot 5, and on with the program */
	RUN(INSN(GATE), INSN(TRY, .imm = 5, .n = 4), INSN(LOAD, .dst = 3, .a = 1, .n = 8, .imm = 0),
	    INSN(CAP_REG, .n = LP_CAP(5, 8), .a = 3),
	    INSN(CAP_HOLE, .n = LP_CAP(6, 4), .imm = LP_ST_OPTIMIZED_OUT), INSN(END));
	assert_int_equal(world.n_sent, 1);

	struct lp_block *b = (void *)(world.sent[0] + sizeof(struct lp_record));
	assert_int_equal(b[0].slot, 5);
	assert_int_equal(b[0].status, LP_ST_UNREADABLE);
	assert_int_equal(b[0].len, 0);
	assert_int_equal(b[1].slot, 6);
	assert_int_equal(b[1].status, LP_ST_OPTIMIZED_OUT);
	assert_int_equal(b[1].addr, 4);
	assert_int_equal(world.sent_len[0], sizeof(struct lp_record) + 2 * sizeof(*b));
}

static void jumps_go_forward_only(void **state)
{
	(void)state;
	world_reset();
	RUN(INSN(IMM, .dst = 4, .imm = 0), INSN(IMM, .dst = 3, .imm = 1), INSN(JZ, .a = 4, .n = 4),
	    INSN(IMM, .dst = 3, .imm = 2), INSN(END));
	assert_int_equal(vm.reg[3], 1);
	RUN(INSN(IMM, .dst = 4, .imm = 1), INSN(IMM, .dst = 3, .imm = 1), INSN(JNZ, .a = 4, .n = 4),
	    INSN(IMM, .dst = 3, .imm = 2), INSN(END));
	assert_int_equal(vm.reg[3], 1);
	/* backward: goes on behind the jump, and ends */
	RUN(INSN(GATE), INSN(JMP, .n = 0), INSN(END));
	assert_int_equal(vm.outcome, LP_OUT_DONE);
}

static void context_values(void **state)
{
	static const struct {
		uint32_t which;
		uint64_t expected;
	} rows[] = {
		{ LP_CTX_PID, 41 },	     { LP_CTX_TID, 42 },      { LP_CTX_CPU, 3 },
		{ LP_CTX_TIME, 5000000000 }, { LP_CTX_BIAS, 0x5000 }, { LP_CTX_TLS, 0x7000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		world_reset();
		vm.mach[LP_MACH_IP] = 0x5400;
		world.code[0] = INSN(CTX, .dst = 3, .n = rows[i].which);
		world.code[1] = INSN(END);
		world_hit(&(struct lp_site){ .ninsn = 2, .vaddr = 0x400 });
		assert_int_equal(vm.reg[3], rows[i].expected);
	}
}

static const char *const texts[] = {
	"",
	"a",
	"b",
	"ab",
	"abc",
	"abcdefg",
	"abcdefgh",
	"abcdefghi",
	"bcdefghi",
	"abcdefgx",
	"abcdefghijklmnop",
	"ijklmnop",
	"\x80zzz",
	"\xff",
	"cdef",
	"nop",
	"a string that is longer than a few words of eight bytes, to be found or not to be found",
	"to be found",
	"to be founded",
};

#define N_TEXTS (sizeof(texts) / sizeof(*texts))

/* k0 from memory, k1 as a constant behind the code */
static uint64_t compare(uint8_t op, const char *k0, const char *k1)
{
	uint32_t n1 = (uint32_t)strlen(k1), words = (n1 + 15) / 16;

	world_reset();
	world.page[0] = PAGE_HERE;
	strcpy((char *)world.memory + 5, k0);
	world.code[0] = INSN(IMM, .dst = 1, .imm = WORLD_BASE + 5);
	world.code[1] = INSN(STRLD, .dst = 0, .a = 1, .n = LP_STRBUF_MAX);
	world.code[2] = INSN(STRK, .dst = 1, .n = n1, .imm = 5);
	world.code[3] = (struct lp_insn){ .op = op, .dst = 3 };
	world.code[4] = INSN(END);
	memcpy(&world.code[5], k1, n1);
	world_hit(&(struct lp_site){ .ninsn = 5 + words });
	return vm.reg[3];
}

static void strings_compare_as_in_c(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TEXTS; i++)
		for (size_t j = 0; j < N_TEXTS; j++) {
			const char *a = texts[i], *b = texts[j];
			size_t na = strlen(a), nb = strlen(b);

			assert_int_equal(compare(LP_OP_STREQ, a, b), !strcmp(a, b));
			assert_int_equal(compare(LP_OP_STRLT, a, b), strcmp(a, b) < 0);
			assert_int_equal(compare(LP_OP_STRPRE, a, b), !strncmp(a, b, nb));
			assert_int_equal(compare(LP_OP_STRSUF, a, b),
					 nb <= na && !strcmp(a + na - nb, b));
			assert_int_equal(compare(LP_OP_STRHAS, a, b), strstr(a, b) != NULL);
		}
}

static void string_buffers_hold_256_bytes(void **state)
{
	(void)state;
	world_reset();
	world.page[0] = PAGE_HERE;
	memset(world.memory[0], 'x', 600);
	RUN(INSN(IMM, .dst = 1, .imm = WORLD_BASE),
	    INSN(STRLD, .dst = 0, .a = 1, .n = LP_STRBUF_MAX), INSN(IMM, .dst = 2, .imm = 1000),
	    INSN(MEMLD, .dst = 1, .a = 1, .b = 2, .n = LP_STRBUF_MAX), INSN(STREQ, .dst = 3),
	    INSN(STRLEN, .dst = 4, .a = 1, .n = 4096), INSN(STRHAS, .dst = 5),
	    INSN(STRLEN, .dst = 6, .a = 1, .n = 100), INSN(COMMLD, .dst = 0), INSN(END));
	assert_int_equal(vm.klen[1], LP_STRBUF_MAX);
	assert_int_equal(vm.reg[3], 1);
	assert_int_equal(vm.reg[4], 600);
	assert_int_equal(vm.reg[5], 1);
	assert_int_equal(vm.reg[6], 100);
	assert_int_equal(vm.klen[0], 8);
	assert_memory_equal(vm.k[0], "worker-1", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_is_c_s),
		cmocka_unit_test(conversions_are_the_compiler_s),
		cmocka_unit_test(parts_of_numbers),
		cmocka_unit_test(loads_extend_and_cross_pages),
		cmocka_unit_test(a_failed_load_raises),
		cmocka_unit_test(jumps_go_forward_only),
		cmocka_unit_test(context_values),
		cmocka_unit_test(strings_compare_as_in_c),
		cmocka_unit_test(string_buffers_hold_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
