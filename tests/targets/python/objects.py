# SPDX-License-Identifier: GPL-2.0-only
"""Passes generated objects of every kind to show(), and says the repr() of each: objects.py SEED COUNT."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import random
import sys
import uuid

from target import say, start


class Color(enum.Enum):
    RED = 1
    GREEN = "g"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


@dataclasses.dataclass
class Item:
    name: str
    price: float
    tags: list


@dataclasses.dataclass
class Slotted:
    __slots__ = ("left", "right")
    left: object
    right: object


Pair = collections.namedtuple("Pair", "first second")

rng = random.Random(int(sys.argv[1]))


def text():
    letters = rng.choice(["abc XYZ", "h\u00e9\u00df", "\u20ac\u4e2d", "\U0001f600\U0001f40d", "a'b", 'a"b', "'\"", "\n\t\\\x00\x7f\x1b"])
    return "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 3, 20, 80])))


def integer():
    return rng.choice([0, 1, -1, 7, 255, 2 ** 29, 2 ** 30, -2 ** 30, 2 ** 31 - 1, 2 ** 60, 2 ** 63, -2 ** 63, 2 ** 64,
                       10 ** 40, -10 ** 60, rng.randrange(-2 ** 70, 2 ** 70), rng.randrange(-1000, 1000)])


def real():
    return rng.choice([0.0, -0.0, 1.5, 0.1, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"), rng.uniform(-1e6, 1e6), 1e16, 1e22])


def moment():
    return datetime.datetime(rng.randrange(1, 9999), rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(24),
                             rng.randrange(60), rng.choice([0, 59]), rng.choice([0, 1, 999999]))


SCALARS = [
    text, integer, real, lambda: None, lambda: rng.random() < 0.5, lambda: complex(real(), real()),
    lambda: bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 30]))),
    lambda: bytearray(rng.randrange(256) for _ in range(rng.choice([0, 1, 30]))),
    lambda: range(rng.randrange(-5, 5), rng.randrange(5, 20), rng.choice([1, 1, 3])),
    moment, lambda: moment().date(), lambda: moment().time(),
    lambda: datetime.timedelta(rng.randrange(-10, 10), rng.randrange(86400), rng.randrange(1000000)),
    lambda: decimal.Decimal(rng.choice(["0", "1.50", "-3E+7", "NaN", "Infinity", "0.001", "123456789012345678901234567890.5"])),
    lambda: uuid.UUID(int=rng.getrandbits(128)), lambda: rng.choice(list(Color)), lambda: rng.choice(list(Level)),
    lambda: pathlib.PurePosixPath(rng.choice(["/", "a/b", "/srv/app.py", "."])),
]


def key():
    return rng.choice([text, integer, lambda: rng.random() < 0.5, lambda: None, lambda: (integer(), text())])()


def collection(depth):
    count = rng.choice([0, 1, 2, 5, 20])

    def inner():
        return thing(depth - 1)
    return rng.choice([
        lambda: [inner() for _ in range(count)], lambda: tuple(inner() for _ in range(count)),
        lambda: {key(): inner() for _ in range(count)}, lambda: {key() for _ in range(min(count, 1))},
        lambda: frozenset([key()]), lambda: collections.deque((inner() for _ in range(count)), rng.choice([None, 30])),
        lambda: Item(text(), real(), [inner()]), lambda: Slotted(inner(), inner()), lambda: Pair(inner(), inner()),
        lambda: ValueError(text(), integer()), lambda: KeyError(key()),
    ])()


def thing(depth):
    return collection(depth) if depth > 0 and rng.random() < 0.4 else rng.choice(SCALARS)()


def show(value):
    return value  # @show


start()
kept = fractions.Fraction(1, 3)
for number in range(int(sys.argv[2])):
    value = thing(2)
    say("show", repr=repr(value), type=type(value).__name__)
    show(value)
