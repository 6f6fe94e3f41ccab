# SPDX-License-Identifier: GPL-2.0-only
"""`logpoint list` and `logpoint check` of Python processes: what they say agrees with the source and with Python itself."""

import dis
import json
import sys

from harness import check, each, equal, logpoint, main, test
from interpreters import ALL, FOLDER, SYSTEM, Program, every, last, line_of, where

SOURCE = "decorators.py"
TEXT = (FOLDER / SOURCE).read_text()


def target_of(path):
    return Program(path, SOURCE)


def listed(target, *pattern):
    status, out, err = logpoint("list", "--json", "-p", str(target.pid), *pattern)
    equal(status, 0, f"exit status ({err})")
    return json.loads(out)


def number(marker):
    return line_of(SOURCE, marker)


def refused(target, pattern, *words):
    status, out, err = logpoint("list", "-p", str(target.pid), pattern)
    equal((status, out), (2, ""), f"exit status and output for {pattern}: {err}")
    for word in words:
        check(word in err, f"{pattern}: no '{word}' in: {err}")


@every(ALL)
def places(name, path):
    """Functions with file and line, lines with code, names in scope, those of the closure too."""
    target = target_of(path)
    found = [f for f in listed(target, "transf*")["functions"] if f["name"] == "transfer"]
    equal(len(found), 1, "functions of that name")
    check(found[0]["file"].endswith(SOURCE) and found[0]["line"] in (number("inner") - 7, number("inner") - 4), f"place: {found[0]}")

    rows = {row["line"] for row in listed(target, SOURCE)["files"][0]["lines"]}
    have = {n for n, text in enumerate(TEXT.splitlines(), 1) if text.strip() and not text.lstrip().startswith("#")}
    check(rows <= have, f"no code there: {sorted(rows - have)}")
    check({number("inner"), number("attempt"), number("limited")} <= rows, f"lines with code are missing: {sorted(rows)}")

    for point in ("entry transfer", where(SOURCE, "inner")):
        here = listed(target, point)["places"]
        equal([last(p["function"]) for p in here], ["transfer"], f"places of {point}")
        names = {(v["kind"], v["name"]) for v in here[0]["variables"]}
        equal(names, {("argument", n) for n in ("account", "amount", "currency")} | {("local", "total")}, f"names at {point}")
    closure = {v["name"] for v in listed(target, where(SOURCE, "attempt"))["places"][0]["variables"]}
    equal(closure, {"args", "kwargs", "number", "why", "last", "function", "times"}, "names, those of the closure too")


@every(SYSTEM or ALL[:1])
def near_misses(name, path):
    """What is not there is an error that names what is."""
    target = target_of(path)
    refused(target, "transfr", "there is: transfer")
    refused(target, "entry transfr", "there is transfer")
    refused(target, "decorator.py:3", "there is decorators.py")
    refused(target, "decorator.py", "decorators.py")
    refused(target, f"{SOURCE}:3", "nearest: 2, 4")
    refused(target, "nothing_of_the_kind", "no function or source file")


@test
def lines_are_the_interpreter_s():
    """This interpreter's own line tables say the same."""
    target = target_of(sys.executable)

    def lines_of(code):
        found = {n for _, n in dis.findlinestarts(code) if n}
        for constant in code.co_consts:
            if hasattr(constant, "co_code"):
                found |= lines_of(constant)
        return found

    want = lines_of(compile(TEXT, SOURCE, "exec"))
    rows = {row["line"] for row in listed(target, SOURCE)["files"][0]["lines"]}
    equal(sorted(rows - want), [], "lines without code")
    missing = sorted(want - rows)
    check(all(TEXT.splitlines()[n - 1].lstrip().startswith(("finally", "def ", "with ")) for n in missing), f"lines that are missing: {missing}")


@test
def modules():
    """Without a pattern: the interpreter and its source files."""
    target = target_of(sys.executable)
    python = [m for m in listed(target)["modules"] if m["module"].startswith("CPython ")]
    equal(len(python), 1, "interpreters")
    check(str(target.pid) in python[0]["module"] and "%d.%d.%d" % sys.version_info[:3] in python[0]["module"], python[0]["module"])
    check(str(FOLDER / SOURCE) in python[0]["files"] and python[0]["functions"] > 100, "its files and functions")
    status, out, err = logpoint("list", "-p", str(target.pid))
    equal(status, 0, err)
    check("CPython" in out and SOURCE in out, out)


@each("json", "text")
def check_of_a_target(form):
    """Its version, its file, whether it can be logged."""
    target = target_of(sys.executable)
    status, out, err = logpoint("check", *(["--json"] if form == "json" else []), "-p", str(target.pid))
    equal(status, 0, err)
    version = "%d.%d.%d" % sys.version_info[:3]
    if form == "text":
        check(f"process {target.pid}: CPython {version} in " in out and "Logging is possible here." in out, out)
        return
    answer = json.loads(out)
    equal(len(answer["python"]), 1, "interpreters")
    python = answer["python"][0]
    equal((python["pid"], python["version"], python["can_be_logged"], python["why"]), (target.pid, version, True, None), "what it is")
    check(python["file"] in [f["file"] for f in answer["files"]], "its file is one of those that are listed")


sys.exit(main())
