# SPDX-License-Identifier: GPL-2.0-only
"""`with stack` in Python and in C that Python calls: frames in their place, and the variables of each."""

import re
import sys

from harness import Tracer, called, check, equal, main, stacks
from interpreters import ALL, FOLDER, Program, every, extension, last, line_of, minor, watch, where

EVERY = every(ALL)
FILE = str(FOLDER / "layers.py")
SECRETS = "swordfish", "deadbeef"


def run(path, *points, records, **rest):
    return watch(path, "layers.py", *points, args=(extension(path),), wait=lambda tracer: tracer.wait_records(records), **rest)


def with_c(frames, where_from, *functions):
    """The program's own list, and what C functions there are above a Python function."""
    at = [f[0] for f in frames].index(where_from) + 1
    return frames[:at] + [[f, None, None] for f in functions] + frames[at:]


def own(record):
    return [[last(f["function"]), f["line"] if f.get("file") == FILE else None] for f in record["stack"] if "folded" not in f]


def expected(frames, line=None):
    want = [f[:2] for f in frames]
    if line:
        want[0][1] = line
    return want


def number(mark):
    return line_of("layers.py", mark)


@EVERY
def frames(name, path):
    """A line of Python beneath C beneath Python, and a C function that Python calls."""
    target, result = run(path, where("layers.py", "bottom") + " with stack as line", "entry scaled with stack as c", records=4)
    lines, calls = target.said("bottom"), target.said("weighed")
    wanted = {"line": [expected(with_c(row["frames"], "called", "applied", "py_apply"), number("bottom")) for row in lines],
              "c": [[["scaled", None], ["py_scale", None]] + expected(row["frames"], number("weighed")) for row in calls]}
    for logpoint, stacks in wanted.items():
        records = [r for r in result.records if r["logpoint"] == logpoint]
        equal([own(r) for r in records], stacks, f"stacks of {logpoint}")
        check(all(r["stack"][-1].get("function") != "..." for r in records), "they are whole")


@EVERY
def library_frames(name, path):
    """Folded as they come; all of them on demand, in Python and in C."""
    point = where("layers.py", "bottom") + " with stack"
    target, result = run(path, point, records=2)
    _, everything = run(path, point, records=2, options=["--all-frames", "--max-frames", "200"])
    for few, every_one in zip(result.records, everything.records):
        names = [f.get("function", "") for f in every_one["stack"]]
        check(not any("folded" in f for f in every_one["stack"]), "nothing is folded")
        check(len(names) > len(few["stack"]), f"more frames: {names}")
        equal([n for n in names if n in called(few)], called(few), "the program's own, in their order")
        check(any(n.startswith(("Py_", "PyObject_", "_PyObject_", "_PyEval", "PyEval")) for n in names), f"the interpreter's own: {names}")
        check("_PyEval_EvalFrameDefault" not in names, "Python's frames stand for the loop")


def texts(result, logpoint):
    """Of each record, [function, line, variables] a frame."""
    for line in result.raw.splitlines():
        if f"] {logpoint} " not in line:
            continue
        stack = line.split(" | ", 1)[1]
        yield [[last(m[1]), int(m[3]) if m[2] == "layers.py" else None, m[4]]
               for m in re.finditer(r"(?:^| < )([\w.<>]+) (\S+):(\d+)(?: \[(.*?)\])?(?= < |$)", stack)]


def hidden(text):
    return re.sub(r"(password|api_key|'api_key')(=|: )'\w*'", r"\1\2<redacted>", text)


@EVERY
def variables(name, path):
    """Of every frame, as repr() has them in the program; what has a secret's name is not there."""
    target, result = run(path, where("layers.py", "bottom") + ' "x" with stack locals as line', 'entry applied "x" with stack locals as c', records=4, form="text")
    said = target.said("bottom")
    lines = list(texts(result, "line"))
    equal(len(lines), len(said), "records")
    for got, row in zip(lines, said):
        frames_said = [[f, n, [hidden(v) for v in variables]] for f, n, variables in row["frames"]]
        frames_said[0][1] = number("bottom")
        python = [f for f in got if f[1] is not None]
        equal([f[:2] for f in python], [f[:2] for f in frames_said], "frames")
        for (function, _, shown), (_, _, want) in zip(python, frames_said):
            shown = re.sub(r"Order\(number=(\d)[^)]*\)", r"Order(number=\1)", shown or "")
            # those of the logpoint's own frame are in the order of the function's code
            check(all(v in shown for v in want) and len(shown) == len(", ".join(want)), f"variables of {function}: {shown} instead of {want}")
            if function != "bottom":
                equal(shown, ", ".join(want), f"variables of {function}")
        c = {f[0]: f[2] for f in got if f[1] is None}
        check("number=" in c["applied"], f"variables of applied: {c['applied']}")
    for secret in SECRETS:
        check(secret not in result.raw, f"{secret} is shown")


@EVERY
def names_of_variables(name, path):
    """Whole, however little is shown of strings; a secret is told by its name."""
    target, result = run(path, where("layers.py", "bottom") + ' "x" with stack locals', records=2, options=["--max-string", "4"])
    said = target.said("bottom")
    equal(len(result.records), len(said), "records")
    for record, row in zip(result.records, said):
        python = [f for f in record["stack"] if f.get("file") == FILE]
        for frame, (function, _, variables) in list(zip(python, row["frames"]))[1:]:
            names = [v.partition("=")[0] for v in variables]
            got = [*frame.get("locals", {}), *(e for e in frame.get("errors", {}) if "." not in e and "[" not in e)]
            equal(sorted(got), sorted(names), f"variables of {function}")
            if "password" in names:
                equal(frame["errors"]["password"], "redacted", f"secret of {function}")
    check(any("password" in f.get("errors", {}) for r in result.records for f in r["stack"][1:]), "there is a secret")


def shown_behind(record):
    """Of the frames behind the task's own: who awaits whom, and [function, line] each."""
    frames = record["stack"]
    first = next((i for i, f in enumerate(frames) if "task" in f), len(frames))
    return [f["task"] if "task" in f else [last(f["function"]), f.get("line")] for f in frames[first:] if "folded" not in f]


@EVERY
def awaiting_tasks(name, path):
    """Behind the stack of a task: who awaits it, who awaits that one, and where, as it was then; the program has ended since."""
    ways = ["gather", "wait_for", "wait", "task", "shield", "both", "others", "coroutines", "deep", "stranger"]
    ways += ["group"] if minor(name) >= 11 else []
    # 3.14 does not tell which of Python's own tasks runs
    for kind in ([], ["python"]) if minor(name) < 14 else ([],):
        target, result = watch(path, "awaits.py", where("awaits.py", "leaf") + " with stack", args=[*ways, *kind])
        said = target.said("leaf")
        equal(len(said), len(ways), "ways")
        equal([shown_behind(r) for r in result.records], [row["awaited"] for row in said], f"who awaits {kind}")
        equal({last(r["stack"][0]["function"]) for r in result.records}, {"leaf"}, "the task's own")


def is_right(stack, said, what):
    """As the program says; what it does in a collection is not shown outside of that."""
    python = [f for f in stack if f.get("file", "").endswith(".py")]
    equal([[last(f["function"]), f["file"], f["line"]] for f in python], [[last(function), *at] for function, *at in said], what)
    names = [last(f["function"]) for f in stack if "function" in f]
    collections = [at for at, function in enumerate(names) if function.startswith("gc_collect")]
    check(not collections or names.index("collected") < collections[0], f"{what}: {names}")


@EVERY
def not_begun(name, path):
    """A frame that has not got to its first line is none to Python; the loop that was called for it shows no other's."""
    for made in ("by_python", "by_c"):
        target = Program(path, "stacks_begun.py", made)
        said = {row["name"]: row["frames"] for row in target.said("thread")}
        answer = stacks(target, "--all-frames")
        threads = {t.get("name"): t["stack"] for t in answer["threads"]}
        for thread, frames_said in said.items():
            is_right(threads[thread], frames_said, f"stacks, {thread}")
        tracer = Tracer(target, where("stacks_begun.py", "rest") + " with stack as rest",
                        where("stacks_begun.py", "made") + ' if is_last and $caller == "instances" as made',
                        where("stacks_begun.py", "collected") + ' if $caller != "coroutine" as collected',
                        options=["--all-frames", "--max-frames", "200"])
        target.go()
        tracer.wait_records(len(said) + 2)
        target.go()
        target.finish()
        result = tracer.finish()
        equal([result.counts(point).logged for point in ("made", "collected")], [1, 1], "calls of those that Python has as callers")
        records = [r for r in result.records if r["logpoint"] == "rest"]
        equal([r["thread"] for r in records], list(said), "records")
        for record in records:
            frames_said = said[record["thread"]]
            own = [row[0].endswith("rest") for row in frames_said].index(True)
            is_right(record["stack"], frames_said[own:], f"record, {record['thread']}")


check(minor("3.9") == 9, "versions")
if not ALL:
    print("skip stacks: no CPython 3.8 to 3.14 on this machine")
sys.exit(main())
