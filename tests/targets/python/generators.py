# SPDX-License-Identifier: GPL-2.0-only
"""Generators: each iteration, those that are suspended, those that delegate, and asynchronous ones."""

import asyncio

from target import say, start


def count(limit):
    number = 0
    while number < limit:
        yield number  # @yield
        number += 1
    return "done"


def outer(limit):
    result = yield from count(limit)
    return result  # @delegated


async def ticks(limit):
    for number in range(limit):
        await asyncio.sleep(0)
        yield number  # @tick


def look(suspended, finished, fresh):
    return suspended  # @look


async def run_ticks():
    return [n async for n in ticks(10)]


start()
total = sum(count(5000))
say("sum", total=total)
half = count(10)
for _ in range(3):
    next(half)
over = outer(3)
list(over)
look(half, over, count(1))
asyncio.run(run_ticks())
