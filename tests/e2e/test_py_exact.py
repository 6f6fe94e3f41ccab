# SPDX-License-Identifier: GPL-2.0-only
"""Hits of Python lines are exact; who is killed leaves nothing; what comes later is armed."""

import os
import random
import re
import signal
import subprocess
import sys
import time

from harness import (ARMED, LOGPOINT, Process, Tracer, bpf_alive, bpf_objects, check, equal, main, note, trace, until)
from interpreters import ALL, FOLDER, SYSTEM, Program, every, minor, values, watch, where

EVERY = every(ALL)
STEP = where("counts.py", "step")
HITS = int(os.environ.get("TEST_HITS", "100000"))  # an emulated machine is slow
SOME = HITS // 5  # in modes that are slow


def at_once(what):
    """As many as there are watchpoints; all, where none ever hits and the interpreter's loop is probed."""
    said = subprocess.run([LOGPOINT, "check"], capture_output=True, text=True, check=False).stdout
    n = len(what) if re.search(r"watchpoint.*none ever hits", said) else 4
    return [what[i:i + n] for i in range(0, len(what), n)]


def count(path, hits, threads, mode=""):
    args = [hits, threads, *([mode] if mode else [])]
    target, result = watch(path, "counts.py", STEP + ' "{number} {value}" hit % 100 as step', args=args)
    got = result.counts("step")
    equal((got.hits, got.lost), (hits, 0), f"hits and lost with {args}")
    equal(len(result.records), hits // 100, "records")
    return target, result


@EVERY
def one_thread(name, path):
    """Cold and hot: before and after the interpreter has specialised the code."""
    _, result = count(path, HITS, 1)
    equal([list(v.values()) for v in values(result)], [[n, n] for n in range(99, HITS, 100)], "values")


@EVERY
def several_threads(name, path):
    count(path, HITS // 2, 4)


@EVERY
def under_settrace(name, path):
    """Somebody else's trace function is there: line events and hits are the same number."""
    target, _ = count(path, SOME, 2, "settrace")
    equal(target.said("end")[0]["seen"], SOME, "line events")


@EVERY
def called_in_all_ways(name, path):
    """By code of all kinds, under a trace function, and when that is gone: each call is an entry."""
    calls = SOME // 60 * 6
    target, result = watch(path, "ways.py", 'entry step "{number}" as entry', 'return step "{$return}" as back', args=(calls, "settrace"))
    equal(target.said("end")[0]["seen"], calls, "call events")
    for point in ("entry", "back"):
        equal((result.counts(point).hits, result.counts(point).lost), (2 * calls, 0), point)


@EVERY
def under_setprofile(name, path):
    count(path, SOME, 1, "profile")


@every([pair for pair in ALL if minor(pair[0]) >= 12])
def under_monitoring(name, path):
    target, _ = count(path, SOME, 2, "monitoring")
    equal(target.said("end")[0]["seen"], SOME, "line events")


@EVERY
def with_garbage_collection(name, path):
    count(path, SOME, 2, "gc")


@EVERY
def false_conditions(name, path):
    _, result = watch(path, "counts.py", STEP + ' "{number}" if number % 100 == 0 and value >= 0 as step', args=(HITS, 1))
    got = result.counts("step")
    equal((got.hits, got.logged, got.filtered, got.lost), (HITS, HITS // 100, HITS - HITS // 100, 0), "counts")
    equal([v["number"] for v in values(result)], list(range(0, HITS, 100)), "values")


@EVERY
def lines_of_one_header(name, path):
    """A loop's header over two lines: a logpoint on the one changes nothing for the other."""
    line, items = where("headers.py", "for"), where("headers.py", "items")
    _, alone = watch(path, "headers.py", f'{line} "{{first}}" as line')
    _, both = watch(path, "headers.py", f'{line} "{{first}}" as line', f'{items} "{{second}}" as items')
    equal(both.counts("line").hits, alone.counts("line").hits, "hits beside another logpoint")
    # each loop starts once, and comes back for each of three values and to find that there is none
    equal(alone.counts("line").hits, 20 * (1 + 3), "hits")
    equal(both.counts("items").hits, 20, "hits of the other line")


@EVERY
def imported_later(name, path):
    """A module that is imported, and loaded again, arms itself; other code in its memory is never taken for it."""
    target = Program(path, "later.py")
    tracer = Tracer(target, 'fresh_module.py:2 "{name} {times}" as line', 'entry greet "{times}" as entry')
    check("pending" in tracer.errors(), f"pending: {tracer.errors()}")
    target.go()
    until(lambda: target.said("imported"), "the import")
    until(lambda: len(re.findall(r"^(?:logpoint: )?armed: ", tracer.errors(), re.M)) >= 2, "the new module to be armed")
    target.go()
    until(lambda: target.said("reloaded"), "the reload")
    until(lambda: len(re.findall(r"^(?:logpoint: )?armed: ", tracer.errors(), re.M)) >= 4, "the module to be armed again")
    target.go()
    target.finish()
    result = tracer.finish()
    want = [["a", n] for n in range(10)] + [["b", n] for n in range(10, 20)]
    equal([list(v.values()) for v in values(result, "line")], want, "lines")
    equal([v["times"] for v in values(result, "entry")], list(range(20)), "entries")


@EVERY
def results_just_computed(name, path):
    """A function returns what the instruction before has computed, and no older value."""
    times = 12
    kinds = re.findall(r"def give_(\w+)", (FOLDER / "late.py").read_text())
    for some in at_once(kinds):
        target, result = watch(path, "late.py", *(f'return give_{kind} "{{$return}}" as {kind}' for kind in some), args=(times,))
        for kind in some:
            want = [row["value"] for row in target.said(f"give_{kind}")]
            got = [v["$return"] for v in values(result, kind)]
            equal(got, want, f"results of {kind}")


@EVERY
def values_just_stored(name, path):
    """A line sees all that the line before has changed."""
    times = 12
    new = [n + 1000 for n in range(times)]
    what = [("local", "local", new), ("attribute", "thing.value", new), ("item", "items[0]", new), ("append", "items[2]", new),
            ("cell", "cell", new), ("other", "thing.other", new), ("pair", "a", list(range(times))), ("swap", "a", new)]
    for some in at_once(what):
        _, result = watch(path, "late.py", *(f'{where("late.py", mark)} "{{{text}}}" as {mark}' for mark, text, _ in some),
                          args=(times,))
        for mark, text, want in some:
            equal([v[text] for v in values(result, mark)], want, f"{text} at {mark}")


@EVERY
def interrupted_loops(name, path):
    """Signals and other threads break into a loop where it jumps back: each line is hit once all the same."""
    hits = SOME // 100 * 100
    _, result = watch(path, "interrupted.py", f"{where('interrupted.py', 'condition')} hit % 100 as condition",
                      f"{where('interrupted.py', 'body')} hit % 100 as body", args=(hits,))
    equal(result.counts("condition").hits, hits // 100 * 101, "hits of the condition")
    equal(result.counts("body").hits, hits, "hits of the body")


def begin_with_loops(path, calls, threads, mode, *more):
    """Functions that begin with a loop are hit by calls, not by rounds: (program, result)."""
    points = ('entry spin "{n} {rounds}" as spin', 'return spin "{$return}" as back', 'entry fail "{n}" as fail',
              'entry flow "{n}" as flow', 'call dive "{n} {rounds} {$return} {$elapsed}" as dive', 'return wait "{$return}" as wait')
    target, result = watch(path, "rounds.py", *points, *more, args=(calls, threads, mode))
    wanted = {"spin": calls, "back": calls, "fail": calls, "flow": calls, "dive": 2 * calls, "wait": calls}
    for point, hits in wanted.items():
        got = result.counts(point)
        equal((got.hits, got.logged, got.lost), (hits, hits, 0), f"hits of {point} {mode}")
    return target, result


@EVERY
def functions_that_are_loops(name, path):
    calls = SOME // 10
    _, result = begin_with_loops(path, calls, 1, "")
    equal([tuple(v.values()) for v in values(result, "spin")], [(n, n % 7) for n in range(calls)], "arguments")
    for point in ("flow", "fail"):
        equal([v["n"] for v in values(result, point)], list(range(calls)), f"arguments of {point}")
    for point in ("back", "wait"):
        equal([v["$return"] for v in values(result, point)], list(range(calls)), f"results of {point}")
    dives = [[v["n"], v["rounds"], v["$return"]] for v in values(result, "dive")]
    equal(dives, [row for n in range(calls) for row in ([-1, 1, -1], [n, 4, n])], "calls of dive")
    check(all(v["$elapsed"] > 0 for v in values(result, "dive")), "times that calls took")


@every([pair for pair in ALL if minor(pair[0]) != 11])  # up to 3.10 there is no RESUME; from 3.12 on it can begin twice
def functions_that_are_loops_otherwise(name, path):
    """With several threads; under somebody's trace function; up to where no more calls are possible."""
    begin_with_loops(path, SOME // 50, 4, "")
    target, _ = begin_with_loops(path, SOME // 100, 2, "settrace")
    equal(target.said("end")[0]["seen"], SOME // 100, "call events")
    begin_with_loops(path, SOME // 100, 2, "profile")
    target, result = begin_with_loops(path, 4, 1, "deep", 'entry enough "{n}" as enough')
    depth = target.said("deep")[0]["depth"]
    check(depth > 100 and [v["n"] for v in values(result, "enough")] == list(range(depth)), f"{depth} calls up to the limit")


@EVERY
def in_subinterpreters(name, path):
    """A thread goes from one interpreter to another and back: each is seen where it is, with its own objects."""
    times = 40
    line = where("nested_module.py", "nested")
    target = Program(path, "nested.py", times)
    tracer = Tracer(target, line + ' "{thing} {text} {number} {isinstance(thing, Thing)}" if number >= 0 as line',
                    'call step "{who} {number} {$return[1]}" as call')
    target.go()
    until(lambda: target.said("prepared"), "two more interpreters")
    until(lambda: len(re.findall(r"^(?:logpoint: )?armed: ", tracer.errors(), re.M)) >= 4, "them to be armed")
    target.go()
    target.finish()
    result = tracer.finish()
    want = {"early": range(times), "thread": range(times), "first": range(times), "second": range(times, 2 * times),
            "main": range(2 * times)}
    for point in ("line", "call"):
        got = {}
        for v in values(result, point):
            who, number = v["who"] if point == "call" else v["thing"]["who"], v["number"]
            equal(v["$return[1]" if point == "call" else "text"], f"{who} {number}", f"the text at {point}")
            check(point == "call" or v["isinstance(thing, Thing)"] is True, f"class of {who}'s")
            got.setdefault(who, []).append(number)
        equal({who: sorted(numbers) for who, numbers in got.items()}, {who: list(numbers) for who, numbers in want.items()},
              f"hits of {point}")
    check(all(result.counts(point).lost == 0 for point in ("line", "call")), "none is lost")


@EVERY
def forked_children(name, path):
    """Children are targets with --follow only; their threads, too."""
    times = 50
    for options, want in (((), {"parent": 2}), (("--follow",), {"parent": 2, "first": 2, "second": 2})):
        _, result = watch(path, "forks.py", f"{where('forks.py', 'step')} \"{{who}} {{number}}\" as step", args=(times,),
                          options=options)
        got = [v["who"] for v in values(result)]
        equal({who: got.count(who) for who in set(got)}, {who: n * times for who, n in want.items()}, f"hits with {options}")
        equal(result.counts("step").hits, len(got), "hits in all")


@EVERY
def orphans(name, path):
    """What a child has of its parent is still watched when the parent is gone, also when it has made code since."""
    times = 20
    target = Program(path, "orphans.py", times)
    tracer = Tracer(target, f"{where('orphans.py', 'step')} \"{{number}}\" as step", 'raise KeyError "{$exc.args[0]}" as raised',
                    options=("--follow",))
    target.go()
    until(lambda: target.said("forked"), "the child")
    target.go()
    until(lambda: f"process {target.pid} has ended" in tracer.errors(), "the parent's end")
    target.go()
    until(lambda: target.said("end"), "the child's end")
    result = tracer.finish()
    for point in ("step", "raised"):
        got = [int(*v.values()) for v in values(result, point)]
        equal(got, list(range(3 * times)), f"values of {point}")


@EVERY
def more_lines_than_slots(name, path):
    """A fifth line is watched in another way or refused; never silently left out."""
    target = Program(path, "expressions.py")
    lines = [n for n, text in enumerate(open(target.command[-1] if target.command[-1].endswith(".py")
                                             else target.command[1]), 1) if "nested = {" in text or "user = Admin" in text]
    points = [f'expressions.py:{n} "{{number}}" as p{n}' for n in lines] + [
        f"{where('expressions.py', 'visit')} \"{{number}}\" as visit", 'entry run "{number}" as run',
        'return run "{number}" as back', 'entry User.__init__ "{number}" as user']
    tracer = Tracer(target, *points, armed=False)
    until(lambda: re.search(ARMED, tracer.errors(), re.M) or not tracer.alive(), "an answer")
    if not tracer.alive():
        equal(tracer.popen.returncode, 1, "exit status")
        check(re.search(r"watchpoint", tracer.errors()), f"the reason: {tracer.errors()}")
        target.go()
        equal(target.finish()[0], 0, "exit status of the program")
        return
    target.go()
    target.finish()
    result = tracer.finish()
    for point in result.summary:
        if point != "all":
            equal(result.counts(point).hits, 20, f"hits of {point}")


@EVERY
def made_again_and_again(name, path):
    """Code from text, freed and made anew: each is hit, in its own lines, and gives back what it used."""
    times = 21
    result = trace([path, FOLDER / "remade.py", times], 'remade_code.py:2 "{x}" as line', 'entry made "{x}" as entry',
                   'return made "{$return}" as back', 'remade_code.py:3 "{y}" as third')
    for point in ("line", "entry", "back"):
        equal((result.counts(point).hits, result.counts(point).lost), (times, 0), f"hits of {point}")
    equal([v["$return"] for v in values(result, "back")], [n + 1 for n in range(times)], "results")
    equal([v["y"] for v in values(result, "third")], [[1, n] for n in range(1, times, 2)], "the third line's")
    first, last = (int(n) for n in re.findall(r"held (\d+)", result.out))
    check(last <= first + 4, f"{last} descriptors after twice as many functions as had {first}")


@every(SYSTEM[:1])
def killed_two_hundred_times(name, path):
    """logpoint is killed at random moments under a loaded service; the service misses nothing."""
    service = Program(path, "loaded.py", preexec_fn=lambda: os.nice(10))  # all that is left of a processor, and no more
    random.seed(7)
    kept, kills = set(), 0
    while kills < 200:
        process = Process([LOGPOINT, "-p", service.pid, "--max-overhead", "none", "-o", "/dev/null",
                           where("loaded.py", "serve") + ' "{number} {counter.sum}" if number % 3'])
        if kills % 4 == 0:
            until(lambda: re.search(ARMED, process.errors(), re.M), "logpoint to be armed")
            kept |= bpf_objects(process.pid)
        time.sleep(random.random() * 0.1)
        process.signal(signal.SIGKILL)
        process.wait()
        kills += 1
        check(service.alive(), f"the service lives: {service.errors()[-500:]}")
    service.popen.stdin.close()
    equal(service.wait(), 0, "exit status of the service")
    [end] = service.said("end")
    note(f"{end}")
    equal((end["wrong"], end["right"]), (0, True), "what the service computed")
    check(min(end["done"]) > 1000, "it was under load")
    check(kept, "it was armed")
    until(lambda: not bpf_alive(kept), "the kernel to have let go of everything")


if not ALL:
    print("skip exact: no CPython 3.8 to 3.14 on this machine")
    sys.exit(0)
sys.exit(main())
