# SPDX-License-Identifier: GPL-2.0-only
"""Debugging situations in Python programs, on every interpreter of this machine."""

import sys

from harness import called, check, equal, frames, main
from interpreters import ALL, FOLDER, every, last, line_of, minor, values, watch, where

EVERY = every(ALL)


def thread_of(records):
    return {r["tid"]: r.get("thread") for r in records}


@EVERY
def tasks_of_one_coroutine(name, path):
    """Tasks that run the same coroutine at once are told apart, before and after an await."""
    target, result = watch(
        path, "fetching.py", where("fetching.py", "before") + ' "{user_id} {delay}" as before',
        where("fetching.py", "after") + ' "{user_id} {data[\'name\']}" as after')
    for mark, wanted in (("before", ("user_id", "delay")), ("after", ("user_id", "name"))):
        said = target.said(mark)
        got = [r for r in result.records if r["logpoint"] == mark]
        equal([r["task"] for r in got], [s["task"] for s in said], f"tasks {mark}")
        equal([list(v.values()) for v in values(result, mark)], [[s[w] for w in wanted] for s in said], mark)
        equal({r["function"] for r in got}, {"fetch_user_data"}, "function")
        equal(result.counts(mark).hits, len(said), "hits")


@EVERY
def names_of_comprehensions(name, path):
    """A name that a comprehension has for itself is the global's, or the function's own, everywhere else."""
    _, result = watch(path, "inlined.py", where("inlined.py", "end") + ' "{key} {value} {real} {own}" as end',
                      where("inlined.py", "inside") + ' "{key}" as inside', 'return run "{key} {value} {real} {$return}" as back')
    equal([r["message"] for r in result.records if r["logpoint"] == "end"], ["global key global value 5 own"], "at the end")
    equal([r["message"] for r in result.records if r["logpoint"] == "inside"][-2:], ["1", "2"], "inside")
    equal([r["message"] for r in result.records if r["logpoint"] == "back"],
          ["global key global value 5 ('global key', 'global value', 5, 'own')"], "at the return")


@EVERY
def only_one_user(name, path):
    """A condition picks the tasks of one user."""
    target, result = watch(path, "fetching.py", where("fetching.py", "after") + ' "{user_id}" if user_id == 123 as one')
    want = [s["task"] for s in target.said("after") if s["user_id"] == 123]
    equal([r["task"] for r in result.records], want, "tasks")
    equal(result.counts("one").filtered, 3, "filtered")


@EVERY
def who_decides(name, path):
    """The task, the thread and who calls, asked in the kernel: the records of those alone."""
    line = where("fetching.py", "after")
    target, result = watch(
        path, "fetching.py", f'{line} "{{$task}}" if $task == "fetch-1" as named', f'{line} "{{$task}}" if $task.startswith("Task-") as numbered',
        f'{line} "{{$task}}" if $task is None as none', f'{line} "{{$comm}}" if $comm.startswith("python") and $comm != "pytho" as comm',
        f'{line} "{{$thread}}" if $thread == "MainThread" as thread')
    tasks = [s["task"] for s in target.said("after")]
    for mark, want in (("named", [t for t in tasks if t == "fetch-1"]), ("numbered", [t for t in tasks if t.startswith("Task-")]), ("none", [])):
        equal([v["$task"] for v in values(result, mark)], want, mark)
    check({"fetch-1", "fetch-3"} < set(tasks), f"tasks with names: {tasks}")
    equal([v["$thread"] for v in values(result, "thread")], ["MainThread"] * len(tasks), "thread")
    check(all(v["$comm"].startswith("python") for v in values(result, "comm")), "comm")
    equal(result.counts("comm").logged, len(tasks), "comm")
    _, result = watch(path, "workers.py", where("workers.py", "step") + ' "{worker}" if $thread in ("worker-1", "worker-4") as step',
                      where("workers.py", "step") + ' if $caller != "work" as caller',
                      where("workers.py", "step") + ' if $task is not None as task')
    equal({v["worker"] for v in values(result, "step")}, {1, 4}, "workers")
    equal(result.counts("step").logged, 400, "records of two threads")
    equal((result.counts("caller").logged, result.counts("task").logged), (200, 0), "of the module itself")


@EVERY
def entry_beside_the_return(name, path):
    """What an argument was, compared with what is returned when the argument is gone."""
    _, result = watch(
        path, "kept.py", 'call same if $return == text as text', 'call same if $return == number as number',
        'call same if $return > number as more', 'call same if $return == data as data', 'call same if number is None or $return is None as none')
    equal([result.counts(n).logged for n in ("text", "number", "more", "data", "none")], [3, 2, 1, 1, 2], "calls")


@EVERY
def race_on_a_cache(name, path):
    """Three tasks look at the cache before one of them has filled it; with a lock only one misses."""
    for args, misses in ((("race",), 3), (("race", "locked"), 1)):
        target, result = watch(
            path, "fetching.py", where("fetching.py", "look") + ' "{user_id in self.cache} {len(self.cache)}" as look with stack',
            args=args)
        said = target.said("look")
        got = values(result)
        equal([list(v.values()) for v in got], [[s["hit"], s["size"]] for s in said], "looks")
        equal(sum(not v["user_id in self.cache"] for v in got), misses, "misses")
        equal([r["task"] for r in result.records], [s["task"] for s in said], "tasks")
        for record in result.records:
            functions = called(record)
            equal(last(functions[0]), "get", "innermost frame")
            check(any(f.endswith("fetch_user_data") for f in functions), f"who awaits it: {functions}")


@EVERY
def decorated_function(name, path):
    """The inner function is found by its own name; the wrappers are places, too."""
    target, result = watch(
        path, "decorators.py", 'call transfer "{account} {amount} {currency} {$return}" as inner',
        where("decorators.py", "attempt") + ' "{args} {kwargs} {number} {function}" as attempt',
        where("decorators.py", "inner") + ' "{total}" as line with stack')
    said = target.said("transfer")
    got = [r for r in result.records if r["logpoint"] == "inner"]
    equal([[v["account"], v["amount"], v["currency"], v["$return"]] for v in values(result, "inner")],
          [[s["account"], s["amount"], s["currency"], s["result"]] for s in said], "calls")
    check(all(r["elapsed_ns"] > 0 for r in got), "elapsed")
    tries = values(result, "attempt")
    equal([[v["args"], v["kwargs"], v["number"]] for v in tries],
          [[[s["account"], s["amount"]], {"currency": "CHF"}, 0] for s in said]
          + [[["bad", -1], {}, n] for n in range(3)], "attempts")
    for record in result.records:
        if record["logpoint"] == "line":
            functions = list(map(last, called(record)))
            equal(functions[:4], ["transfer", "wrapper", "attempt", "limited"], "stack")


@EVERY
def thread_names(name, path):
    """Each record names its thread, whether it was there before or came later."""
    target, result = watch(path, "workers.py", 'entry step "{worker} {number}" as step')
    said = target.said("worker")
    equal(result.counts("step").hits, 7 * 200, "hits")
    for row in said:
        mine = [r for r in result.records if r["values"]["worker"] == row["worker"]]
        equal([r["values"]["number"] for r in mine], list(range(200)), f"numbers of {row['thread']}")
        equal({(r["tid"], r["thread"]) for r in mine}, {(row["tid"], row["thread"])}, "thread")


@EVERY
def context_managers(name, path):
    """__enter__ and __exit__ with the exception that is passed in."""
    target, result = watch(
        path, "contexts.py", where("contexts.py", "enter") + ' "{self.name} {self.open}" as enter',
        where("contexts.py", "exit") + ' "{self.name} {kind} {value}" as exit',
        where("contexts.py", "finally") + ' "{name} {log}" as finally')
    equal([list(v.values()) for v in values(result, "enter")], [[f"c{n}", True] for n in range(4)], "enter")
    rows = values(result, "exit")
    equal([v["self.name"] for v in rows], [s["name"] for s in target.said("exit")], "names")
    for value, said in zip(rows, target.said("exit")):
        equal(value["kind"] is None, said["kind"] is None, "kind")
        if said["kind"]:
            check("ValueError" in str(value["kind"]) and said["value"] in str(value["value"]), f"{value} for {said}")
    ends = values(result, "finally")
    equal([v["name"] for v in ends], [f"t{n}" for n in range(5)], "finally, however it is reached")
    equal([v["log"][-1] for v in ends], ["commit", "commit", "commit", "rollback", "commit"], "how")


@EVERY
def generators(name, path):
    """Each iteration of a generator, and where suspended ones stand."""
    _, result = watch(
        path, "generators.py", where("generators.py", "yield") + ' "{number}" hit % 1000 as yield',
        where("generators.py", "tick") + ' "{number}" as tick',
        'entry look "{suspended} | {finished} | {fresh}" as look',
        where("generators.py", "delegated") + ' "{result}" as delegated')
    equal([v["number"] for v in values(result, "yield")], [999, 1999, 2999, 3999, 4999], "every 1000th")
    # sum() 5000, half 3, over 3
    equal(result.counts("yield").hits, 5006, "hits")
    equal([v["number"] for v in values(result, "tick")], list(range(10)), "asynchronous")
    equal([v["result"] for v in values(result, "delegated")], ["done"], "what yield from gave")
    [look] = values(result, "look")
    line = line_of("generators.py", "yield")
    check(f"generators.py:{line}" in str(look["suspended"]), f"suspended: {look['suspended']}")
    check("finished" in str(look["finished"]), f"finished: {look['finished']}")
    check("generator" in str(look["fresh"]) and f":{line}" not in str(look["fresh"]), f"not started: {look['fresh']}")


@EVERY
def comprehensions(name, path):
    """Each element inside of a comprehension, also where the version inlines them."""
    # from 3.12 on the step to the next element is on that line, too, as sys.settrace() has it
    listed = [[n, 7] for n in range(10) if n % 2 or minor(name) >= 12]
    marks = {
        "list": ("{number} {factor}", listed),
        "dict": ("{number}", [[n] for n in range(10)]),
        "set": ("{number}", [[n] for n in range(10)]),
        "generator": ("{number}", [[n] for n in range(10)]),
    }
    for mark, (template, want) in marks.items():
        _, result = watch(path, "comprehensions.py", where("comprehensions.py", mark) + f' "{template}" as {mark}')
        equal([list(v.values()) for v in values(result)], want, mark)
    _, result = watch(path, "comprehensions.py", where("comprehensions.py", "nested") + ' "{row} {column}" as nested')
    equal([list(v.values()) for v in values(result)], [[r, c] for r in range(4) for c in range(3)], "nested")


@EVERY
def stack_of_frames(name, path):
    """Function, file and line of each frame, as the program's own traceback has them."""
    target, result = watch(path, "frames.py", where("frames.py", "bottom") + ' "{value} {rest} {self.number}" as bottom with stack',
                           wait=lambda tracer: tracer.wait_records(3))
    said = target.said("stack")
    equal(len(result.records), len(said), "records")
    bottom = line_of("frames.py", "bottom")
    for record, row in zip(result.records, said):
        equal(record["values"], {"value": row["number"] * 1.5, "rest": 0, "self.number": row["number"]}, "values")
        got = [[last(f["function"]), f["file"], f["line"]] for f in frames(record)]
        want = [list(f) for f in row["frames"]]
        want[0][2] = bottom
        equal(got, want, "stack")


check(FOLDER.is_dir(), "no programs")
if not ALL:
    print("skip scenarios: no CPython 3.8 to 3.14 on this machine")
    sys.exit(0)
check(all(minor(name) >= 8 for name, _ in ALL), "versions")
sys.exit(main())
