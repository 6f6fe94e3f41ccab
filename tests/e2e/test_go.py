# SPDX-License-Identifier: GPL-2.0-only
"""Go: what its compiler's DWARF tells, with and without optimisation, against what the program prints."""

import os
import sys

from harness import BUILD, SOURCES, at, each, equal, logpoint, main, run_tool, scratch, tool, trace

# named by their address and length, as Go has them
TEXT = "{s.len} {s.str[:s.len]:s}"


def built(*flags, source="gopher"):
    os.environ.setdefault("GOCACHE", str(BUILD / "go"))
    out = scratch(source)
    run_tool(tool("go"), "build", *flags, "-o", out, SOURCES / f"{source}.go")
    return out


@each("plain", "optimised")
def values(kind):
    path = built(*(("-gcflags=-N -l",) if kind == "plain" else ()))
    result = trace([path], f'entry main.add "{{n}} {TEXT} {{p.X}} {{p.Y}} {{p.Name.str[:6]:s}}" as entry',
                   f'{at("gopher.go", "added")} "{{n}} {TEXT} {{total}} {{p.X}}" as line', 'entry main.(*Point).Move "{p.Y} {dx}" as move',
                   'entry main.add if n >= 3 as late')
    rows = [row.split() for row in result.out.splitlines()]
    equal(len(rows), 5, "rows that the program prints")
    before = {"x": 1, "y": 2}
    entries = [r for r in result.records if r["logpoint"] == "entry"]
    lines = [r for r in result.records if r["logpoint"] == "line"]
    for (n, s, total, x, y), entry, line in zip(rows, entries, lines, strict=True):
        equal(entry["message"], f"{n} 2 {s} {before['x']} {before['y']} origin", "at the entry")
        kept = n if kind == "plain" else "<optimized out>"
        equal(line["message"], f"{kept} 2 {s} {total} {x}", "at the line")
        before = {"x": int(x), "y": int(y) + int(n)}
    equal(result.counts("late").logged, 2, "records of a condition")
    moves = [r["values"]["dx"] for r in result.records if r["logpoint"] == "move"]
    equal(moves, list(range(5)), "arguments of a method, in goroutines")


@each("cheap", "exact")
def interrupted(place):
    """A call is one hit, however often the scheduler sends it back to the function's start."""
    result = trace([built(source="preempted")], "entry main.step if n >= 0 rate 10/s as step", options=("--place", place))
    equal(result.counts("step").hits, 100000, "hits")


@each("return", "call")
def refused(kind):
    status, _, err = logpoint(f"{kind} main.add", "--", built())
    equal(status, 2, "exit status")
    equal("the return of a Go function (main.add)" in err, True, err)


sys.exit(main())
