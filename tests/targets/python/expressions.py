# SPDX-License-Identifier: GPL-2.0-only
"""Objects of many kinds at one line; what each expression gives is said by the program itself."""

import collections
import enum
import json
import sys

from target import say, start


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y


class User:
    kind = "person"

    def __init__(self, number, name):
        self.id = number
        self.name = name
        self.password = "hidden"

    @property
    def upper(self):
        return self.name.upper()


class Admin(User):
    level = 9


class Quiet(dict):
    def __missing__(self, key):
        return "made"


class Odd:
    def __len__(self):
        return 4

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return name


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 7


class Perm(enum.IntFlag):
    READ = 4
    WRITE = 2


class Plain(int):
    pass


class Money(int):
    def __add__(self, other):
        return "Money"

    def __rmul__(self, other):
        return "Money"

    def __neg__(self):
        return "Money"

    def __eq__(self, other):
        return "Money"

    __hash__ = int.__hash__


class Words(str):
    def __add__(self, other):
        return "Words"


class Ratio(float):
    def __add__(self, other):
        return "Ratio"


class Login(collections.namedtuple("Login", "name password")):
    @property
    def shown(self):
        return self.name


class Kinds:
    """What has operators of its own, and what has not."""
    level, perm, plain, money, words, ratio = Level.HIGH, Perm.READ, Plain(6), Money(5), Words("w"), Ratio(1.5)
    counts, counter = collections.defaultdict(list, a=[1]), collections.Counter("aab")
    login = Login("ann", "hidden")


LIMIT = 40
GRID = {(3, "n"): "found", (3, None, 2.5, b"x"): 1, (10 ** 30, True): "big"}
BIGS = {10 ** 30 + 5: "there", -10 ** 30: "negative", 2 ** 63: "just"}
NAMES = {("h", 3), ("x", 4)}
TABLE = {"a": 1, 2: "two", (3, "x"): [3], None: "none", True: "yes"}
EXPRESSIONS = json.load(open(sys.argv[1])) if len(sys.argv) > 1 else []


def visit(user, items, total, coupon, text, data, number, huge, point, color, flag, nested, odd, quiet, pair, k):
    inner = user.id

    def closure():
        return inner
    for source in EXPRESSIONS:
        try:
            say("visit", source=source, repr=repr(eval(source)))
        except Exception as why:
            say("visit", source=source, error=type(why).__name__)
    return closure()  # @visit


def run(number):
    user = Admin(number, "ann%d" % number) if number % 2 else User(number, "bob%d" % number)
    nested = {"list": [1, [2, [3, [4, [5]]]]], "tuple": (1, (2, 3)), "user": user}
    return visit(user, list(range(number)), number * 1.5, None if number % 3 else "SAVE10",
                 "h\u00e9llo w\u00f6rld %d" % number, b"bytes\x00\xff", number - 2, 10 ** 30 + number,
                 Point(number, -number), Color.BLUE, number > 3, nested, Odd(), Quiet(k=1),
                 collections.namedtuple("Pair", "left right")(number, "r"), Kinds)


start()
for n in range(1 if EXPRESSIONS else 20):
    run(n + 5)
