/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/pieces.cc
 *
 * pieces
 *
 * Structs that the optimiser takes apart, bit fields, bases, references, arrays of arrays: all of it is
 * compared with a debugger, variable by variable.
 */
#include <cstdio>
#include <cstdlib>
#include <cstdint>
struct Root {
	int root = 7;
	virtual ~Root()
	{
	}
};
struct Left {
	int left = 1;
};
struct Right : Root {
	short right = 2;
};
struct Both : Left, Right {
	long both = 3;
	int &ref;
	explicit Both(int &r) : ref(r)
	{
	}
};
struct Bits {
	unsigned a : 3;
	signed b : 5;
	unsigned long c : 40;
	bool d : 1;
	unsigned char e : 7;
};
struct Pair {
	long a;
	int b;
};
struct Small {
	short x;
	char y;
	unsigned char z;
};
enum class Mood : unsigned char { Calm = 1, Wild = 200 };
static long sink;
__attribute__((noinline)) long use(const Pair &p)
{
	sink += p.a;
	return p.b;
}
__attribute__((noinline)) void touch(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}
__attribute__((noinline)) int halves(long n)
{
	Pair p = { n * 3, (int)n };
	Small s = { (short)n, (char)(n + 1), (unsigned char)(n + 2) };
	long q = p.a + s.x;
	int r = p.b ^ s.y;
	__asm__ volatile("nop" : : "r"(q), "r"(r));
	p.a = q * 2;
	s.z = (unsigned char)r;
	__asm__ volatile("nop" : : "r"(p.a), "r"((int)s.z));
	return (int)(p.a + p.b + s.z);
}
__attribute__((noinline)) int bits(unsigned n)
{
	Bits b = { n & 7, (int)(n % 13) - 8, (unsigned long)n << 20, (n & 1) != 0,
		   (unsigned char)(n & 127) };
	const Mood m = n & 1 ? Mood::Wild : Mood::Calm;
	touch(&b);
	int total = b.a + b.b + (int)b.d + b.e;
	__asm__ volatile("nop" : : "r"(total));
	return total + (int)m;
}
__attribute__((noinline)) long bases(int n)
{
	int local = n * 5;
	Both b(local);
	Root *root = static_cast<Right *>(&b);
	Left &left = b;
	Both &&moved = static_cast<Both &&>(b);
	touch(&b);
	b.both += n;
	touch(root);
	long total = left.left + b.both + moved.right + b.ref;
	__asm__ volatile("nop" : : "r"(total));
	return total;
}
__attribute__((noinline)) long arrays(int n)
{
	int grid[3][4];
	short line[5] = { 1, 2, 3, (short)n, 5 };
	Pair pairs[2] = { { n, 1 }, { n + 1, 2 } };
	for (int i = 0; i < 12; i++)
		grid[i / 4][i % 4] = i * n;
	touch(grid);
	touch(line);
	touch(pairs);
	long total = grid[2][3] + line[3] + pairs[1].a;
	__asm__ volatile("nop" : : "r"(total));
	return total;
}
int main(int argc, char **argv)
{
	long total = 0;
	for (int i = 1; i < 4; i++) {
		total += halves(i + argc);
		total += bits((unsigned)i * 37);
		total += bases(i);
		total += arrays(i);
		Pair p = { i, i * 2 };
		total += use(p);
	}
	printf("%ld\n", total);
	return 0;
}
