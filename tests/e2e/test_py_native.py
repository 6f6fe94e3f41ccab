# SPDX-License-Identifier: GPL-2.0-only
"""Python and native code in one process: interpreters inside of programs, extensions inside of Python."""

import os
import subprocess
import sys

from harness import Target, Tracer, at, called, check, equal, main, program, skip, test, until
from interpreters import FOLDER, SYSTEM, VERSION, Program, extension, values, where


def python_config(*wanted):
    tool = f"/usr/bin/python{VERSION}-config"
    if not os.path.exists(tool):
        skip(f"{tool} is not installed")
    return subprocess.run([tool, *wanted], capture_output=True, text=True, check=True).stdout.split()


def built(source, *flags, libs=(), **rest):
    return program(source, flags=(*python_config("--includes"), *flags), libs=libs, **rest)


POINTS = (where("embedded.py", "total") + ' "{self.name} {number}" as line if number % 10 == 3',
          'call order "{number} {$return}" as call', "entry embed_run as native")


def armed(tracer, *names):
    for name in names:
        until(lambda: f"armed: {name} " in tracer.errors() or not tracer.alive(), f"{name} to be armed: {tracer.errors()[-1500:]}")


def shown(result, pid, native):
    equal([list(v.values()) for v in values(result, "line")], [["b\u00fccher", n] for n in range(3, 100, 10)], "lines")
    equal([list(v.values()) for v in values(result, "call")], [[n, n * 3] for n in range(100)], "calls")
    equal({r["pid"] for r in result.records}, {pid}, "process")
    equal({r["function"] for r in result.records if r["logpoint"] != "native"}, {"Shop.order"}, "function")
    for name, hits in (("line", 100), ("call", 100), ("native", native)):
        equal((result.counts(name).hits, result.counts(name).lost), (hits, 0), f"hits of {name}")


@test
def embedded():
    """An interpreter that a C program is linked with."""
    path = built("embed.c", *python_config("--embed", "--ldflags"), libs=python_config("--embed", "--ldflags"))
    target = Target(path, FOLDER / "embedded.py")
    tracer = Tracer(target, *POINTS)
    target.go()
    equal(target.finish()[0], 0, "exit status")
    shown(tracer.finish(), target.pid, 0)


@test
def loaded():
    """One that it loads later, for itself alone."""
    library = f"/usr/lib/x86_64-linux-gnu/libpython{VERSION}.so.1.0"
    if not os.path.exists(library):
        skip(f"{library} is not installed")
    target = Target(program("embed.c", flags=("-DLOADED",), name="loaded"), FOLDER / "embedded.py", "dlopen", library)
    tracer = Tracer(target, *POINTS)
    check("1 of 3 logpoints armed" in tracer.errors(), tracer.errors())
    target.go()
    armed(tracer, "line", "call")
    target.go()
    equal(target.finish()[0], 0, "exit status")
    shown(tracer.finish(), target.pid, 1)


@test
def forked():
    """One that was made before the process forked, and runs what only the child has."""
    path = built("embed.c", libs=python_config("--embed", "--ldflags"))
    target = Target(path, FOLDER / "embedded.py", "fork")
    tracer = Tracer(target, *POINTS, options=["--follow"])
    target.go()
    armed(tracer, "line", "call")
    target.go()
    status, out = target.finish()
    equal(status, 0, "exit status")
    child = int(out.split('"pid": ')[1].split(",")[0])
    check(child != target.pid, "it has forked")
    shown(tracer.finish(), child, 1)


@test
def in_an_extension():
    """A line of Python, the C function that it calls, and the next line: counts and order."""
    if not SYSTEM:
        skip("no /usr/bin/python3")
    times = 500
    python = SYSTEM[0][1]
    target = Program(python, "mixed.py", extension(python), times)
    tracer = Tracer(target, where("mixed.py", "call") + ' "{number}" as before', where("mixed.py", "after") + ' "{total}" as after',
                    'entry scaled "{scale->factor} {scale->name} {number}" as c with stack', 'return scaled "{$return}" as back',
                    at("extension.c", "scaled") + ' "{result}" as line if result % 2 == 0', 'call price "{number} {$return}" as price')
    target.go()
    status, out = target.finish()
    equal((status, out.split()), (0, [str(sum(n * 3 + 1 for n in range(times)))]), "what it prints")
    result = tracer.finish()
    want = {"before": [[n] for n in range(times)], "after": [[n * 3] for n in range(times)],
            "c": [[3, f"item {n}", n] for n in range(times)], "back": [[n * 3] for n in range(times)],
            "line": [[n * 3] for n in range(0, times, 2)], "price": [[n, n * 3 + 1] for n in range(times)]}
    for name, rows in want.items():
        equal([list(v.values()) for v in values(result, name)], rows, name)
        equal((result.counts(name).hits, result.counts(name).lost), (times, 0), f"hits of {name}")
    equal(result.counts("all").hits, 6 * times, "hits in all")
    turn = [r["logpoint"] for r in result.records]
    equal(turn, [name for n in range(times) for name in
                 (("before", "c", "line", "back", "after", "price") if n % 2 == 0 else ("before", "c", "back", "after", "price"))],
          "order of records")
    equal([r["time"] for r in result.records], sorted(r["time"] for r in result.records), "times")
    equal(called(next(r for r in result.records if r["logpoint"] == "c")), ["scaled", "py_scale", "price", "<genexpr>", "<module>"], "stack")


sys.exit(main())
