# SPDX-License-Identifier: GPL-2.0-only
"""Probes behind loads that can fail: a hit for each execution of the line, also where one does, with its values."""

import re
import signal
import sys

from harness import Counts, Target, Tracer, at, called, check, copy_of, each, equal, main, program, test, trace, until

SOURCE = "windows.c"
LOOK, DEEP, RATIO = (at(SOURCE, marker) for marker in ("look", "deep", "ratio"))
BOTH = (f'{LOOK} "{{tag}} {{at}}" as look', f'{DEEP} "{{tag}}" as deep')
COVERED = "or where it fails before)"
STATUS = {"null": signal.SIGSEGV, "unmapped": signal.SIGSEGV, "wild": signal.SIGSEGV, "cut": signal.SIGBUS}


def windows():
    return program(SOURCE)


def run(what, *arguments, points=BOTH, options=(), status=0, exact=False):
    """Its result; all probes of such lines are behind what can fail, or with --place exact none is."""
    result = trace([windows(), what, *map(str, arguments)], *points, options=("-v", *(("--place", "exact") if exact else ()), *options),
                   status=status)
    for counts in result.summary.values():
        equal(counts.lost, 0, "lost")
    equal(COVERED in result.err, not exact, f"probes behind what can fail ({result.err})")
    return result


def seen(result):
    return int(re.search(r"seen (\d+)", result.out)[1])


def messages(result, name):
    return [r["message"] for r in result.records if r["logpoint"] == name]


def tags(result, name):
    return [int(message.split()[0]) for message in messages(result, name)]


@each(*STATUS)
def crashes(pointer):
    """The line that a process dies in: its hit, with the values there; the same end as without a logpoint."""
    status = 128 + STATUS[pointer]
    result = run("die", pointer, status=status)
    exact = run("die", pointer, status=status, exact=True)
    equal(tags(result, "look"), [1, 2], "tags")
    equal(result.summary, exact.summary, "summary")
    check((pointer == "null") == messages(result, "look")[1].endswith("NULL"), f"pointer: {messages(result, 'look')}")
    if pointer == "wild":
        equal(messages(result, "look"), [messages(result, "look")[0], "2 0xdead000000000000"], "messages")


@test
def float_division():
    """Signals of floats, where a program has asked for them."""
    result = run("die", "not", points=(f'{RATIO} "{{tag}}" as ratio',), status=128 + signal.SIGFPE)
    equal(tags(result, "ratio"), [1, 2], "tags")


@test
def crashing_stack():
    """The stack of such a hit, and a logpoint on the crash itself after it."""
    points = (f'{LOOK} "{{tag}}" with stack as look', f'{DEEP} "{{tag}}" with stack as deep', "crash as it")
    result = run("die", "null", points=points, status=128 + signal.SIGSEGV)
    exact = run("die", "null", points=points, status=128 + signal.SIGSEGV, exact=True)
    equal([r["logpoint"] for r in result.records], ["look", "deep", "look", "it"], "records")
    for mine, other in zip(result.records, exact.records):
        equal(called(mine), called(other), f"the stack of {mine['logpoint']}")
        equal(mine["stack"][0]["line"], other["stack"][0]["line"], "line")


@each("null", "cut")
def default_again(pointer):
    """A handler that gives the signal back its meaning: the instruction fails twice, the line is executed once."""
    result = run("default", pointer, status=128 + STATUS[pointer])
    equal(tags(result, "look"), [1, 2], "tags")


@each("repair", "leave", "skip", "nested")
def handled(what):
    """Once, whether the handler returns there, behind it or not at all, or comes there itself."""
    result = run(what, 40)
    visits = seen(result)
    equal(visits, 120 if what == "nested" else 40, "visits")
    equal(result.counts("look"), Counts(hits=visits, logged=visits), "look")
    equal(result.counts("deep").hits, 0 if what == "leave" else visits, "deep")
    if what != "nested":
        equal(tags(result, "look"), list(range(40)), "tags")
    if what == "leave":
        equal(run(what, 40, exact=True).summary, result.summary, "where they are meant")


@test
def stepped():
    """Signals between the instructions of an execution that does not fail, after one that did: no return to it."""
    result = run("stepped", 30)
    equal(seen(result), 60, "visits")
    equal(tags(result, "look"), list(range(60)), "tags")


@each("both", "shaken")
def threads(what):
    """All of it at once, in threads; with a timer's signals between the instructions, too."""
    result = run(what, 300, 5)
    equal(seen(result), 4500, "visits")
    equal(result.counts("look"), Counts(hits=4500, logged=4500), "look")
    equal(result.counts("deep"), Counts(hits=3000, logged=3000), "deep")
    equal(sorted(tags(result, "look")), sorted(5 * list(range(900))), "tags")


@test
def clauses():
    """Conditions, hit counts, limits: decided as at the probe, in order."""
    wanted = {
        f'{LOOK} "{{tag}}" if tag % 3 == 1 as left': list(range(1, 300, 3)),
        f'{LOOK} "{{tag}}" if tag == 30 or tag == 31 as some': [30, 31],
        f'{LOOK} "{{tag}}" hit % 50 as fiftieth': list(range(49, 300, 50)),
        f'{LOOK} "{{tag}}" hit 8 as eighth': [7],
        f'{LOOK} "{{tag}}" max 5 as few': [0, 1, 2, 3, 4],
        f'{LOOK} "{{tag}}" after eighth max 2 as then': None,
        f'{LOOK} "{{tag}}" as each': list(range(300)),
    }
    result = run("both", 100, points=tuple(wanted))
    for point, numbers in wanted.items():
        name = point.split()[-1]
        if numbers is not None:
            equal(tags(result, name), numbers, name)
        if name not in ("few", "then"):
            equal(result.counts(name).hits, 300, f"hits of {name}")
    equal(len(messages(result, "then")), 2, "records of then")


@test
def taken_out():
    """One of two at the same line is full and goes, while the other stays."""
    result = run("both", 400, points=(f'{LOOK} "{{tag}}" max 20 as few', f'{LOOK} "{{tag}}" as each'))
    equal(tags(result, "few"), list(range(20)), "few")
    equal(result.counts("each").hits, 1200, "each")


@each("return", "call")
def calls(kind):
    """An entry that fails: the call counts where it returns, and has its arguments as they were."""
    shown = "{$return}" if kind == "return" else "{tag} {$return}"
    for what, want in (("repair", 40), ("leave", 0), ("both", 80)):
        result = run(what, 40, points=(f'{kind} look "{shown}" as it',))
        equal(result.counts("it").hits, want, what)
        for message in messages(result, "it"):
            check(len(set(message.split())) == 1, f"argument and result: {message}")


@test
def library():
    """In a library that is loaded later."""
    made = program(SOURCE, flags=("-shared", "-fPIC"), name="libwindows.so")
    target = Target(windows(), "library", made)
    tracer = Tracer(target, *BOTH)
    target.go()
    until(lambda: "in " + str(made) in tracer.errors(), "the library to be armed")
    target.go()
    equal(target.finish()[0], 0, "status")
    result = tracer.finish()
    equal(result.counts("look").hits, 60, "look")
    equal(result.counts("deep").hits, 40, "deep")


@each(1, 4)
def copies(threads):
    """Two files with the same code, and one logpoint in both: each hit is of one of them, while other threads change mappings, too."""
    paths = [copy_of(windows(), name) for name in ("one", "two")]
    targets = [Target(path, "both", "50", str(threads)) for path in paths]
    tracer = Tracer(targets, f'{LOOK} "{{tag}}" with stack as look')
    for target in targets:
        target.go()
    for target in targets:
        equal(target.finish()[0], 0, "status")
    result = tracer.finish()
    equal(result.counts("look"), Counts(hits=300 * threads, logged=300 * threads), "look")
    for target in targets:
        mine = [r for r in result.records if r["pid"] == target.pid]
        by_thread = {tid: [int(r["message"]) for r in mine if r["tid"] == tid] for tid in {r["tid"] for r in mine}}
        equal(len(by_thread), threads, "threads")
        for tid, tags in by_thread.items():
            equal(tags, list(range(150)), f"tags of thread {tid}")
        equal({called(r)[0] for r in mine}, {"look"}, "the innermost function")


if __name__ == "__main__":
    sys.exit(main())
