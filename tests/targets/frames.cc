/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/frames.cc
 *
 * Calls as C++ has them. At each line the stack of its first hit is the same in every run.
 */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "target.h"

namespace shapes
{

static volatile long seen;

NOINLINE long note(long n)
{
	seen = seen + n;
	HERE(n);
	return seen;
}

struct shape {
	virtual ~shape()
	{
		note(1);
	}
	virtual long area(long scale) const = 0;
	long twice(long scale) const
	{
		long r = area(scale) * 2;

		HERE(r);
		return r;
	}
};

struct square : shape {
	long side;

	explicit square(long s) : side(s)
	{
		note(s);
	}
	NOINLINE long area(long scale) const override
	{
		long r = note(side * side * scale);

		HERE(r);
		return r;
	}
};

namespace
{

template <typename T, int N> struct ring {
	T items[N];
	int used = 0;

	NOINLINE long add(const T &item)
	{
		items[used++ % N] = item;
		long r = note(used);
		HERE(r);
		return r;
	}
	template <typename F> long each(F f)
	{
		long sum = 0;

		for (int i = 0; i < used && i < N; i++)
			sum += f(items[i]);
		HERE(sum);
		return sum;
	}
};

template <typename T> NOINLINE T largest(const std::vector<T> &from)
{
	T r = *std::max_element(from.begin(), from.end(), [](const T &a, const T &b) {
		note(1);
		return a < b;
	});

	HERE(note(2));
	return r;
}

struct guard {
	long n;

	NOINLINE ~guard()
	{
		note(n);
	}
};

NOINLINE long thrower(long n)
{
	guard g{ n };

	if (note(n) > 0)
		throw std::runtime_error("too large");
	return n;
}

NOINLINE long catcher(long n)
{
	guard g{ n + 1 };

	try {
		return thrower(n);
	} catch (const std::exception &e) {
		long r = note(e.what()[0]);

		HERE(r);
		return r;
	}
}

} // namespace

struct counter {
	long n = 0;

	NOINLINE counter &operator+=(long by)
	{
		n += note(by);
		HERE(n);
		return *this;
	}
	NOINLINE bool operator<(const counter &other) const
	{
		long r = note(n - other.n);

		HERE(r);
		return n < other.n;
	}
	NOINLINE operator long() const
	{
		long r = note(n);

		HERE(r);
		return r;
	}
	static NOINLINE long made(int n, const std::string &name)
	{
		long r = note(n + (long)name.size());

		HERE(r);
		return r;
	}
};

NOINLINE long all(long n)
{
	std::unique_ptr<shape> s = std::make_unique<square>(n);
	ring<long, 3> r;
	ring<std::string, 2> names;
	long sum = s->twice(n) + s->area(2);

	sum += r.add(n) + r.add(n + 1);
	sum += names.add("one") + names.add("two");
	sum += r.each([n](long item) { return note(item + n); });
	sum += names.each([](const std::string &name) {
		long length = note((long)name.size());

		HERE(length);
		return length;
	});
	sum += largest(std::vector<long>{ 3, n, 5 });
	sum += (long)largest(std::vector<std::string>{ "a", "b" }).size();

	std::vector<counter> counters(5);
	for (size_t i = 0; i < counters.size(); i++)
		counters[i] += (long)(i * 7 % 5);
	std::sort(counters.begin(), counters.end());
	std::function<long(long)> f = [&](long by) {
		counters[0] += by;
		long r = counters[0];
		HERE(r);
		return r;
	};
	sum += f(n) + counter::made(3, "name");
	std::map<counter, int> known;
	for (const counter &c : counters)
		known[c]++;
	sum += catcher(n);
	HERE(sum);
	return sum + (long)known.size();
}

} // namespace shapes

int main(int argc, char **argv)
{
	long r = shapes::all(argc + 3);

	(void)argv;
	HERE(r);
	return 0;
}
