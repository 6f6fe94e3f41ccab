# SPDX-License-Identifier: GPL-2.0-only
"""Exceptions that nobody has caught, beside what traceback says of them, on every interpreter of this machine."""

import re
import sys

from harness import check, equal, main, trace
from interpreters import ALL, every, last, minor, values, watch

EVERY = every(ALL)


def shown(exception):
    """As the last line of a traceback has it; a message that would be code of the program's is not told."""
    if "message" not in exception:
        equal(exception["errors"], {"message": "would run code"}, "why there is no message")
        return exception["type"]
    return exception["type"] + (f": {exception['message']}" if exception["message"] else "")


def chain(exception):
    if exception is None:
        return None
    frames = [[last(f["function"]), f["line"]] for f in reversed(exception.get("stack", []))]
    return {"shown": shown(exception), "frames": frames, "notes": exception.get("notes", []),
            "cause": chain(exception.get("cause")), "context": chain(exception.get("context"))}


def said(target):
    rows = target.said("uncaught")
    for row in rows:
        row.pop("at")
        if row["shown"] == "Odd: odd":
            row["shown"] = "Odd"
        if row.pop("how") == "callback":  # it is told before it comes to the loop's own frame
            equal(row["frames"].pop(0)[0], "_run", "the loop's frame")
    return rows


def run(path, *args, points=("uncaught",)):
    return watch(path, "uncaught.py", *points, args=args, status=1)


@EVERY
def each_of_them_once(name, path):
    """Type, message, notes and frames of each of its chain; those that are caught are not there."""
    target, result = run(path, "hooks", points=(
        "uncaught", "uncaught LookupError as lookup", 'uncaught ValueError, OSError "{tag} {$exc}" as tagged',
        'uncaught "{$exc.args[0]}" if $exc.args[0] == "weak" as weak', "uncaught StopIteration, SystemExit as none"))
    want = said(target)
    records = [r for r in result.records if r["logpoint"] == "uncaught"]
    got = [chain(r["exception"]) for r in records]
    equal([g["shown"] for g in got], [w["shown"] for w in want], "exceptions")
    for g, w in zip(got, want):
        equal(g, w, g["shown"])
    for record, w in zip(records, want):
        if w["frames"]:
            equal([last(record["function"]), record["line"]], w["frames"][-1], "where it is from")
            check(record["file"].endswith("uncaught.py"), record["file"])
    kinds = [w["shown"].split(":")[0] for w in want]
    equal(len([r for r in result.records if r["logpoint"] == "lookup"]),
          sum(k in ("Missing", "KeyError") for k in kinds), "of LookupError")
    tags = [v["tag"] for v in values(result, "tagged")]
    equal([t for t in tags if not t.startswith("<")],
          [t for t in ("thread", "weak", "callback") + (("exit",) if minor(name) >= 10 else ())], "names where it was raised")
    equal([v["$exc.args[0]"] for v in values(result, "weak")], ["weak"], "with a condition")
    equal(result.counts("none").hits, 0, "what is nobody's mistake")
    equal(result.counts("uncaught").lost, 0, "lost")


@EVERY
def without_hooks(name, path):
    """What the interpreter itself reports, and nothing else."""
    target, result = run(path)
    want = [row for row in target.errors().replace("__main__.", "").splitlines()
            if re.match(r"(\w+: )?(Missing|KeyError|ValueError|Shop|OSError|Odd|RuntimeError)\b|  [+|] ExceptionGroup", row)]
    last = [row.strip(" +|") for row in want]
    got = [shown(r["exception"]) for r in result.records]
    for row in got:
        check(row in last or row == "Odd", f"{row} in {last}")
    equal(len(got), 12 + (minor(name) >= 10), "records")
    check("in thread started by" in target.errors() and "never retrieved" in target.errors(), target.errors()[-2000:])


@EVERY
def an_exit_is_none(name, path):
    """SystemExit of the main thread, while another exception is handled."""
    target, result = run(path, "hooks", "exit")
    equal([r["exception"]["type"] for r in result.records][-2:],
          ["OSError", "ValueError"] if minor(name) >= 10 else ["ValueError", "OSError"], "the last ones")
    check(not any("main" == r["exception"].get("message") for r in result.records), "main")


@EVERY
def from_the_start(name, path):
    """A program that fails at once, and its line of text."""
    result = trace([path, "-c", "def f(x):\n try:\n  {}[x]\n except KeyError as e:\n  raise ValueError('a\\nb') from e\nf('k')"],
                   "uncaught", form="text", status=1)
    equal(re.sub(r"^.*\] ", "", result.raw),
          "uncaught <string>:5 ValueError: a\\nb <- from KeyError: 'k' (<string>:3)\n", "record")


@EVERY
def with_its_stack(name, path):
    """The stack is that of the exception."""
    target, result = run(path, "hooks", points=("uncaught Shop with stack",))
    for record, w in zip(result.records, [w for w in said(target) if re.match("Shop|Missing", w["shown"])]):
        equal([f["line"] for f in reversed(record["stack"])], [line for _, line in w["frames"]], w["shown"])


if __name__ == "__main__":
    sys.exit(main())
