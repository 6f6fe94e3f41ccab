# SPDX-License-Identifier: GPL-2.0-only
"""The stack at many lines of optimised programs: logpoint and gdb's `bt` must agree, frame by frame.

gdb stops at the addresses that logpoint names for a line, at their first hits; logpoint logs the same hits with the
whole stack. Function, file and line of each frame must be the same, inlined functions and those of libraries included.
"""

import bisect
import collections
import functools
import json
import os
import pathlib
import re
import sys

from harness import (COMPILERS, SOURCES, Failed, Process, Target, check, each, equal, logpoint, main, note, program, read_records,
                     read_summary, scratch, skip, test, tool, until)
from views import debug_file, readelf

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
SHOWN = 20  # differences listed
FRAMES = 200
OPTIMISED = ("-fomit-frame-pointer",)


def gdb(command, **job):
    """What gdb_frames.py makes of a job."""
    job["out"] = str(scratch("gdb.out"))
    scratch("gdb.out").unlink(missing_ok=True)
    scratch("gdb.job").write_text(json.dumps(job))
    process = Process([tool("gdb"), "-batch", "-nx", "-ex", "set exec-wrapper env -i " + " ".join(
        f"{k}={v}" for k, v in ENVIRONMENT.items()), "-x", f"{HERE}/gdb_frames.py", *command], stdin=-3,
        env={**os.environ, "GDB_JOB": str(scratch("gdb.job"))})
    status = process.wait(200)
    check(status == 0 and scratch("gdb.out").exists(), f"gdb: {process.errors()[-1000:]}")
    return json.loads(scratch("gdb.out").read_text())


def logged(command, wanted):
    """{key: stacks}, {key: addresses} of the first hits of lines: {key: (location, hits)}."""
    points = scratch("points.lp")
    points.write_text("".join(f'{at} "" hit <= {hits} with stack as {key}\n' for key, (at, hits) in wanted.items()))
    records = scratch("records")
    status, _, err = logpoint("-v", "--format", "json", "-o", records, "--max-overhead", "none", "--all-frames", "--max-frames", str(FRAMES),
                              "-f", points, "--", *command, env=ENVIRONMENT, preexec_fn=fixed_addresses, timeout=120)
    check(status == 0, f"exit status {status}: {err[-3000:]}")
    check(all(c.lost == 0 for c in read_summary(err).values()), f"lost records: {err[-3000:]}")
    places, stacks = collections.defaultdict(list), collections.defaultdict(list)
    for key, address, name in re.findall(r"^logpoint: (\w+): .* at 0x([0-9a-f]+) of ([^\s;]+)", err, re.M):
        places[key].append((name, int(address, 16)))
    for record in read_records(records.read_text(errors="surrogateescape")):
        stacks[record["logpoint"]].append(record["stack"])
    return stacks, places


def fixed_addresses():
    import ctypes

    ctypes.CDLL(None).personality(0x0040000)  # ADDR_NO_RANDOMIZE, as gdb starts a program


def shown(frame):
    where = frame.get("file", "").rsplit("/", 1)[-1]
    return f"{frame.get('function', '?')} {where}:{frame.get('line', 0)}"


def plain(function):
    """Without parameters and arguments of templates, which gdb spells in its own way, and what the names of aliases and clones have
    for the assembler.
    """
    text, depth, found = (function or "?").replace("(anonymous namespace)", "{anonymous}"), 0, ""
    for at, char in enumerate(text):
        if char in "<(" and not text[:at].endswith(("operator", "operator<")):
            depth += 1
        elif char in ">)" and depth:
            depth -= 1
        elif not depth:
            found += char
    found = re.sub(r"::(\$_\d+|{lambda#\d+}|<lambda>)(?=::|$)", "", found)  # which one it is of several is told by the line
    found = re.sub(r"\.(isra|constprop|part|cold|lto_priv)\.\d+$", "", found)
    return found.removesuffix(" const").replace("long int", "long").removeprefix("__GI_")


def same_function(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    # of a function in a function gdb has the last part alone
    return ours == theirs or "::" not in theirs and ours.endswith("::" + theirs)


@functools.cache
def rows_of(path):
    """Of a line table: {address: {(file, line)}} of the rows that begin there, and their addresses in order; {file: lines of statements}."""
    rows, lines = collections.defaultdict(set), collections.defaultdict(set)
    for row in readelf(debug_file(path), "--debug-dump=decodedline"):
        words = row.split()
        if len(words) >= 3 and words[2].startswith("0x") and words[1].isdigit():
            file, line = words[0].rsplit("/", 1)[-1], int(words[1])
            rows[int(words[2], 16)].add((file, line))
            if words[-1] == "x":
                lines[file].add(line)
    return rows, sorted(rows), lines


def is_row(frame, theirs):
    """Is a line one of those that begin at one address, of which gdb, with a table a file, takes any?"""
    rows, addresses, _ = rows_of(theirs["row"][0])
    at = bisect.bisect(addresses, theirs["row"][1]) - 1
    where = [(os.path.basename(f.get("file", "")), f.get("line", 0)) for f in (frame, theirs)]
    return at >= 0 and {*where} <= rows[addresses[at]]


def same_frame(ours, theirs):
    if theirs["kind"] == "signal":
        return ours.get("function") == "__restore_rt"
    if not same_function(ours.get("function"), theirs.get("function")):
        return False
    files = [f.get("file") and os.path.basename(f["file"]) for f in (ours, theirs)]
    return [files[0], ours.get("line")] == [files[1], theirs.get("line")] or "row" in theirs and is_row(ours, theirs)


def without_loops(stack):
    """gdb's frames without the interpreter's loop and what is inlined in it: here Python's own stand there. But where the logpoint is."""
    loops = {f["pc"] for f in stack if f.get("function") == "_PyEval_EvalFrameDefault"}
    return [f for n, f in enumerate(stack) if n == 0 or f["pc"] not in loops]


def native(stack):
    """Without Python's frames: some have no name, as the program has ended when it is looked up, some are not known ("...")."""
    return [f for f in stack if f.get("file", ".c").endswith((".c", ".h", ".S")) and f.get("function", "...") != "..."]


def both_native(ours, theirs):
    """Nothing of gdb's where the interpreter is not ready yet: its loop can be shown as it is then."""
    is_ready = not any(f.get("function") == "pyinit_core" for f in theirs)
    return native(ours), without_loops(theirs) if is_ready else []


def entered(ours, theirs):
    """gdb's frames without those that are not on the stack: that of a function which has jumped to the next one, and of copies that
    begin at the instruction of the logpoint's own line.
    """
    theirs = [f for f in theirs if f["kind"] != "tail"]
    while theirs[0]["kind"] == "inlined" and not same_function(ours[0].get("function"), theirs[0].get("function")):
        del theirs[0]
    return theirs


def differ(ours, theirs, line=None):
    """What of two stacks differs; None: nothing. line: of the first frame, where it is the logpoint's own."""
    for n, (a, b) in enumerate(zip(ours, theirs)):
        is_own = n == 0 and line is not None
        if not (same_function(a.get("function"), b.get("function")) and a.get("line") == line if is_own else same_frame(a, b)):
            return f"frame {n}: {shown(a)} instead of {shown(b)}"
    if len(ours) != len(theirs):
        return f"{len(ours)} frames instead of {len(theirs)}"
    return None


def compare(command, wanted, count, only=lambda ours, theirs: (ours, theirs)):
    """The list of what is wrong; count: what was compared; only: of two stacks what is to be."""
    stacks, places = logged(command, wanted)
    theirs = gdb(["--args", *command], places={k: {"at": v, "hits": wanted[k][1]} for k, v in places.items()})
    wrong = []
    for key, at in places.items():
        ours = stacks[key]
        if len(ours) != len(theirs[key]):
            wrong.append(f"{wanted[key][0]}: {len(ours)} hits, {len(theirs[key])} in gdb, at {at}")
        for hit, (a, b) in enumerate(zip(ours, theirs[key]), 1):
            a, b = only(a, entered(a, b))
            count["stacks"] += bool(b)
            count["frames"] += len(a)
            for frame in b:
                count[frame["kind"]] += 1
            why = b and differ(a, b, int(wanted[key][0].split(":")[1]))
            if why:
                wrong.append(f"{wanted[key][0]} hit {hit}: {why}\n    ours {' < '.join(map(shown, a))}\n    gdb  {' < '.join(map(shown, b))}")
    return wrong


def judge(wrong, count, **least):
    note(", ".join(f"{v} {k}" for k, v in sorted(count.items())))
    if wrong:
        more = f"\n... and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Failed(f"{len(wrong)} of {count['stacks']}:\n" + "\n".join(wrong[:SHOWN]) + more)
    for kind, number in least.items():
        check(count[kind] >= number, f"only {count[kind]} {kind}: {dict(count)}")


def lines_of(path, source, every=1, hits=3):
    """Each line of a source that has code; of note(), which all others call, each hit."""
    text = (SOURCES / source).read_text().splitlines() if (SOURCES / source).exists() else []
    inside = [n for n, row in enumerate(text, 1) if re.search(r"\bnote\(long n\)$", row)]
    wanted = {}
    for number in sorted(rows_of(path)[2][os.path.basename(source)])[::every]:
        deep = bool(inside) and inside[0] < number < inside[0] + 6
        wanted[f"{re.sub('[^a-z]', '', source)}{number}"] = f"{source}:{number}", 300 if deep else hits
    return wanted


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O2", "-O3")])
def calls(cc, opt):
    library = program("framelib.c", cc, opt, flags=("-shared", "-fPIC", *OPTIMISED), name="libframes.so")
    path = str(program("frames.c", cc, opt, flags=OPTIMISED, libs=(str(library), f"-Wl,-rpath,{library.parent}", "-lpthread")))
    count = collections.Counter()
    judge(compare([path], lines_of(path, "frames.c") | lines_of(str(library), "framelib.c"), count), count, stacks=100, inlined=100, signal=1)


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O2",)])
def cplusplus(cc, opt):
    path = str(program("frames.cc", cc, opt, flags=OPTIMISED))
    count = collections.Counter()
    judge(compare([path], lines_of(path, "frames.cc"), count), count, stacks=100)


PYTHON = "/usr/bin/python3.11"
SCRIPT = """
import functools, itertools, re
numbers = [n ** 30 for n in range(40)]
total = sum(a + b for a, b in zip(numbers, numbers[1:]))
words = {str(n): n for n in range(100)}
words.update(a=1, b=2); words.pop("5")
numbers.sort(key=lambda n: -n); numbers.reverse(); numbers.insert(3, 7); numbers.extend(range(5)); del numbers[2:5]
class Number:
    def __init__(self, n): self.n = n
    def __lt__(self, other): return self.n < other.n
    def __eq__(self, other): return self.n == other.n
    def __hash__(self): return hash(self.n % 3)
    def __repr__(self): return str([self.n])
known = {Number(n): n for n in range(9)}
text = repr(sorted(known)) + re.sub("[0-9]", lambda m: str(Number(int(m[0]))), "a1b22c")
functools.reduce(lambda a, b: a + b, map(hash, known), 10 ** 40) // 7 % 1000003
"""


@test
def python():
    """A program not made here, with profile-guided and link-time optimisation, in the middle of its functions."""
    if not os.path.exists(PYTHON) or not os.path.exists("/usr/share/doc/python3.11-dbg"):
        skip("python3.11-dbg is not installed")
    count = collections.Counter()
    command = [PYTHON, "-S", "-B", "-c", SCRIPT]
    wanted = {}
    for source in "Objects/listobject.c", "Objects/longobject.c", "Objects/dictobject.c", "Objects/call.c":
        wanted |= lines_of(PYTHON, source, every=80, hits=2)
    judge(compare(command, wanted, count, both_native), count, stacks=30, inlined=300)


def waits(pid):
    """{comm: number of the system call that it waits in; None: it runs}"""
    found = {}
    for folder in pathlib.Path(f"/proc/{pid}/task").iterdir():
        call = (folder / "syscall").read_text().split()[0]
        found[(folder / "comm").read_text().strip()] = int(call) if call.isdigit() else None
    return found


@each(*COMPILERS)
def threads(cc):
    """All threads of a process that waits, at once."""
    target = Target(program("stacks.c", cc, "-O2", flags=OPTIMISED))
    until(lambda: waits(target.pid) == {"stacks": 0, "locker": 202, "sleeper": 230, "receiver": 0, "spinner": None}, "the threads to wait")
    status, out, err = logpoint("stacks", "-p", str(target.pid), "--all-frames", "--format", "json")
    check(status == 0, err)
    ours = {t["tid"]: t for t in json.loads(out)["processes"][0]["threads"]}
    theirs = {int(tid): stack for tid, stack in gdb(["-p", str(target.pid)], threads=True).items()}
    equal(ours.keys(), theirs.keys(), "threads")
    for tid, thread in ours.items():
        if thread["comm"] == "spinner":  # runs on meanwhile
            equal([f["function"] for f in thread["stack"]], [f["function"] for f in theirs[tid]], "the functions of the one that computes")
            continue
        why = differ(thread["stack"], theirs[tid])
        check(not why, f"{thread['comm']}: {why}\n    ours {' < '.join(map(shown, thread['stack']))}\n    gdb  {' < '.join(map(shown, theirs[tid]))}")


sys.exit(main())
