/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/types.c
 *
 * types ROUNDS
 *
 * Every native type, as locals, arguments and globals, kept alive over a marked line. The program
 * itself says what it holds there: one JSON object a round and place, {"at": marker, "round": n,
 * NAME: VALUE...}. Values that JSON has no form for: {"$ptr": n}, {"$float": "nan"},
 * {"$char": code}, {"$int": "decimal digits"}, {"$enum": name or null, "value": n}.
 */
#include <complex.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>
#include <wchar.h>

#include "target.h"

enum color { RED, GREEN = 5, BLUE };
enum sign { MINUS = -1, ZERO, PLUS };
enum wide { SMALL = 1, HUGE_ONE = 0x123456789abcLL };
enum flags { F_READ = 1, F_WRITE = 2, F_EXEC = 4 };

struct point {
	int x, y;
};
struct pair { /* two registers */
	long first;
	const char *second;
};
struct bits {
	unsigned int a : 1;
	unsigned int b : 3;
	int c : 5;
	unsigned int : 0;
	unsigned long d : 40;
	bool e : 1;
	enum color f : 4;
	long g : 20;
};
union number {
	uint32_t u;
	float f;
	unsigned char bytes[4];
};
struct nested {
	char tag;
	struct point at;
	struct {
		short inner;
		union {
			int as_int;
			unsigned short as_halves[2];
		};
	} named;
	struct {
		int anonymous;
	};
	struct point corners[2];
	double weight;
	struct nested *next;
	int tail[];
};
typedef struct point point_t;
typedef const volatile point_t *weird_t;

static int round_number;

static void begin(const char *at)
{
	printf("{\"at\":\"%s\",\"round\":%d", at, round_number);
}

__attribute__((format(printf, 2, 3))) static void say(const char *name, const char *format, ...)
{
	va_list args;

	printf(",\"%s\":", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

static void end(void)
{
	printf("}\n");
	fflush(stdout);
}

#define SAY_INT(v)   say(#v, "%lld", (long long)(v))
#define SAY_UINT(v)  say(#v, "%llu", (unsigned long long)(v))
#define SAY_BOOL(v)  say(#v, "%s", (v) ? "true" : "false")
#define SAY_CHAR(v)  say(#v, "{\"$char\":%ld}", (long)(v))
#define SAY_PTR(v)   say(#v, "{\"$ptr\":%lu}", (unsigned long)(v))
#define SAY_STR(v)   say(#v, "\"%s\"", (v))
#define SAY_FLOAT(v) say(#v, "{\"$float\":\"%.9g\",\"size\":4}", (double)(v))
#define SAY_DBL(v)   say(#v, "{\"$float\":\"%.17g\",\"size\":8}", (v))
#define SAY_LDBL(v)  say(#v, "{\"$float\":\"%.21Lg\",\"size\":16}", (v))
#define SAY_ENUM(v, name)                                                                          \
	say(#v, "{\"$enum\":%s%s%s,\"value\":%lld}", (name) ? "\"" : "", (name) ? (name) : "null", \
	    (name) ? "\"" : "", (long long)(v))
#define SAY_POINT(v) say(#v, "{\"x\":%d,\"y\":%d}", (v).x, (v).y)

static const char *color_name(int c)
{
	return c == RED ? "RED" : c == GREEN ? "GREEN" : c == BLUE ? "BLUE" : NULL;
}

static NOINLINE void touch(int n)
{
	KEEP(n);
}

static NOINLINE void integers(int n)
{
	int8_t i8 = OPAQUE((int8_t)(-5 - n));
	uint8_t u8 = OPAQUE((uint8_t)(250 + n));
	int16_t i16 = OPAQUE((int16_t)(-30000 - n));
	uint16_t u16 = OPAQUE((uint16_t)(65000 + n));
	int32_t i32 = OPAQUE(-2000000000 - n);
	uint32_t u32 = OPAQUE(4000000000u + (unsigned int)n);
	int64_t i64 = OPAQUE(INT64_MIN + n);
	uint64_t u64 = OPAQUE(UINT64_MAX - (unsigned int)n);
	long long ll = OPAQUE(-1LL - n);
	size_t sz = OPAQUE((size_t)1 << 40);
	bool yes = OPAQUE(n >= 0), no = !yes;
	int constant = 42;
	int twice = n * 2;

	touch(n); /* @integers */
	begin("integers");
	SAY_INT(i8), SAY_UINT(u8), SAY_INT(i16), SAY_UINT(u16), SAY_INT(i32), SAY_UINT(u32);
	SAY_INT(i64), SAY_UINT(u64), SAY_INT(ll), SAY_UINT(sz), SAY_BOOL(yes), SAY_BOOL(no);
	SAY_INT(constant), SAY_INT(twice), SAY_INT(n);
	end();
}

static NOINLINE void wide_integers(long n)
{
	__int128 i128 = ((__int128)OPAQUE(-n - 1) << 64) | OPAQUE(7l);
	unsigned __int128 u128 = ((unsigned __int128)OPAQUE(n + 1) << 64) | OPAQUE(9ul);

	KEEP_MEM(i128);
	KEEP_MEM(u128);
	touch((int)n); /* @wide_integers */
	begin("wide_integers");
	say("i128", "{\"$hi\":%ld,\"$lo\":%lu}", (long)(i128 >> 64), (unsigned long)i128);
	say("u128", "{\"$hi\":%lu,\"$lo\":%lu}", (unsigned long)(u128 >> 64), (unsigned long)u128);
	end();
	KEEP_MEM(i128);
	KEEP_MEM(u128);
}

static NOINLINE void characters(int n)
{
	char letter = OPAQUE((char)('A' + n));
	char high = OPAQUE((char)0xe4);
	signed char schar = OPAQUE((signed char)-3);
	unsigned char uchar = OPAQUE((unsigned char)200);
	wchar_t wide = OPAQUE(L'\u20ac');
	char16_t c16 = OPAQUE(u'\u00e4');
	char32_t c32 = OPAQUE(U'\U0001f600');
	char newline = OPAQUE('\n');

	KEEP_MEM(newline); /* clang 14 describes it wrongly where it is spilled from a register */
	touch(n);	   /* @characters */
	begin("characters");
	SAY_CHAR(letter);
	say("high", "{\"$char\":%d}", (unsigned char)high);
	SAY_INT(schar), SAY_INT(uchar);
	/* in C these are other names of integers */
	SAY_INT(wide), SAY_INT(c16), SAY_INT(c32);
	SAY_CHAR(newline);
	end();
}

/* Floats whose address is taken: they are in memory at every level of optimisation. */
static NOINLINE void floats(int n)
{
	volatile int v = n;
	float f = 1.5f + (float)v, third = (float)v / 3;
	double d = 0.1 + v, big = 1e300, tiny = 5e-324, negative_zero = -0.0;
	double not_a_number = NAN, infinite = -INFINITY;
	long double ld = 1.1L + v;
	double complex z = 1.5 + v - 2.25 * I;

	KEEP_MEM(f), KEEP_MEM(third), KEEP_MEM(d), KEEP_MEM(big), KEEP_MEM(tiny);
	KEEP_MEM(negative_zero), KEEP_MEM(not_a_number), KEEP_MEM(infinite), KEEP_MEM(ld);
	KEEP_MEM(z);
	touch(n); /* @floats */
	begin("floats");
	SAY_FLOAT(f), SAY_FLOAT(third), SAY_DBL(d), SAY_DBL(big), SAY_DBL(tiny);
	SAY_DBL(negative_zero), SAY_DBL(not_a_number), SAY_DBL(infinite), SAY_LDBL(ld);
	say("z", "{\"$complex\":[%.17g,%.17g]}", creal(z), cimag(z));
	end();
	KEEP_MEM(f), KEEP_MEM(third), KEEP_MEM(d), KEEP_MEM(big), KEEP_MEM(tiny);
	KEEP_MEM(negative_zero), KEEP_MEM(not_a_number), KEEP_MEM(infinite), KEEP_MEM(ld);
	KEEP_MEM(z);
}

/* Floats in vector registers: a tracer may only show them rightly or say that it can't. */
static NOINLINE double vector_floats(double whole, float small)
{
	double doubled = whole * 2;
	float half = small / 2;

	__asm__ volatile("nop" : "+x"(whole), "+x"(small), "+x"(doubled), "+x"(half)); /* @vector */
	begin("vector");
	SAY_DBL(whole), SAY_FLOAT(small), SAY_DBL(doubled), SAY_FLOAT(half);
	end();
	return doubled + (double)half;
}

static NOINLINE void enums(int n)
{
	enum color color = (enum color)OPAQUE(n == 0 ? 5 : n == 1 ? 0 : 99);
	enum sign sign = (enum sign)OPAQUE(n - 1);
	enum wide wide = (enum wide)OPAQUE(0x123456789abcL);
	enum flags one = (enum flags)OPAQUE(2), both = (enum flags)OPAQUE(5);
	enum flags none = (enum flags)OPAQUE(0), more = (enum flags)OPAQUE(9);

	touch(n); /* @enums */
	begin("enums");
	SAY_ENUM(color, color_name((int)color));
	SAY_ENUM(sign, sign == MINUS ? "MINUS" : sign == ZERO ? "ZERO" : "PLUS");
	SAY_ENUM(wide, "HUGE_ONE");
	SAY_ENUM(one, "F_WRITE");
	SAY_ENUM(both, "F_READ | F_EXEC");
	say("none", "{\"$enum\":null,\"value\":0}");
	say("more", "{\"$enum\":null,\"value\":9}");
	end();
	KEEP((int)color), KEEP((int)one), KEEP((int)both), KEEP((int)none), KEEP((int)more);
}

static int global_int = 17;
static const char *const words[] = { "zero", "one", "two" };

static NOINLINE void pointers(int n, char *text)
{
	int local = n + 100;
	int *to_local = OPAQUE(&local), *to_global = OPAQUE(&global_int), *null = OPAQUE((int *)0);
	int **twice = &to_local;
	const char *str = OPAQUE((const char *)words[n % 3]), *empty = OPAQUE((const char *)""),
		   *none = OPAQUE((char *)0);
	const char *utf8 = OPAQUE((const char *)"gr\xc3\xbc\xc3\x9f");
	void *opaque = OPAQUE((void *)&local);
	void (*function)(int) = OPAQUE(&touch);
	const char *const *list = OPAQUE(&words[0]);

	KEEP_MEM(local), KEEP_MEM(twice);
	touch(n); /* @pointers */
	begin("pointers");
	SAY_PTR(to_local), SAY_PTR(to_global), SAY_PTR(null), SAY_PTR(twice), SAY_PTR(opaque);
	SAY_PTR(function), SAY_PTR(list), SAY_STR(str), SAY_STR(empty), SAY_STR(utf8);
	SAY_STR(text);
	say("none", "null");
	SAY_INT(*to_local), SAY_INT(*to_global), SAY_INT(**twice), SAY_STR(list[1]);
	SAY_INT(to_global[0]), SAY_INT(global_int);
	SAY_PTR(&local), SAY_PTR(&global_int);
	end();
	KEEP(null), KEEP(none), KEEP(list), KEEP(text), KEEP(twice);
}

static NOINLINE void arrays(int n)
{
	int ints[5], grid[2][3];
	char name[8] = "abc", full[4] = { 'w', 'x', 'y', 'z' };
	uint8_t raw[4] = { 0, 127, 128, 255 };
	double doubles[2] = { 0.5 + n, -2.5 };
	const char *strings[3] = { "a", "bc", "" };
	struct point points[3];
	bool marks[2] = { true, false };
	int many[40];

	for (int i = 0; i < 5; i++)
		ints[i] = n * 10 + i;
	for (int i = 0; i < 6; i++)
		grid[i / 3][i % 3] = i - n;
	for (int i = 0; i < 3; i++)
		points[i] = (struct point){ i, -i };
	for (int i = 0; i < 40; i++)
		many[i] = i * i;
	KEEP_MEM(ints), KEEP_MEM(grid), KEEP_MEM(name), KEEP_MEM(full), KEEP_MEM(raw);
	KEEP_MEM(doubles), KEEP_MEM(strings), KEEP_MEM(points), KEEP_MEM(marks), KEEP_MEM(many);
	touch(n); /* @arrays */
	begin("arrays");
	say("ints", "[%d,%d,%d,%d,%d]", ints[0], ints[1], ints[2], ints[3], ints[4]);
	say("grid", "[[%d,%d,%d],[%d,%d,%d]]", grid[0][0], grid[0][1], grid[0][2], grid[1][0],
	    grid[1][1], grid[1][2]);
	SAY_STR(name);
	say("full", "\"wxyz\"");
	say("raw", "[%d,%d,%d,%d]", raw[0], raw[1], raw[2], raw[3]);
	say("doubles", "[%.17g,%.17g]", doubles[0], doubles[1]);
	say("strings", "[\"a\",\"bc\",\"\"]");
	say("points", "[{\"x\":0,\"y\":0},{\"x\":1,\"y\":-1},{\"x\":2,\"y\":-2}]");
	say("marks", "[true,false]");
	SAY_INT(ints[2]), SAY_INT(grid[1][2]), SAY_INT(points[2].y), SAY_INT(many[39]);
	say("ints[1:3]", "[%d,%d]", ints[1], ints[2]);
	say("raw[:2]", "[%d,%d]", raw[0], raw[1]);
	end();
	KEEP_MEM(ints), KEEP_MEM(grid), KEEP_MEM(name), KEEP_MEM(full), KEEP_MEM(raw);
	KEEP_MEM(doubles), KEEP_MEM(strings), KEEP_MEM(points), KEEP_MEM(marks), KEEP_MEM(many);
}

static struct nested *global_nested;

static NOINLINE void structs(int n, struct point by_value, struct pair pair)
{
	struct point split = { OPAQUE(n + 1), OPAQUE(-n) };
	point_t typedefed = { n, 2 };
	weird_t weird = OPAQUE(&typedefed);
	struct bits bits = { .a = 1,
			     .b = 5,
			     .c = -9 + n,
			     .d = 0xabcdef1234,
			     .e = true,
			     .f = GREEN,
			     .g = -300000 - n };
	union number number = { .f = 1.5f };
	struct nested *nested = calloc(1, sizeof(*nested) + 2 * sizeof(int));

	nested->tag = 'T';
	nested->at = (struct point){ n, n + 1 };
	nested->named.inner = -7;
	nested->named.as_int = 0x00020001;
	nested->anonymous = 99;
	nested->corners[0] = (struct point){ 1, 2 };
	nested->corners[1] = (struct point){ 3, 4 };
	nested->weight = 2.5;
	nested->next = nested;
	nested->tail[0] = 11;
	nested->tail[1] = 12;
	global_nested = nested;
	KEEP_MEM(typedefed), KEEP_MEM(bits), KEEP_MEM(number);
	touch(n); /* @structs */
	begin("structs");
	SAY_POINT(split), SAY_POINT(typedefed), SAY_POINT(*weird), SAY_POINT(by_value);
	say("pair", "{\"first\":%ld,\"second\":\"%s\"}", pair.first, pair.second);
	say("bits",
	    "{\"a\":%u,\"b\":%u,\"c\":%d,\"d\":%lu,\"e\":%s,\"f\":{\"$enum\":\"%s\",\"value\":%d},"
	    "\"g\":%ld}",
	    bits.a, bits.b, bits.c, (unsigned long)bits.d, bits.e ? "true" : "false",
	    color_name(bits.f), bits.f, (long)bits.g);
	say("number", "{\"u\":%u,\"f\":%g,\"bytes\":[%d,%d,%d,%d]}", number.u, (double)number.f,
	    number.bytes[0], number.bytes[1], number.bytes[2], number.bytes[3]);
	SAY_CHAR(nested->tag), SAY_POINT(nested->at), SAY_INT(nested->named.inner);
	SAY_INT(nested->named.as_int), SAY_INT(nested->named.as_halves[1]);
	SAY_INT(nested->anonymous), SAY_INT(nested->corners[1].y), SAY_DBL(nested->weight);
	SAY_PTR(nested->next), SAY_INT(nested->next->next->at.y), SAY_INT(nested->tail[1]);
	SAY_INT(bits.c), SAY_UINT(bits.d), SAY_INT(bits.g), SAY_INT(split.x), SAY_INT(pair.first);
	SAY_STR(pair.second), SAY_INT(global_nested->at.x), SAY_INT(weird->y);
	say("sizeof(struct nested)", "%zu", sizeof(struct nested));
	say("((struct point *)&typedefed)->y", "%d", typedefed.y);
	end();
	KEEP(split.x), KEEP(split.y), KEEP_MEM(typedefed), KEEP_MEM(bits), KEEP_MEM(number);
	free(nested);
}

/* Arithmetic as the language says it: C's on C's types. */
static NOINLINE void arithmetic(int n)
{
	int a = OPAQUE(-7), b = OPAQUE(2);
	unsigned int u = OPAQUE(7u);
	long l = OPAQUE(1L << 40);
	uint8_t byte = OPAQUE((uint8_t)200);
	const int *p = OPAQUE((const int *)&global_int);

	touch(n); /* @arithmetic */
	begin("arithmetic");
	say("a + b", "%d", a + b);
	say("a / b", "%d", a / b);
	say("a % b", "%d", a % b);
	say("a >> 1", "%d", a >> 1);
	say("u << 3 | 1", "%u", u << 3 | 1);
	say("~u", "%u", ~u);
	say("-b", "%d", -b);
	say("l * 3", "%ld", l * 3);
	say("byte + byte", "%d", byte + byte);
	say("u - 8", "%u", u - 8);
	say("a < b", "%s", a < b ? "true" : "false");
	say("a == -7 and b == 2", "true");
	say("not a", "false");
	say("a if b > 1 else l", "%d", a);
	say("b > 1 ? a : u", "%u", b > 1 ? a : u);
	say("b > 5 ? 1 : 0", "0");
	say("p[0] ^ 1", "%d", p[0] ^ 1);
	say("sizeof(l)", "%zu", sizeof(l));
	end();
	KEEP(a), KEEP(b), KEEP(u), KEEP(l), KEEP(byte), KEEP(p);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;
	char text[32];

	target_wait();
	for (round_number = 0; round_number < rounds; round_number++) {
		int n = round_number;

		snprintf(text, sizeof(text), "round %d", n);
		integers(n);
		wide_integers(n);
		characters(n);
		floats(n);
		vector_floats(0.3 + n, 0.7f);
		enums(n);
		pointers(n, text);
		arrays(n);
		structs(n, (struct point){ 7, n },
			(struct pair){ 1234567890123 + n, words[n % 3] });
		arithmetic(n);
	}
	return 0;
}
