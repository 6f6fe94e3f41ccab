# SPDX-License-Identifier: GPL-2.0-only
"""`logpoint list` and `logpoint check`: what they say agrees with the source and with what can be logged."""

import json
import re
import sys

from harness import SOURCES, Target, check, equal, line, logpoint, main, program, run_tool, scratch, test


def listed(*arguments):
    status, out, err = logpoint("list", "--json", *arguments)
    equal(status, 0, f"exit status ({err})")
    return json.loads(out)


@test
def functions():
    """By name and by glob, with the place of the definition."""
    path = program("service.c", opt="-O2")
    status, out, err = logpoint("list", "-x", path, "hand*")
    equal(status, 0, err)
    defined = [n for n, text in enumerate((SOURCES / "service.c").read_text().splitlines(), 1)
               if re.search(r"\bhandle\(.*\)$", text)]
    equal([int(n) for n in re.findall(r"service\.c:(\d+)", out)], defined[:1], "line of the definition")
    equal(logpoint("list", "-x", path, "no_such_function")[0], 2, "exit status for an unknown name")


@test
def lines():
    """Lines with code: those that debuggers know, none of a comment's."""
    path = program("service.c", opt="-O0")
    rows = {row["line"] for row in listed("-x", path, "service.c")["files"][0]["lines"]}
    decoded = run_tool("objdump", "--dwarf=decodedline", path)
    known = {int(words[1]) for words in map(str.split, decoded.splitlines())
             if len(words) > 2 and words[0] == "service.c" and words[1].isdigit()}
    check(rows and rows <= known, f"not in the line table: {sorted(rows - known)}")
    check(line("service.c", "handle") in rows, "the function's own line")
    check(1 not in rows, "a comment has code")


@test
def variables():
    """Names with type, and whether each can be had there, which a logpoint on them confirms."""
    path = program("service.c", opt="-O2")
    found = listed("-x", path, "entry handle")["places"][0]["variables"]
    by_name = {v["name"]: v for v in found}
    equal(by_name["req"]["type"], "struct req *", "type")
    equal(by_name["req"]["kind"], "argument", "kind")
    template = " ".join("{%s}" % name for name in by_name)
    status, _, err = logpoint("--format", "json", "-o", scratch("out"), f'entry handle "{template}" max 1',
                              "--", path, "2")
    equal(status, 0, err)
    record = json.loads(scratch("out").read_text().splitlines()[0])
    for name, variable in by_name.items():
        equal(name in record.get("values", {}), variable["available"], f"{name} can be had")


@test
def check_of_a_target():
    """Features, and where the debug information of each file is, or what to do."""
    equal(logpoint("check")[0], 0, "exit status where logging is possible")
    target = Target(program("service.c"), "1000000", "1", "1000")
    target.go()
    status, out, err = logpoint("check", "-p", str(target.pid))
    equal(status, 0, err)
    check("service" in out and "debug information" in out, out)


sys.exit(main())
