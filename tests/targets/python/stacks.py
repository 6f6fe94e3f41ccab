# SPDX-License-Identifier: GPL-2.0-only
"""stacks.py FOLDER - a stack of Python and C, with the library in between; extension.so lies in FOLDER.

For each hit it tells the frames, what each of them is at, and repr() of their variables.
"""

import functools
import sys

from target import say, start

sys.path.insert(0, sys.argv[1])
import extension  # noqa: E402


def tell(mark):
    """Of the caller and its callers; C functions of the extension are where they call Python."""
    rows, frame = [], sys._getframe(1)
    while frame:
        code = frame.f_code
        if code.co_filename == __file__:
            shown = {} if code.co_name == "<module>" else frame.f_locals
            rows.append([code.co_name, frame.f_lineno, [f"{name}={value!r}" for name, value in shown.items()]])
        frame = frame.f_back
    say(mark, frames=rows)


class Order:
    def __init__(self, number, *rest, password="swordfish", **named):
        self.number = number
        self.price = compute(number)  # C code may make the instance

    def __repr__(self):
        return f"Order(number={self.number})"


def compute(number):
    text, big, data, nothing = "w\u00f6rd" * 3, 1 << 90, b"\x00raw", None
    nested = {"a": [1, 2.5, (3,)], "b": {"c": True}}

    def bottom(scale):
        product = scale * number
        tell("bottom")
        done = True  # @bottom
        return product if done else nested
    return bottom(2)


def numbers(first, last):
    current = first
    while current < last:
        yield Order(current, "x", 7, api_key="0xdeadbeef", color="red").price
        current += 1


def called(number):
    total = 0
    for value in numbers(number, number + 1):
        total += value
    return total


@functools.lru_cache(maxsize=None)
def cached(number):
    return extension.apply(called, number)


def weighed(number):
    secret_word = number + 1
    tell("weighed")
    return extension.scale(secret_word, "item")  # @weighed


def main(count):
    words = ["one", "two"]
    results = sorted(range(count), key=lambda n: -cached(n))
    results.append(functools.reduce(lambda a, b: a + weighed(b), range(count), 0))
    return words, results


start()
print(main(2), flush=True)
sys.stdin.readline()  # its memory tells of its code
