# SPDX-License-Identifier: GPL-2.0-only
"""A shop: asyncio tasks serve customers, a thread settles what they buy. Runs until it is killed."""

import asyncio
import dataclasses
import itertools
import queue
import threading


@dataclasses.dataclass
class User:
    id: int
    name: str


@dataclasses.dataclass
class Order:
    number: int
    user: User
    items: dict
    coupon: str = None


PRICES = {"apple": 40, "bread": 250, "cheese": 620}
USERS = [User(7, "ann"), User(42, "bob"), User(123, "zoë")]
settled = queue.Queue()
numbers = itertools.count(1)


def price(order):
    total = sum(PRICES[name] * count for name, count in order.items.items())
    if order.coupon:
        total = total * 9 // 10
    return total


async def checkout(order):
    await asyncio.sleep(0.01)
    total = price(order)
    settled.put((order, total))  # @checkout
    return total


async def customer(user):
    while True:
        number = next(numbers)
        items = {name: 1 + number % (len(name) - 2) for name in list(PRICES)[: 1 + number % 3]}
        await checkout(Order(number, user, items, "SAVE10" if number % 4 == 0 else None))
        await asyncio.sleep(0.05)


def settle(order, total):
    return order.number, total / 100


def settle_all():
    while True:
        settle(*settled.get())


async def main():
    threading.Thread(target=settle_all, name="settler", daemon=True).start()
    await asyncio.gather(*(asyncio.ensure_future(customer(user)) for user in USERS))


asyncio.run(main())
