# SPDX-License-Identifier: GPL-2.0-only
"""Exceptions of all kinds, and what the interpreter's own tracing saw of them.

    raises.py SEED N [THREADS]

Functions are made at random from SEED, N of them, and called; then what is written by hand below. A trace
function says of each exception where it was first seen: its class, its args, the line, the function.
"""

import asyncio
import contextlib
import dis
import json
import os
import random
import sys
import threading

FLOW = (StopIteration, StopAsyncIteration, GeneratorExit, asyncio.CancelledError)
HAS_GROUPS = sys.version_info >= (3, 11)
seen = []


class Wrong(ValueError):
    """Of a class of its own."""


class Coded(Wrong):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code


class Outer:
    class Missing(LookupError):
        pass


class End(Exception):
    """The last one that tracing sees in a thread."""


class Broken(Exception):
    def __str__(self):
        return "ran code"


def line_of(tb):
    """Up to 3.9 tb_lineno is that of the latest line event, which does not come for all that is executed."""
    if sys.version_info >= (3, 10):
        return tb.tb_lineno
    return [line for start, line in dis.findlinestarts(tb.tb_frame.f_code) if start <= tb.tb_lasti][-1]


def trace(frame, event, arg):
    if event == "exception":
        kind, value, tb = arg
        if tb is not None and tb.tb_next is None and not issubclass(kind, FLOW):
            # up to 3.11 value may not be made yet
            args = value.args if isinstance(value, BaseException) else value
            seen.append((threading.get_native_id(), f"{kind.__module__}.{kind.__qualname__}", repr(args),
                         line_of(tb), frame.f_code.co_name))
    return trace


# --- at random ---

RAISES = ["raise ValueError('v', {n})", "raise KeyError", "raise Wrong({n})", "raise Coded('c', {n})",
          "raise Outer.Missing('m')", "raise OSError({n}, 'os')", "raise Broken()", "raise RuntimeError('r') from None",
          "raise TypeError('t') from ValueError({n})", "raise KeyboardInterrupt", "raise SystemExit({n})"]
CALLS = ["int('x{n}')", "{{}}['k{n}']", "[][{n}]", "1 / 0", "'a' + 1", "None.nope", "undefined_{n}", "'%d' % 'x'",
         "bytes.fromhex('zz')", "open('/nonexistent/{n}')", "next(iter(()))", "getattr(3, 'x')", "setattr(3, 'x', 1)",
         "len(3)", "(1, 2)[{n} + 5]", "b''.decode('nope')", "b'\\xff'.decode('utf-8')", "a, b = 1, 2, 3", "import nope_{n}",
         "from json import nope_{n}", "assert {n} == -1, 'text {n}'", "del gone_{n}", "raise Outer", "float('y')"]
CATCHES = ["ValueError", "LookupError", "Exception", "BaseException", "(TypeError, OSError)", "Wrong", "ArithmeticError"]


class Maker:
    """The source of functions f0, f1, ...: later ones call earlier ones."""

    def __init__(self, seed, n):
        self.random = random.Random(seed)
        self.lines = []
        self.kinds = []
        for i in range(n):
            self.kinds.append(self.random.choice(["def", "def", "def", "gen", "async"]))
            self.function(i)

    def put(self, depth, text):
        self.lines.append("    " * depth + text)

    def function(self, i):
        kind = self.kinds[i]
        self.put(0, f"{'async def' if kind == 'async' else 'def'} f{i}(*_):")
        self.block(1, i, 3)
        if kind == "gen":
            self.put(1, f"yield {i}")
            self.block(1, i, 1)

    def block(self, depth, i, size):
        for _ in range(self.random.randint(1, size)):
            self.statement(depth, i)

    def statement(self, depth, i):
        choice = self.random.random()
        n = self.random.randint(0, 99)
        if choice < 0.12:
            self.put(depth, self.random.choice(RAISES).format(n=n))
        elif choice < 0.35:
            self.put(depth, self.random.choice(CALLS).format(n=n))
        elif choice < 0.55 and i:
            self.call(depth, self.random.randrange(i))
        elif choice < 0.62:
            self.put(depth, f"with contextlib.suppress({self.random.choice(['ValueError', 'Exception'])}):")
            self.block(depth + 1, i, 2)
        elif depth < 5:
            self.attempt(depth, i)
        else:
            self.put(depth, "pass")

    def attempt(self, depth, i):
        self.put(depth, "try:")
        self.block(depth + 1, i, 2)
        star = "*" if HAS_GROUPS and self.random.random() < 0.2 else ""
        has_handler = star or self.random.random() < 0.85
        if has_handler:
            self.put(depth, f"except{star} {self.random.choice(CATCHES)} as e:")
            after = self.random.choice(["pass", "raise", "raise e", "raise RuntimeError('again') from e", "raise Wrong(1)",
                                        "e.__traceback__", "block"])
            if after == "block" and not star:
                self.block(depth + 1, i, 2)
            else:
                self.put(depth + 1, "pass" if after == "block" else after)
        if not has_handler or self.random.random() < 0.3:
            self.put(depth, "finally:")
            self.block(depth + 1, i, 1)

    def call(self, depth, other):
        ways = {"def": ["f{o}()", "sorted([2, 1], key=f{o})", "list(map(f{o}, [1, 2]))", "max([1, 2], key=f{o})",
                        "[f{o}() for _ in range(2)]", "(lambda: f{o}())()", "functools.reduce(f{o}, [1, 2, 3])",
                        "type('T', (), {{'__getattr__': f{o}}})().x", "eval('f{o}()')", "exec('1 / 0')"],
                "gen": ["for _ in f{o}(): pass", "list(f{o}())", "g = f{o}(); next(g); g.throw(Wrong('thrown'))",
                        "g = f{o}(); next(g); g.close()", "sum(x for x in f{o}())"],
                "async": ["drive(f{o}())"]}[self.kinds[other]]
        self.put(depth, self.random.choice(ways).format(o=other))


def drive(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        return e.value


# --- by hand ---


def groups():
    raise ExceptionGroup("two", [ValueError(1), KeyError("k")])  # noqa: F821


async def tasks():
    async def failing(n):
        await asyncio.sleep(0)
        raise Coded("task", n)

    await asyncio.gather(*(failing(n) for n in range(3)), return_exceptions=True)
    sleeper = asyncio.ensure_future(asyncio.sleep(100))
    await asyncio.sleep(0)
    sleeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sleeper
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(100), 0.001)


def deep(n):
    if not n:
        raise Wrong("deep")
    try:
        deep(n - 1)
    finally:
        n += 1


def noted():
    e = Coded("noted", 5)
    if hasattr(e, "add_note"):
        e.add_note("look here")
    raise e


def again():
    """One exception, raised three times: it is one."""
    kept = None
    for _ in range(3):
        try:
            raise kept or Wrong("kept")
        except Wrong as e:
            kept = e


def by_hand():
    for function in (lambda: deep(20), noted, again, lambda: asyncio.run(tasks()), *([groups] if HAS_GROUPS else [])):
        with contextlib.suppress(Exception):
            function()


def end():
    raise End


def run(names):
    for name, value in list(names.items()):
        if name[0] == "f" and name[1:].isdigit():
            try:
                made = value()
                if hasattr(made, "__next__"):
                    list(made)
                elif hasattr(made, "send"):
                    drive(made)
            except BaseException:
                pass
    by_hand()


def main():
    seed, n = int(sys.argv[1]), int(sys.argv[2])
    source = "\n".join(Maker(seed, n).lines)
    names = {"contextlib": contextlib, "asyncio": asyncio, "functools": __import__("functools"), "drive": drive,
             "Wrong": Wrong, "Coded": Coded, "Outer": Outer, "Broken": Broken}
    exec(compile(source, "made.py", "exec"), names)
    asyncio.run(asyncio.sleep(0))  # what it imports, it has imported
    print("ready", flush=True)
    sys.stdin.readline()

    def traced():
        sys.settrace(trace)
        try:
            run(names)
            with contextlib.suppress(End):
                end()
        finally:
            sys.settrace(None)

    threads = [threading.Thread(target=traced) for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if not threads:
        traced()
    for tid, kind, args, line, function in seen:
        print(json.dumps({"at": "raise", "tid": tid, "type": kind, "args": args, "line": line, "function": function}))
    sys.stdout.flush()
    sys.stdin.readline()  # lines of code that is new are looked up in the process


main()
os._exit(0)  # up to 3.10 a KeyboardInterrupt that left a C call ends the program by SIGINT, though it was caught
