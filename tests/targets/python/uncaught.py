# SPDX-License-Identifier: GPL-2.0-only
"""Exceptions that nobody catches, in all the ways there are, among those that somebody does.

With `hooks` its own hooks tell of them what traceback says; else the interpreter's do, on standard error.
"""

import _thread
import asyncio
import atexit
import gc
import sys
import threading
import time
import traceback
import weakref

from target import say, start

HOOKS = "hooks" in sys.argv
MINOR = sys.version_info[1]


class Shop(Exception):
    pass


class Missing(Shop, LookupError):
    pass


class Odd(Exception):
    def __str__(self):
        return "odd"


def describe(exc, seen):
    if exc is None or id(exc) in seen:
        return None
    seen.add(id(exc))
    told = traceback.TracebackException(type(exc), exc, exc.__traceback__)
    cause = describe(exc.__cause__, seen)
    return {"shown": next(told.format_exception_only()).strip(),
            "frames": [[frame.name, frame.lineno] for frame in traceback.extract_tb(exc.__traceback__)],
            "notes": getattr(exc, "__notes__", []), "cause": cause,
            "context": None if exc.__suppress_context__ else describe(exc.__context__, seen)}


def tell(how, exc):
    say("uncaught", how=how, **describe(exc, set()))


def fail(kind, *args):
    tag = args[0]
    raise kind(*args)


def chained():
    try:
        try:
            {}["a"]
        except KeyError as error:
            raise Missing("no a", 1) from error
    except Missing:
        int("x")


def deep(n):
    if n:
        return deep(n - 1)
    try:
        fail(OSError, 2, "gone", "/x")
    except OSError:
        raise Shop("closed") from None


def noted():
    if MINOR >= 11:
        error = ExceptionGroup("many", [ValueError(1), Missing("m")])  # noqa: F821
        error.add_note("first")
        error.add_note("second")
        raise error
    raise Shop("many")


def swallowed():
    for kind in (ValueError, Missing, KeyError, Odd):
        try:
            fail(kind, "swallowed")
        except kind:
            pass
    next(iter(()), None)


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def in_raw_thread(function, *args):
    count, started = _thread._count(), []

    def body():
        started.append(True)
        function(*args)

    _thread.start_new_thread(body, ())
    while not started or _thread._count() > count:
        time.sleep(0.001)


class Deleted:
    def __del__(self):
        fail(KeyError, "deleted")


class Referred:
    pass


def unraisable():
    deleted = Deleted()
    del deleted
    referred = Referred()
    reference = weakref.ref(referred, lambda _: fail(ValueError, "weak"))
    del referred
    assert reference() is None


async def broken(tag):
    await asyncio.sleep(0)
    raise Missing(tag)


async def pause():
    for _ in range(4):
        await asyncio.sleep(0)


async def tasks():
    loop = asyncio.get_running_loop()
    if HOOKS:
        loop.set_exception_handler(lambda _, told: tell("callback" if "handle" in told else "future", told["exception"]))
    asyncio.ensure_future(broken("never"))
    await pause()
    gc.collect()
    future = loop.create_future()
    future.set_exception(ValueError("future"))
    del future
    loop.call_soon(fail, OSError, "callback")
    await pause()
    asked = asyncio.ensure_future(broken("asked"))
    try:
        await asked
    except Missing:
        pass
    del asked
    await asyncio.gather(broken("gathered"), return_exceptions=True)
    cancelled = asyncio.ensure_future(asyncio.sleep(10))
    await pause()
    cancelled.cancel()
    await pause()
    gc.collect()


if HOOKS:
    sys.excepthook = lambda kind, exc, trace: tell("main", exc)
    threading.excepthook = lambda args: args.exc_type is SystemExit or tell("thread", args.exc_value)
    sys.unraisablehook = lambda args: tell("unraisable", args.exc_value)
if MINOR >= 10:
    atexit.register(fail, ValueError, "exit")

start()
swallowed()
in_thread(fail, ValueError, "thread")
in_thread(chained)
in_thread(deep, 3)
in_thread(noted)
in_thread(fail, Odd, "odd", 1)
in_thread(sys.exit)
in_raw_thread(fail, Missing, "raw", 2)
in_raw_thread(sys.exit)
unraisable()
asyncio.run(tasks())
try:
    fail(KeyError, "caught")
except KeyError:
    if "exit" in sys.argv:
        sys.exit(1)
    fail(RuntimeError, "main")
