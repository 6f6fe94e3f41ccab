# SPDX-License-Identifier: GPL-2.0-only
"""`logpoint stacks` of Python: what it says of threads and tasks agrees with what the program says of itself."""

import json
import os
import re
import sys
import time

from harness import check, equal, logpoint, main, note, stacks, test, until
from interpreters import ALL, SYSTEM, Program, every, last, line_of, need

SOURCE, MANY, KINDS = "stacks.py", "stacks_many.py", "stacks_kinds.py"


def thread_of(answer, name):
    found = [t for t in answer["threads"] if t.get("name") == name]
    equal(len(found), 1, f"threads of the name {name}")
    return found[0]


def python_rows(stack):
    return [[f["function"], f["file"], f["line"]] for f in stack if "module" not in f and "function" in f]


def task_of(answer, name):
    found = [t for t in answer["tasks"] if t.get("name") == name]
    equal(len(found), 1, f"tasks of the name {name}")
    return found[0]


def line(marker, source=SOURCE):
    return line_of(source, marker)


@every(ALL)
def waiting(name, path):
    """Threads and tasks that wait are where the program itself says that they are, frame by frame."""
    target = Program(path, SOURCE)
    answer = stacks(target, "--all-frames")
    equal(answer["pid"], target.pid, "process")
    check(answer["python"].startswith(name.removesuffix("system") + "."), f"version: {answer['python']}")
    for said in target.said("thread"):
        thread = thread_of(answer, said["name"])
        equal(thread["tid"], said["tid"], f"number of {said['name']}")
        equal(thread["state"], "waiting", f"state of {said['name']}")
        equal(python_rows(thread["stack"]), said["frames"], f"frames of {said['name']}")
    main_thread = thread_of(answer, "MainThread")
    equal((main_thread["tid"], main_thread["state"]), (target.pid, "waiting"), "main thread")
    check(["main", os.path.basename(SOURCE), line("main")] in
          [[f, os.path.basename(p), n] for f, p, n in python_rows(main_thread["stack"])], f"main thread: {main_thread}")
    tasks_are_right(answer, target)
    folded(stacks(target))
    variables_are_right(target)
    gil_is_held(target)
    text_is_right(target)


def tasks_are_right(answer, target):
    said = target.said("tasks")[0]
    want = said["tasks"]
    names = {t["name"] for t in answer["tasks"]}
    equal(names - {said["done"]}, set(want), "tasks")
    if said["done"] in names:  # 3.14 forgets it
        equal(task_of(answer, said["done"])["state"], "done", "state of the one that is done")
    ids = {t["id"]: t["name"] for t in answer["tasks"]}
    for name, expected in want.items():
        task = task_of(answer, name)
        equal((task["state"], task["tid"]), ("pending", said["tid"]), f"state and thread of {name}")
        if name != "d":  # what an `async for` waits in can't be seen from Python
            equal(python_rows(task["stack"]), expected["frames"], f"frames of {name}")
        equal(sorted(ids[i] for i in task["awaits"]), expected["awaits"], f"whom {name} awaits")
    equal([f[:1] + f[2:] for f in python_rows(task_of(answer, "d")["stack"])][-2:],
          [["count_up", line("count_up")], ["iterates", line("iterates")]], "an async generator and who iterates")


def folded(answer):
    """Without --all-frames only the program's own; the others are counted."""
    receiver = thread_of(answer, "receiver")
    equal([f.get("function") for f in receiver["stack"] if "function" in f], ["receive"], "own frames")
    check(receiver["stack"][-1].get("folded", 0) >= 3, f"frames of threading are folded: {receiver['stack']}")
    leaf = task_of(answer, "a")
    equal([f.get("function", f.get("folded")) for f in leaf["stack"]], [1, "leaf", "middle"], "frames of a task")


def variables_are_right(target):
    """--locals: those of every frame; names that are secrets are not shown."""
    answer = stacks(target, "--locals")
    own = {t["name"]: [f for f in t["stack"] if f.get("file", "").endswith(SOURCE)] for t in answer["threads"] if t.get("name")}
    frames = [f for f in own["nested"] if f.get("function") == "nested"]
    equal([f["locals"]["depth"] for f in frames], [0, 1, 2, 3], "depth of each frame")
    equal([f["locals"]["names"] for f in frames], [[], ["a"], ["a", "b"], ["a", "b"]], "names of each frame")
    rest = own["sleeper"][0]
    equal((rest["locals"]["seconds"], rest["errors"]), (1000, {"password": "redacted"}), "a method's")
    equal(set(own["receiver"][0]["locals"]), {"buffer"}, "a function's")
    leaf = [f for f in task_of(answer, "a")["stack"] if f.get("function") == "leaf"]
    equal(leaf[0]["locals"], {"delay": 500}, "a coroutine's")
    spinner = thread_of(answer, "spinner")
    check({last(f["function"]) for f in spinner["stack"] if "function" in f} <= {"busy", "is_set"}, f"{spinner}")


def gil_is_held(target):
    """The thread that computes holds the GIL nearly always; those that wait never do."""
    holders = set()
    for _ in range(20):
        answer = stacks(target)
        holders |= {t.get("name") for t in answer["threads"] if t.get("gil")}
        check(sum(t.get("gil", False) for t in answer["threads"]) <= 1, "one of them at most")
        if holders:
            break
    check(holders <= {"spinner"}, f"threads that hold the GIL: {holders}")
    check("spinner" in holders, "the busy thread holds the GIL at times")


def text_is_right(target):
    """As text: threads, and tasks as a tree."""
    status, out, err = logpoint("stacks", "-p", str(target.pid))
    equal(status, 0, err)
    check(re.search(rf"^python3\S*\[{target.pid}\] CPython 3\.\d+\.\d+: \d+ threads, \d+ tasks$", out, re.M), out)
    check(re.search(r"^\d+ sleeper \(\S+\) waiting\n(    .*\n)*?    \S*rest stacks.py:%d$" % line("rest"), out, re.M), out)
    check(re.search(r"^root pending.*\n(    .*\n)*    a pending in sleep\n        \.\.\. 1 library frame\n        leaf stacks.py:%d\n"
                    r"        middle stacks.py:%d\n" % (line("leaf"), line("middle")), out, re.M), out)
    check("    e pending in sleep" in out and "b pending in Lock.acquire" in out.replace("in acquire", "in Lock.acquire"), out)


def inner_of(answer):
    return [t for t in answer["threads"] if t.get("interpreter") and "inner" in [f.get("function") for f in t["stack"]]]


def kinds_are_right(path, *args):
    target = Program(path, KINDS, *args)
    until(lambda: inner_of(stacks(target)), "the other interpreter to sleep")
    answer = stacks(target)
    inner, other = inner_of(answer)[0], thread_of(answer, "other")
    equal(inner["tid"], other["tid"], "the thread in two interpreters")
    equal([f[2] for f in python_rows(other["stack"]) if f[0] == "other_interpreter"], [line("other", KINDS)], "the outer one")
    ids = {t["name"]: t["id"] for t in answer["tasks"]}
    equal(set(ids) - {"Task-1", "Task-2", "Task-3"}, {"eager", "python", "waits"}, "tasks")
    for name in ("eager", "python"):
        task = task_of(answer, name)
        equal([[f[0], f[2]] for f in python_rows(task["stack"])], [["leaf", line("leaf", KINDS)], ["middle", line("middle", KINDS)]], name)
        equal((task["state"], task["tid"]), ("pending", target.pid), f"state and thread of {name}")
    equal(task_of(answer, "waits")["awaits"], [ids["python"]], "whom it awaits")


@every(ALL)
def kinds(name, path):
    """Eager tasks, tasks written in Python, threads in other interpreters."""
    kinds_are_right(path)


@test
def on_uvloop():
    """The same on uvloop."""
    need("uvloop")
    kinds_are_right("/usr/bin/python3", "uvloop")


@every(ALL)
def many(name, path):
    """100 threads and 1,000 tasks: all of them."""
    target = Program(path, MANY)
    began = time.monotonic()
    answer = stacks(target)
    note(f"CPython {name}: 100 threads and 1,000 tasks in {(time.monotonic() - began) * 1000:.0f} ms")
    workers = [t for t in answer["threads"] if t.get("name", "").startswith("worker-")]
    equal({t["name"] for t in workers}, {"worker-%d" % n for n in range(100)}, "threads")
    for thread in workers:
        equal([f[2] for f in python_rows(thread["stack"]) if f[0] == "wait"], [line("wait", MANY)], f"{thread['name']}")
    handlers = [t for t in answer["tasks"] if [f[0] for f in python_rows(t["stack"])] == ["step", "handle"]]
    equal(len(handlers), 1000, "tasks in step() under handle()")
    roots = [t for t in answer["tasks"] if [f[0] for f in python_rows(t["stack"])] == ["serve"]]
    equal(len(roots), 1, "tasks in serve()")


@every(ALL)
def changing(name, path):
    """Threads and tasks that come and go all the time: no crash, no hang, no frame that can't be."""
    target = Program(path, MANY, "changing")
    looked = 0
    for _ in range(3):
        status, out, err = logpoint("stacks", "-p", str(target.pid), "--format", "json", "--all-frames", "--locals")
        check(status in (0, 1), f"exit status {status}: {err}")
        if status:
            continue
        answer = json.loads(out)["processes"][0]
        for thread in answer["threads"]:
            possible(thread["stack"], thread.get("name"))
            looked += 1
        for task in answer["tasks"]:
            possible(task["stack"], "task")
    check(looked > 0, "threads were seen")
    target.go()
    target.finish()


def possible(stack, what):
    """Each frame of the program is called by one that calls it."""
    rows = [(last(f.get("function", "")), os.path.basename(f.get("file", "")), f.get("line", 0)) for f in stack if "module" not in f]
    names = [r[0] for r in rows]
    for inner, outer in zip(names, names[1:]):
        if not inner or not outer:
            continue
        callers = {"short": {"short", "run"}, "hop": {"hop", "_run"}, "spawn": {"run"}, "churn": {"_run", "run", "step"}}
        check(outer in callers.get(inner, {outer}), f"{what}: {inner} called by {outer}: {rows}")


@test
def of_an_executable():
    """-x: the processes that run it now; none is an error."""
    path = (SYSTEM or ALL)[0][1]
    target = Program(path, MANY)
    status, out, err = logpoint("stacks", "-x", os.path.realpath(path), "--format", "json")
    equal(status, 0, err)
    check(target.pid in [p["pid"] for p in json.loads(out)["processes"]], "the process is among them")
    status, out, err = logpoint("stacks", "-x", "/bin/false")
    check(status in (1, 2) and "no process" in err, err)


sys.exit(main())
