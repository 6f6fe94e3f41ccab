// SPDX-License-Identifier: GPL-2.0-only
// tests/targets/shop.cc
//
// shop COUNT PAUSE_US
//
// A C++ service under its own load: namespaces, bases, references, templates, overloads. Says what
// it holds at marked lines: one JSON object a hit, in the forms of types.c.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "target.h"

namespace shop
{

enum class State : uint8_t { Open = 1, Paid = 2, Sent = 4 };
int orders_made = 0;

struct Named {
	const char *label;
	int tag;
	explicit Named(const char *l) : label(l), tag(41)
	{
	}
};

struct Priced {
	virtual ~Priced() = default;
	virtual long total() const = 0;
	long cents = 0;
};

class Order : public Named, public Priced
{
      public:
	static int created;
	Order(const char *label, long price, int n) : Named(label), price_(price), count_(n)
	{
		cents = price * n;
		created++;
	}
	long total() const override;
	long discount(int percent) const;
	long discount(double factor) const;
	struct Line {
		int sku;
		bool gift;
	};
	Line first{ 12, true };
	State state = State::Open;

      private:
	long price_;
	int count_;
};
int Order::created = 0;

NOINLINE long Order::total() const
{
	long sum = OPAQUE(price_ + 0) * OPAQUE(count_ + 0);

	KEEP(sum);
	KEEP(this);
	return sum; // @total
}

NOINLINE long Order::discount(int percent) const
{
	long off = price_ * percent / 100;

	HERE(off); // @discount_int
	return off;
}

NOINLINE long Order::discount(double factor) const
{
	long off = static_cast<long>(static_cast<double>(price_) * factor);

	HERE(off); // @discount_double
	return off;
}

namespace detail
{
template <typename T> struct Box {
	T value;
	NOINLINE T get(int times) const
	{
		T out = value;

		for (int i = 1; i < times; i++)
			out = static_cast<T>(out + value);
		HERE(times); // @box
		return out;
	}
};
} // namespace detail

template <typename T, int N> NOINLINE int sum(const T (&values)[N])
{
	int total = 0;

	for (int i = 0; i < N; i++)
		total += static_cast<int>(values[i]); // @sum
	KEEP(total);
	return total;
}

static NOINLINE void touch(long n)
{
	KEEP(n);
}

static NOINLINE void show(long n, Order &order, const Order *pointer, int &&moved)
{
	long &total = order.cents;
	const int &count = Order::created;
	State state = static_cast<State>(OPAQUE(static_cast<int>(2)));
	detail::Box<short> box{ static_cast<short>(n) };
	Named *base = &order;
	Priced *priced = &order;
	int Order::Line::*member = &Order::Line::sku;
	std::nullptr_t nothing = nullptr;
	auto doubled = [n](int k) { return n * k; };

	KEEP_MEM(box);
	KEEP_MEM(member);
	KEEP_MEM(nothing);
	KEEP_MEM(total);
	touch(n); // @show
	printf("{\"at\":\"show\",\"n\":%ld,\"total\":%ld,\"count\":%d,", n, total, count);
	printf("\"state\":{\"$enum\":\"Paid\",\"value\":2},\"box.value\":%d,", box.value);
	printf("\"order.label\":\"%s\",\"order.cents\":%ld,\"pointer->tag\":%d,", order.label,
	       order.cents, pointer->tag);
	printf("\"base->label\":\"%s\",\"priced->cents\":%ld,\"moved\":%d,", base->label,
	       priced->cents, moved);
	printf("\"order.first.sku\":%d,\"order.first.gift\":true,\"orders_made\":%d,",
	       order.first.sku, orders_made);
	printf("\"shop::orders_made\":%d,\"order.state\":{\"$enum\":\"Open\",\"value\":1},",
	       orders_made);
	printf("\"order.label[shop::orders_made %% 2] + 0\":%d,", order.label[orders_made % 2] + 0);
	printf("\"base\":{\"$ptr\":%lu},\"&order\":{\"$ptr\":%lu},\"priced\":{\"$ptr\":%lu}}\n",
	       reinterpret_cast<unsigned long>(base), reinterpret_cast<unsigned long>(&order),
	       reinterpret_cast<unsigned long>(priced));
	fflush(stdout);
	KEEP(static_cast<int>(state));
	KEEP(base);
	KEEP(priced);
	KEEP(doubled(2));
	KEEP_MEM(box);
	KEEP_MEM(nothing);
	KEEP_MEM(moved);
}

} // namespace shop

int main(int argc, char **argv)
{
	static const char *const labels[] = { "book", "pen", "lamp" };
	long count = argc > 1 ? atol(argv[1]) : 1;
	long pause_us = argc > 2 ? atol(argv[2]) : 0;
	long grand = 0;

	target_wait();
	for (long i = 0; i < count; i++) {
		shop::Order order(labels[i % 3], 100 + i, static_cast<int>(i % 5) + 1);
		const int ints[3] = { 1, 2, static_cast<int>(i) };
		const char chars[2] = { 3, 4 };
		const double doubles[2] = { 0.5, 1.5 };

		shop::orders_made++;
		grand += order.total() + order.discount(10) + order.discount(0.5);
		grand += shop::detail::Box<int>{ static_cast<int>(i) }.get(3);
		grand += shop::detail::Box<short>{ 5 }.get(2);
		grand += shop::detail::Box<long>{ i }.get(1);
		grand += shop::sum(ints) + shop::sum(chars) + shop::sum(doubles);
		shop::show(i, order, &order, static_cast<int>(i) + 1000);
		if (pause_us)
			usleep(static_cast<useconds_t>(pause_us));
	}
	printf("grand %ld\n", grand);
	return 0;
}
