# SPDX-License-Identifier: GPL-2.0-only
"""Probes at cheaper instructions: the same hits with the same values as where they are meant."""

import json
import os
import re
import signal
import sys

from harness import at, check, each, equal, logpoint, main, note, program, run_tool, skip, test, tool, trace

# source and arguments, compiler, level
PROGRAMS = [("mix.c 20", "gcc", "-O2"), ("types.c", "gcc", "-O3"), ("recursion.c 5", "clang", "-O2"), ("inlined.c 20", "clang", "-O3"),
            ("shop.cc", "gcc", "-O2"), ("pieces.cc", "clang", "-O3"), ("types.c", "clang", "-O0"), ("steps.c 50", "gcc", "-O0")]
SHARES = 2  # every so many lines in one session: neighbours leave each other little room
CLAUSES = ("", '"at {$line}" with stack')  # in turn
PLACE = re.compile(r"^logpoint: (\w+): .* at (0x[0-9a-f]+) of ", re.M)
MOVED = re.compile(r"; probed (\d+) bytes (on|before), at 0x[0-9a-f]+ \((.*)\)$", re.M)
PYTHON = "/usr/bin/python3.11"
SCRIPT = """
numbers = [n ** 30 for n in range(40)]
words = {str(n): n for n in range(100)}
words.update(a=1, b=2); words.pop("5")
numbers.sort(key=lambda n: -n); numbers.reverse(); numbers.insert(3, 7); numbers.extend(range(5)); del numbers[2:5]
print(sum(numbers) * 3 // 7 % 1000003, -sum(numbers) >> 5, len(" ".join(sorted(words)).split("9")))
"""


def lines_of(binary, source):
    """The lines with code, as `list` says."""
    status, out, err = logpoint("list", "-x", binary, source, "--json")
    equal(status, 0, f"list: {err}")
    return [row["line"] for file in json.loads(out)["files"] for row in file["lines"]]


def run(command, points, place):
    """Records as (logpoint, what it says), in order; hits by logpoint; how many probes were moved, and are there; by logpoint
    another one that has a place in common with it, if any."""
    result = trace([tool("setarch"), "-R", *command], *points, options=("-v", "--place", place))
    said = []
    for record in result.records:
        for volatile in ("time", "pid", "tid", "elapsed_ns"):
            record.pop(volatile, None)
        said.append((record["logpoint"], json.dumps(record, sort_keys=True)))
    for name, counts in result.summary.items():
        equal(counts.lost, 0, f"{name}: lost")
    hits = {name: counts.hits for name, counts in result.summary.items()}
    return said, hits, len(MOVED.findall(result.err)), result.err.count("; probed "), first_of(PLACE.findall(result.err))


def first_of(places):
    """Of logpoints that have an address in common, one that stands for all: these have no order."""
    first = {}
    for name, address in places:
        first.setdefault(name, name)
        other = first.setdefault(address, first[name])
        first = {key: first[name] if value == other else value for key, value in first.items()}
    return first


def differ(command, points):
    """Both ways: the same, but for what varies by itself (was never set): moved probes, probes, records."""
    exact, exact_hits, none, total, first = run(command, points, "exact")
    cheap, cheap_hits, moved, _, _ = run(command, points, "cheap")
    equal(none, 0, "probes moved with --place exact")
    equal(cheap_hits, exact_hits, "hits")
    order, wanted = ([first.get(name, name) for name, _ in said] for said in (cheap, exact))
    for n, (mine, other) in enumerate(zip(order, wanted)):
        check(mine == other, f"record {n} is of {mine} instead of {other}")
    if cheap != exact:
        again = run(command, points, "exact")[0]
        equal(len(again), len(exact), "records of the same run again")
        by_name = (sorted(said, key=lambda record: record[0]) for said in (cheap, exact, again))
        for mine, one, two in zip(*by_name):
            check(mine == one or one != two, f"{mine[1]}\n  instead of {one[1]}")
    return moved, total, len(exact)


@each(*PROGRAMS)
def same_hits_and_values(source, cc, opt):
    """Every line of a program: its locals, or the stack."""
    source, *arguments = source.split()
    binary = program(source, cc=cc, opt=opt)
    points = [f"{source}:{line} {CLAUSES[n // SHARES % 2]} hit <= 50 as L{line}" for n, line in enumerate(lines_of(binary, source))]
    got = [differ([binary, *arguments], points[share::SHARES]) for share in range(SHARES)]
    moved, total, records = map(sum, zip(*got))
    note(f"{source} {cc} {opt}: {moved} of {total} probes moved, {records} records")
    check(moved > 0, "no probe was moved")


@each(("Objects/listobject.c", 9), ("Objects/longobject.c", 25))
def same_in_python(source, every):
    """Lines of a program not made here, with profile-guided and link-time optimisation."""
    if not os.path.exists(PYTHON) or not os.path.exists("/usr/share/doc/python3.11-dbg"):
        skip("python3.11-dbg is not installed")
    lines = lines_of(PYTHON, source)[3::every]
    # without stacks: how much of Python is known while the interpreter starts is a matter of time
    points = [f"{source}:{line} hit <= 20 as L{line}" for line in lines]
    moved, total, records = differ([tool("env"), "PYTHONHASHSEED=0", PYTHON, "-S", "-B", "-c", SCRIPT], points)
    note(f"{source}: {moved} of {total} probes moved, {records} records")
    check(moved > total / 5 and records > 100, "too few to tell")


def said_of(result, name):
    return [row for row in result.err.splitlines() if f"logpoint: {name}: " in row and "; probed " in row]


@test
def entry_past_its_mark():
    """endbr64, where calls may arrive: the probe of an entry, and of a return, is at the push behind it."""
    binary = program("recursion.c", flags=("-fcf-protection=full",))
    for location in ("entry", "call"):
        points = [f"{location} {name} as {name}" for name in ("down", "fib")]
        moved, total, records = differ([binary, "5"], points)
        check(moved and records, f"{location}: {moved} of {total} probes moved, {records} records")


@test
def neighbours_keep_their_order():
    """Places on all instructions of straight-line code: none is passed by another one's probe."""
    binary = program("recursion.c")
    rows = re.findall(r"^ +([0-9a-f]+):\t(\w+)", run_tool("objdump", "-d", "--no-show-raw-insn", "--disassemble=fib", binary), re.M)
    start = int(rows[0][0], 16)
    points = [f'fib+{int(place, 16) - start} "{{$hit}}" hit <= 3 as I{n}' for n, (place, what) in enumerate(rows) if "nop" not in what]
    moved, total, records = differ([binary, "5"], points)
    equal((moved, total), (0, len(points)), "probes moved, of")
    check(records > len(points), f"{records} records")


@each("segv", "bus")
def crashing_line(kind):
    """A hit at an instruction that fails is there (test_windows: also where its probe is behind that)."""
    binary = program("crashes.c", opt="-O0")  # which ends functions with a nop
    status = 128 + (signal.SIGSEGV if kind == "segv" else signal.SIGBUS)
    result = trace([binary, kind], f'{at("crashes.c", kind)} "here" as it', options=("-v",), status=status)
    equal([r["message"] for r in result.records], ["here"], "records")
    equal(result.counts("it").hits, 1, "hits")


@each("global", "stack")
def order_of_threads(where):
    """One thread stores, in the line that is probed, what another one waits for: its hit comes first, too."""
    result = trace([program("turns.c"), where, "2000"], f'{at("turns.c", where)} "" as tells', f'{at("turns.c", "sees")} "" as sees',
                   options=("--max-overhead", "none"))
    equal([result.counts(name).logged for name in ("tells", "sees")], [2000, 2000], "records")
    told = early = 0
    for record in result.records:
        if record["logpoint"] == "tells":
            told = record["hit"]
        elif record["hit"] > told:
            early += 1
    equal(early, 0, "records of what is seen in front of that which tells it")


@test
def locked_instruction():
    """The kernel takes no probe at a lock prefix: at the next instruction, unless memory is read meanwhile."""
    binary = program("service.c")
    place = at("service.c", "locked")
    result = trace([binary, "3"], f'{place} "there" as it', options=("-v",))
    equal(len(result.records), 3, "records")
    check(MOVED.search("\n".join(said_of(result, "it"))), result.err)
    status, _, err = logpoint("--place", "exact", f'{place} "there"', "--", binary, "3")
    check(status != 0 and "instruction" in err, f"status {status}: {err}")


@test
def exact_is_exact():
    """What -v says; a wrong word is refused."""
    binary = program("service.c")
    place = at("service.c", "handle")
    for how, moves in (("exact", False), ("cheap", True)):
        result = trace([binary, "3"], f'{place} "{{result}}" as it', options=("-v", "--place", how))
        told = "\n".join(said_of(result, "it"))
        check("; probed " in told, result.err)
        check(moves or "probed there" in told, told)
    status, _, err = logpoint("--place", "near", 'entry handle', "--", binary, "3")
    equal(status, 2, err)
    check("neither `cheap` nor `exact`" in err, err)


if __name__ == "__main__":
    sys.exit(main())
