# SPDX-License-Identifier: GPL-2.0-only
"""Exceptions with variables in every frame: it tells those where one is raised, and in the tracebacks of its own
that nobody has caught, as walk_tb() and f_locals have them. With `full`, ones that no record has room for.
"""

import asyncio
import gc
import sys
import threading
import traceback

from target import say, start

FULL = "full" in sys.argv

FILE = __file__  # which 3.14 takes away before the last exception is told of


class Shop(Exception):
    pass


class Missing(Shop, LookupError):
    pass


class Order:
    def __init__(self, number):
        self.number = number
        self.password = "swordfish"

    def __repr__(self):
        return f"Order(number={self.number}, password=<redacted>)"


def described(frames):
    """Innermost first, those of this file: name, line, variables."""
    return [[frame.f_code.co_name, line, [] if frame.f_code.co_name == "<module>" else
             [f"{name}={value!r}" for name, value in frame.f_locals.items()]]
            for frame, line in frames if frame.f_code.co_filename == FILE]


def raising(mark):
    """Where the caller will raise, in the next line."""
    frame = sys._getframe(1)
    rows = described(traceback.walk_stack(frame))
    rows[0][1] += 1
    say("raised", what=mark, frames=rows)


def left(exc):
    return described(list(traceback.walk_tb(exc.__traceback__))[::-1]) if exc else None


def tell(exc):
    say("uncaught", what=exc.args[0], frames=left(exc), cause=left(exc.__cause__), context=left(exc.__context__))


def chained(number, *rest, scale=2.5, **named):
    token, nothing = "deadbeef", None
    order = Order(number)
    try:
        {}[number]
    except KeyError as error:
        raising("chained")
        raise Missing("chained", order.number) from error


def called(function, value):
    """By C code, that Python calls."""
    return sorted([value], key=lambda one: function(one, "x", 7, color="r\u00f6t", api_key="0xdeadbeef"))


def numbers(first):
    seen = []
    for current in range(first, first + 3):
        seen.append(current)
        yield current
    gone = seen
    del gone
    raising("numbers")
    raise Shop("numbers", seen)


def counted(limit):
    data = {"a": [1, 2.5, (3,)], b"b": {True}}
    for number in numbers(limit):
        data[number] = [other for other in (number,) if other > limit]


def down(n):
    local = "%d" % n * n

    def inner(step):
        total = n + step
        if n:
            return down(n - 1) or total
        raising("down")
        raise Shop("down")
    return inner(1)


def swallowed(n):
    try:
        called(chained, n)
    except Missing as missing:
        kept = missing.args
    try:
        down(n)
    except Shop:
        pass
    return kept


def handled(n):
    """One while another is handled."""
    before = n - 1
    try:
        down(before)
    except Shop:
        after = n + 1
        raising("handled")
        raise Missing("handled", after)


async def awaited(n):
    text = "n" * n
    await asyncio.sleep(0)
    raising("awaited")
    raise Shop("awaited", text)


async def awaiting(n):
    twice = n * 2
    await awaited(twice)


async def tasks():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: tell(told["exception"]))
    asyncio.ensure_future(awaiting(1))
    for _ in range(4):
        await asyncio.sleep(0)
    gc.collect()


class Deleted:
    def __init__(self):
        self.kept = None

    def __repr__(self):
        return "Deleted(kept=None)"

    def __del__(self):
        number = 1 << 70
        raising("deleted")
        raise Shop("deleted", number)


def made(depth):
    return [f"{depth}-{n}-" + "x" * 200 for n in range(30)]


def much(depth):
    """More than a record has room for."""
    texts = made(depth)
    if depth:
        much(depth - 1)
    raise Shop("much", len(texts))


def wide(n, depth):
    """Frames with so many variables that not all of them fit; one with more than are looked at."""
    names = " = ".join(f"variable_{i}" for i in range(n))
    exec(f"def inner(left):\n {names} = left\n inner(left - 1) if left else fail('wide')\n", globals())
    inner(depth)  # noqa: F821


def deep(left):
    if left:
        deep(left - 1)
    raise Shop("deep")


def fail(mark):
    raise Shop(mark)


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def at_end(kind, exc, trace):
    tell(exc)
    sys.stdin.readline()  # its memory tells of its code


sys.excepthook = at_end
threading.excepthook = lambda args: tell(args.exc_value)
sys.unraisablehook = lambda args: tell(args.exc_value)

start()
if FULL:
    for function, *args in ((much, 12), (wide, 120, 50), (wide, 300, 0), (deep, 200)):
        in_thread(function, *args)
else:
    swallowed(2)
    in_thread(called, chained, 3)
    in_thread(handled, 3)
    in_thread(down, 4)
    asyncio.run(tasks())
    deleted = Deleted()
    del deleted
    counted(5)
