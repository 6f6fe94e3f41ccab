# SPDX-License-Identifier: GPL-2.0-only
"""Raises exceptions of known classes, and says which logpoint should see what: raising.py [fork]."""

import asyncio
import importlib
import os
import pathlib
import sys
import tempfile

from target import say, start

LATE = """
class Late(Exception):
    class Inner(KeyError):
        pass
"""


class Wrong(ValueError):
    def __init__(self, text, code):
        super().__init__(text, code)
        self.code = code


class Worse(Wrong):
    __slots__ = ("extra",)


def attempt(function, *args):
    try:
        function(*args)
    except BaseException as e:
        return e


def value(n):
    int(f"x{n}")


def wrong(n, kind):
    total = [n, n + 1]
    if n % 2:
        del kind  # unbound where the next line raises
    raise Wrong(f"wrong {total[0]}", n)


def worse(n):
    def inner():
        raise Worse(n, shared)
    shared = n * 10
    inner()


def files(n):
    if n % 2:
        open(f"/nonexistent/{n}")
    os.rmdir("/proc/self")


def flow():
    next(iter(()))


async def cancelled():
    task = asyncio.ensure_future(asyncio.sleep(100))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


def late(module):
    raise module.Late.Inner("late")


class Body:
    """Its own names are in a dict."""

    name = "body"
    try:
        name.nope
    except AttributeError:
        pass


def work(rounds):
    folder = tempfile.mkdtemp()
    pathlib.Path(folder, "late_errors.py").write_text(LATE)
    sys.path.insert(0, folder)
    module = importlib.import_module("late_errors")
    for n in range(rounds):
        attempt(value, n)
        say("value", text=f"invalid literal for int() with base 10: 'x{n}'", n=n)
        attempt(wrong, n, "k")
        say("wrong", text=f"wrong {n}", code=n, total=[n, n + 1], kind="<unbound 'kind'>" if n % 2 else "k")
        attempt(worse, n)
        say("worse", code=n * 10, extra="<no attribute 'extra'>")
        e = attempt(files, n)
        say("files", errno=e.errno, file=e.filename)
        attempt(flow)
        asyncio.run(cancelled())
        attempt(late, module)


start()
if len(sys.argv) > 1 and sys.argv[1] == "fork":
    child = os.fork()
    work(3)
    if child:
        os.waitpid(child, 0)
    os._exit(0)
work(4)
