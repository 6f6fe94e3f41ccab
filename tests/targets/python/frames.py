# SPDX-License-Identifier: GPL-2.0-only
"""A call stack through methods, closures, a lambda and a generator; the program tells its own."""

import sys
import traceback

from target import say, start


class Order:
    def __init__(self, number):
        self.number = number

    def price(self, depth):
        def compute(rest):
            if rest:
                return compute(rest - 1)
            say("stack", number=self.number, frames=[
                [f.name, f.filename, f.lineno] for f in reversed(traceback.extract_stack())])
            value = self.number * 1.5
            return value  # @bottom
        return compute(depth)


def orders(numbers):
    for number in numbers:
        yield (lambda n: Order(n).price(2))(number)


start()
for result in orders(range(3)):
    pass
sys.stdin.readline()  # its memory tells the lines of frames
