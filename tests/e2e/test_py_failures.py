# SPDX-License-Identifier: GPL-2.0-only
"""The variables of every frame, where an exception is raised and where nobody has caught it, on every interpreter of this
machine, beside what traceback.walk_tb() and f_locals say of them in the program."""

import re
import sys

from harness import Tracer, check, equal, main
from interpreters import ALL, Program, every

EVERY = every(ALL)
FILE = "failing.py"
RAISED, UNCAUGHT = 9, 6
HIDDEN = "token", "api_key"
SECRETS = "swordfish", "deadbeef"


def run(path, *points, records=None, args=(), form="text"):
    target = Program(path, FILE, *args)
    tracer = Tracer(target, *points, form=form)
    target.go()
    if records:
        tracer.wait_records(records)
        target.go()
    equal(target.finish()[0], 1 if records else 0, f"exit status ({target.errors()[-500:]})")
    return target, tracer.finish()


def last(name):
    return name.split(".")[-1]


def redacted(variable):
    """What must not be shown of a variable, or of an item in it."""
    name, value = variable.split("=", 1)
    if name in HIDDEN:
        return f"{name}=<redacted>"
    return re.sub(r"('(?:%s)'): '\w*'" % "|".join(HIDDEN), r"\1: <redacted>", variable)


def expected(frames):
    return [[f, line, [redacted(v) for v in variables]] for f, line, variables in frames]


def texts(result, logpoint):
    """Of each record, the program's own frames: [function, line, variables]."""
    for line in result.raw.splitlines():
        if re.search(rf"\](?: Task-\d+)? {logpoint} ", line):
            found = (re.fullmatch(r"([\w.<>]+) failing\.py:(\d+)(?: \[(.*)\])?", part) for part in line.split(" | ", 1)[1].split(" < "))
            yield [[last(m[1]), int(m[2]), m[3] or ""] for m in found if m]


def compare(got, want):
    equal([f[:2] for f in got], [f[:2] for f in want], "frames")
    for (function, _, shown), (_, _, variables) in zip(got, want):
        equal(shown, ", ".join(variables), f"variables of {function}")


@EVERY
def as_the_program_sees_them(name, path):
    """Text: type, place and variables, also of those that are swallowed; of the frame that raises, and of all."""
    target, result = run(path, "raise Shop with locals as own", "raise Shop with stack locals as raised",
                         "uncaught with locals as failed", "uncaught with stack locals as uncaught", records=2 * (RAISED + UNCAUGHT))
    for at, all_frames, one_frame in (("raised", "raised", "own"), ("uncaught", "uncaught", "failed")):
        said = target.said(at)
        stacks, alone = list(texts(result, all_frames)), list(texts(result, one_frame))
        equal((len(stacks), len(alone)), (len(said), len(said)), f"records of {at}")
        for row, stack, one in zip(said, stacks, alone):
            want = expected(row["frames"])
            compare(stack, want)
            compare(one, want[:1])
    check({r["what"] for r in target.said("uncaught")} == {"chained", "handled", "down", "awaited", "deleted", "numbers"}, "all of them")
    for secret in SECRETS:
        check(secret not in result.raw, f"{secret} is shown")


def plain(variable):
    """A variable that JSON has as Python does; None of others."""
    name, value = variable.split("=", 1)
    return (name, value) if re.fullmatch(r"-?\d+(\.\d+)?|'[\w ]*'|None", value) else None


def shown_in_json(frame):
    rows = {k: v for k, v in frame["locals"].items()} if "locals" in frame else {}
    rows.update({k: f"<{v}>" for k, v in frame.get("errors", {}).items()})
    return rows


def compare_json(stack, frames, what):
    stack = [f for f in stack if f.get("file", "").endswith(FILE)]
    equal([[last(f["function"]), f["line"]] for f in stack], [f[:2] for f in frames], what)
    for frame, (function, _, variables) in zip(stack, frames):
        rows = shown_in_json(frame)
        for variable in map(redacted, variables):
            key, value = variable.split("=", 1)
            if value == "<redacted>":
                equal(rows.get(key), "<redacted>", f"{key} of {function}")
            elif plain(variable):
                equal(rows.get(key), {"None": None}.get(value, rows.get(key)), f"{key} of {function}")
                check(repr(rows.get(key)) == value, f"{key} of {function}: {rows.get(key)!r} instead of {value}")
            else:
                check(key in rows, f"{key} of {function}")


@EVERY
def along_the_chain(name, path):
    """JSON: tracebacks of causes and contexts have them, too."""
    target, result = run(path, "raise Shop with stack locals as raised", "uncaught with stack locals as uncaught",
                         form="json", records=RAISED + UNCAUGHT)
    for at in ("raised", "uncaught"):
        said, records = target.said(at), [r for r in result.records if r["logpoint"] == at]
        equal(len(records), len(said), at)
        for row, record in zip(said, records):
            first = record["stack"][0]
            first["errors"] = record.get("errors", {})  # they are the record's
            compare_json(record["stack"], row["frames"], f"{at}: stack")
            if at == "uncaught":
                exception = record["exception"]
                compare_json(exception["stack"], row["frames"], "stack of the exception")
                for link in ("cause", "context"):
                    if row[link] is not None and link in exception:
                        compare_json(exception[link]["stack"], row[link], link)
    links = [sorted(r["exception"].keys() & {"cause", "context"}) for r in result.records]
    check(["cause"] in links and ["context"] in links, f"chains: {links}")
    for secret in SECRETS:
        check(secret not in result.raw, f"{secret} is shown")


@EVERY
def what_has_no_room(name, path):
    """It says so where it belongs; the frames are there, and what is shown is true."""
    target, result = run(path, "uncaught with stack locals", args=["full"], form="json")
    shown = [(r["function"], r["exception"]["message"]) for r in result.records]
    equal(shown, [("much", "('much', 30)"), ("fail", "wide"), ("fail", "wide"), ("deep", "deep")], f"records ({result.counts('uncaught')})")
    much, many, broad, deep = ([f for f in r["stack"] if f.get("function") in ("much", "inner", "deep", "...")] for r in result.records)
    equal([f["locals"]["depth"] for f in much], list(range(13)), "arguments, innermost first")
    for f in much:
        number = f["locals"]["depth"]
        for i, text in enumerate(f["locals"]["texts"]):
            check(f"{number}-{i}-{'x' * 200}".startswith(text.rstrip(".")), f"{text} of {number}")
    cut = [f["locals"]["depth"] for f in much if len(f["locals"]["texts"]) < 30 or f["locals"]["texts"][-1] == "..."]
    check(cut and cut == list(range(cut[0], 13)) and cut[0] > 3, f"what is cut: {cut}")
    whole = [f for f in many if "..." not in f.get("errors", {})]
    equal(len(many), 51, "frames with many variables")
    check(10 < len(whole) < 51 and many[:len(whole)] == whole, f"those that are whole: {len(whole)}")
    for number, f in enumerate(whole):
        equal(set(f["locals"].values()), {number}, f"values of {number}")
        equal(len(f["locals"]), 121, f"variables of {number}")
    for f in many[len(whole):]:
        equal((f["locals"], f["errors"]), ({}, {"...": "truncated"}), "a frame without room")
    equal((len(broad[0]["locals"]), broad[0]["errors"]), (256, {"...": "truncated"}), "of more than 256")
    equal([f.get("locals", {}).get("left") for f in deep], [*range(64), None], "the innermost of many, and that there are more")
    equal((deep[-1], result.records[3]["line"], result.counts("uncaught").lost), ({"function": "..."}, deep[0]["line"], 0),
          "what is not there, where it was raised, lost")


if __name__ == "__main__":
    sys.exit(main())
