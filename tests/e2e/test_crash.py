# SPDX-License-Identifier: GPL-2.0-only
"""Signals that end a process: what, where, with which variables; and nothing else of it changes."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

from harness import (Target, Tracer, called, check, equal, frames, line, logpoint, main, program, scratch, skip, test, trace, until)
from interpreters import ALL, FOLDER, SYSTEM, Program, extension, line_of

SOURCE = "crashes.c"
SIZE = {"total": 42000, "city": "paris", "number": 42}


def built(**options):
    return program(SOURCE, **options)


def frame(record, function):
    found = [f for f in frames(record) if f["function"] == function]
    check(found, f"no frame of {function} in {called(record)}")
    return found[0]


def has_order(record, number=42):
    """The order is in work()'s frame, with the values that the program has printed."""
    order = frame(record, "work")["locals"]["order"]
    equal({key: order[key] for key in SIZE}, {**SIZE, "number": number, "total": number * 1000}, "order")


#  how          signal     code           function     line       has an address
WAYS = {
    "segv":     ("SIGSEGV", "SEGV_MAPERR", "at_null", "segv", True),
    "accerr":   ("SIGSEGV", "SEGV_ACCERR", "read_only", "accerr", True),
    "fpe":      ("SIGFPE", "FPE_INTDIV", "divide", "fpe", True),
    "bus":      ("SIGBUS", "BUS_ADRERR", "bus", "bus", True),
    "ill":      ("SIGILL", "ILL_ILLOPN", "illegal", "ill", True),
    "abort":    ("SIGABRT", "SI_TKILL", "by_abort", "abort", False),
    "assert":   ("SIGABRT", "SI_TKILL", "by_assert", "assert", False),
    "free":     ("SIGABRT", "SI_TKILL", "by_free", "free", False),
    "pointer":  ("SIGSEGV", "SEGV_MAPERR", "by_pointer", "pointer", True),
    "overflow": ("SIGSEGV", "SEGV_MAPERR", "recurse", None, True),
    "kill":     ("SIGSEGV", "SI_USER", "by_kill", None, False),
    "ignored":  ("SIGSEGV", "SEGV_MAPERR", "at_null", "segv", True),
}
MESSAGES = {"assert": "Assertion `o->number == depth' failed.", "free": "free(): invalid pointer"}
SURVIVE = {"handled": 3, "survives": 4}


def check_way(how, target, record):
    name, code, function, marker, has_addr = WAYS[how]
    what = record["signal"]
    equal((what["name"], what["number"], what["code"]), (name, getattr(signal, name), code), f"{how}: signal")
    equal("addr" in what, has_addr, f"{how}: has an address")
    equal(what.get("pid"), None if has_addr else target.pid, f"{how}: sender")
    if marker:
        equal((record["function"], record["line"]), (function, line(SOURCE, marker)), f"{how}: place")
        equal(pathlib.Path(record["file"]).name, SOURCE, f"{how}: file")
        own = frame(record, function)["locals"]
        equal(own.get("depth", 7), 7, f"{how}: depth")
        has_order(record)
    check(record["message"].startswith(f"{name} ({code})"), record["message"])
    check(MESSAGES.get(how, "") in what.get("message", "") and ("message" in what) == (how in MESSAGES), f"{how}: {what}")
    check(MESSAGES.get(how, "") in record["message"], record["message"])
    check(record["registers"]["rip"] != "0x0" or how == "pointer", f"{how}: registers")


@test
def ways():
    """Each way to die, of programs that run: who handles or survives it has not crashed."""
    targets = {how: Target(built(), how) for how in [*WAYS, *SURVIVE]}
    tracer = Tracer(list(targets.values()), "crash")
    for target in targets.values():
        target.go()
    for how, target in targets.items():
        status = target.wait()
        equal(status, SURVIVE.get(how) or -getattr(signal, WAYS[how][0]), f"{how}: exit status")
    result = tracer.finish()
    by_pid = {}
    for record in result.records:
        by_pid.setdefault(record["pid"], []).append(record)
    for how, target in targets.items():
        records = by_pid.pop(target.pid, [])
        equal(len(records), how in WAYS, f"{how}: records")
        if records:
            check_way(how, target, records[0])
    equal(by_pid, {}, "records of others")
    counts = result.counts("crash")
    equal((counts.hits, counts.logged), (len(WAYS), len(WAYS)), "hits")

    records = {how: next(r for r in result.records if r["pid"] == t.pid) for how, t in targets.items() if how in WAYS}
    equal(records["segv"]["signal"]["addr"], "0x8", "address")
    equal(records["segv"]["registers"]["rip"][:2], "0x", "instruction pointer")
    equal(frame(records["fpe"], "divide")["locals"]["by"], 0, "divisor")
    deep = records["overflow"]["stack"]
    check(len(deep) > 3 and all(f["function"] == "recurse" for f in deep[:3]), "a stack of what has overflown it")
    check(deep[0]["locals"]["depth"] > 100, deep[0])
    check("unreadable" in str(records["overflow"].get("errors")), f"what can't be read: {records['overflow'].get('errors')}")
    check(deep[-1] == {"function": "..."}, f"it goes on: {deep[-1]}")
    equal(called(records["pointer"])[0], "by_pointer", "who has called nothing")


@test
def threads():
    """Another thread than the main one; several at once are one crash of the process."""
    one, many = Target(built(), "-t", "3", "segv"), [Target(built(), "-t", "4", "at_once") for _ in range(4)]
    tracer = Tracer([one, *many], "crash")
    for target in (one, *many):
        target.go()
        equal(target.wait(), -signal.SIGSEGV, "exit status")
    result = tracer.finish()
    equal(sorted(r["pid"] for r in result.records), sorted(t.pid for t in (one, *many)), "one record each")
    equal(result.counts("crash").hits, 5, "hits")
    record = next(r for r in result.records if r["pid"] == one.pid)
    check(record["tid"] != one.pid and record["comm"] == "worker", f"thread {record['tid']} {record['comm']}")
    has_order(record)
    for record in result.records:
        has_order(record, frame(record, "work")["locals"]["order"]["number"])


@test
def at_once_after_start():
    """A command that dies in its first millisecond: its libraries are known all the same."""
    for how in ("free", "segv"):
        result = trace([built(), how], "crash", status=128 + getattr(signal, WAYS[how][0]), stdin=subprocess.DEVNULL)
        equal(len(result.records), 1, how)
        name, code, function, marker, _ = WAYS[how]
        record = result.records[0]
        equal((record["signal"]["name"], record["function"], record["line"]), (name, function, line(SOURCE, marker)), how)
        check(MESSAGES.get(how, "") in record["signal"].get("message", ""), record["signal"])
        has_order(record)


@test
def children():
    """A forked child that dies at once, and a process that is started later."""
    target = Target(built(), "-f", "segv")
    tracer = Tracer(target, "crash", options=["--follow"])
    target.go()
    equal(target.finish()[0], 0, "exit status of the parent")
    result = tracer.finish()
    equal((len(result.records), result.counts("crash").hits), (1, 1), "records")
    check(result.records[0]["pid"] != target.pid, "the child's")
    equal(result.records[0]["line"], line(SOURCE, "segv"), "line")
    has_order(result.records[0])

    tracer = Tracer(None, "crash", target=["-x", built()])
    later = Target(built(), "fpe")
    until(lambda: f"process {later.pid} runs" in tracer.errors(), "it to be noticed")
    later.go()
    equal(later.wait(), -signal.SIGFPE, "exit status")
    tracer.wait_records(1)
    result = tracer.finish(interrupt=True)
    equal([(r["pid"], r["line"]) for r in result.records], [(later.pid, line(SOURCE, "fpe"))], "record")
    has_order(result.records[0])


@test
def named():
    """Signals by name, sent by somebody; conditions and templates."""
    targets = [Target(built(), *threads, "wait") for threads in ([], ["-t", "3"], [], [])]
    points = ('crash SIGTERM, SIGUSR1 "{$signal} {$code=} {$sender} {$addr}" as each',
              f'crash SIGTERM "{{$sender:d}}" if $signal == SIGTERM and $sender == {os.getpid()} as mine',
              'crash SIGTERM if $code == SI_KERNEL as none', 'crash SIGTERM if $addr > 0 as nowhere',
              'crash SIGUSR1 if $signal in [SIGUSR1, SIGUSR2] and $code != SI_TKILL as usr')
    tracer = Tracer(targets, *points)
    for target in targets:
        target.go()
        until(lambda: "wait_for_it" in target.text(), "it to wait")
    for target, number in zip(targets, (signal.SIGTERM, signal.SIGTERM, signal.SIGUSR1, signal.SIGKILL)):
        os.kill(target.pid, number)
        equal(target.wait(), -number, "exit status")
    result = tracer.finish()
    said = {name: [(r["pid"], r["message"]) for r in result.records if r["logpoint"] == name] for name in ("each", "mine", "usr")}
    own = os.getpid()
    equal(said["each"], [(targets[0].pid, f"SIGTERM $code=SI_USER {own} <no address>"),
                        (targets[1].pid, f"SIGTERM $code=SI_USER {own} <no address>"),
                        (targets[2].pid, f"SIGUSR1 $code=SI_USER {own} <no address>")], "each")
    equal(said["mine"], [(targets[0].pid, str(own)), (targets[1].pid, str(own))], "mine")
    equal([m for _, m in said["usr"]], [f"SIGUSR1 (SI_USER) from process {own}"], "usr")
    for name, hits, logged in (("each", 3, 3), ("mine", 2, 2), ("none", 2, 0), ("nowhere", 2, 0), ("usr", 1, 1)):
        equal((result.counts(name).hits, result.counts(name).logged), (hits, logged), name)
    equal({r["function"] for r in result.records if r["pid"] == targets[0].pid}, {"wait_for_it"}, "function")


@test
def limits():
    """hit, max and what is said of mistakes."""
    targets = [Target(built(), "segv") for _ in range(3)]
    tracer = Tracer(targets, "crash hit 2 as second", "crash max 1 as first")
    for target in targets:
        target.go()
        target.wait()
    result = tracer.finish()
    equal([(r["logpoint"], r["pid"]) for r in result.records],
          [("first", targets[0].pid), ("second", targets[1].pid)], "records")
    equal((result.counts("second").hits, result.counts("second").filtered), (3, 2), "second")
    for point, said in (("crash SIGCHLD", "no signal 'SIGCHLD' that ends a process"), ("crash SIGSEGF", "SIGSEGV"),
                        ('crash "{x}"', "unknown name 'x'"), ("crash if $code == 1", "compared with a name"),
                        ('entry main "{$signal}"', "'crash' only")):
        status, _, err = logpoint(point, "--", built(), "handled")
        check(status == 2 and said in err, f"{point}: {status} {err}")


def ended(traced):
    """The wait status of a program that crashes where cores are allowed, and its core file's size."""
    folder = scratch(f"core{traced}")
    folder.mkdir()

    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    target = Target(built(), "-t", "2", "abort", cwd=folder, preexec_fn=allow)
    tracer = Tracer(target, "crash") if traced else None
    target.go()
    _, status = os.waitpid(target.pid, 0)
    if tracer:
        equal(len(tracer.finish().records), 1, "records")
    cores = [f.stat().st_size for f in folder.iterdir()]
    return status, cores


@test
def core():
    """Exit status and core file are as without us."""
    alone, traced = ended(False), ended(True)
    equal(traced[0], alone[0], "wait status")
    check(os.WIFSIGNALED(alone[0]) and os.WTERMSIG(alone[0]) == signal.SIGABRT, f"status {alone[0]}")
    equal(len(traced[1]), len(alone[1]), "core files")
    for a, b in zip(alone[1], traced[1]):
        check(abs(a - b) <= a // 10, f"core of {b} bytes instead of {a}")


@test
def text():
    """One line, whatever happens."""
    target = Target(built(), "assert")
    tracer = Tracer(target, "crash", form="text")
    target.go()
    target.wait()
    rows = tracer.finish().raw.splitlines()
    equal(len(rows), 1, f"lines: {rows}")
    check(re.search(r" crash SIGABRT \(SI_TKILL\) from process \d+: .*by_assert: Assertion `o->number == depth' failed\. \| ", rows[0]), rows[0])
    check(f"< by_assert {SOURCE}:{line(SOURCE, 'assert')} [" in rows[0], rows[0])


def check_python(record, thread):
    """C's frames, then Python's, each with its variables."""
    number = 43 if thread else 42
    equal((record["signal"]["name"], record["function"], record["line"]), ("SIGSEGV", "at_null", line(SOURCE, "segv")), "place")
    has_order(record, number)
    names = called(record)
    want = ["at_null", "work", "crash_here", "charge", "handle"] + ([] if thread else ["main", "<module>"])
    equal([n for n in names if n in want], want, f"functions of {names}")
    charge, handle = frame(record, "charge"), frame(record, "handle")
    equal(charge["line"], line_of("crashing.py", "crash"), "line of charge")
    equal(handle["line"], line_of("crashing.py", "handle"), "line of handle")
    equal(pathlib.Path(charge["file"]), FOLDER / "crashing.py", "file")
    equal((charge["locals"]["factor"], charge["locals"]["total"]), (7, 35), "locals of charge")
    equal((handle["locals"]["number"], handle["locals"]["note"]), (number, "z\u00fcrich"), "locals of handle")
    check("pear" in str(charge["locals"]["order"]), charge["locals"])


@test
def python():
    """C code that every interpreter calls, on the main thread and on another."""
    if not ALL:
        skip("no CPython")
    library = built(flags=("-fPIC", "-shared"), name="libcrashes.so")
    targets = [(name, thread, Program(path, "crashing.py", library, "segv", *(["thread"] if thread else [])))
               for name, path in ALL for thread in (False, True)]
    tracer = Tracer([t for _, _, t in targets], "crash")
    for name, thread, target in targets:
        target.go()
        equal(target.wait(), -signal.SIGSEGV, f"{name}: exit status")
    result = tracer.finish()
    equal(result.counts("crash").hits, len(targets), "hits")
    for name, thread, target in targets:
        records = [r for r in result.records if r["pid"] == target.pid]
        equal(len(records), 1, f"{name}: records")
        try:
            check_python(records[0], thread)
        except Exception as why:
            raise type(why)(f"{name}{' thread' if thread else ''}: {why}") from None


@test
def in_an_extension():
    """A C extension of the system's Python, and a script that is started under us."""
    if not SYSTEM:
        skip("no /usr/bin/python3")
    python = SYSTEM[0][1]
    script = "import sys; sys.path.insert(0, sys.argv[1]); import extension\ndef spoil(number):\n    extension.spoil(number)\nspoil(5)\n"
    path = scratch("spoiling.py")
    path.write_text(script)
    result = trace([python, path, extension(python)], "crash", status=128 + signal.SIGSEGV)
    equal(len(result.records), 1, f"records ({result.err})")
    record = result.records[0]
    equal((record["function"], record["line"]), ("spoiled", line("extension.c", "spoiled")), "place")
    equal(frame(record, "spoiled")["locals"]["number"], 5, "number")
    equal((frame(record, "spoil")["line"], frame(record, "spoil")["locals"]), (3, {"number": 5}), "Python's frame")


sys.exit(main())
