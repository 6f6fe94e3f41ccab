# SPDX-License-Identifier: GPL-2.0-only
"""Every variable at many lines of optimised programs: logpoint and gdb must agree.

gdb stops at the addresses that logpoint names for a line, at the first hit of any of them; logpoint
logs the line once, with all locals. What gdb prints must be the same here. What gdb calls optimized
out must be so here. Where several lines begin at one address, views.py says which location a variable has on which
of them; gdb knows addresses alone. A value in a vector register, which no BPF program can read, must be said to be
unavailable.
"""

import collections
import dataclasses
import functools
import json
import os
import re
import struct
import sys

from harness import (COMPILERS, SOURCES, Failed, as_pointer, check, each, logpoint, main, note, program, read_records, read_summary,
                     same, scratch, skip, tool)
from views import debug_file, views_of

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
SHOWN = 25  # differences listed


def gdb(path, arguments, **job):
    """What gdb_values.py makes of a job."""
    job["out"] = str(scratch("gdb.out"))
    scratch("gdb.out").unlink(missing_ok=True)
    scratch("gdb.job").write_text(json.dumps(job))
    from harness import Process

    command = [tool("gdb"), "-batch", "-nx", "-ex", "set exec-wrapper env -i " + " ".join(
        f"{k}={v}" for k, v in ENVIRONMENT.items()), "-x", f"{HERE}/gdb_values.py", "--args", path, *arguments]
    process = Process(command, stdin=-3, env={**os.environ, "GDB_JOB": str(scratch("gdb.job"))})
    status = process.wait(200)
    check(status == 0 and scratch("gdb.out").exists(), f"gdb: {process.errors()[:1000]}")
    return json.loads(scratch("gdb.out").read_text())


def logged(path, arguments, source, lines):
    """{line: record}, {line: addresses}: each line logged once, and where that is."""
    points = scratch("points.lp")
    points.write_text("".join(f"{source}:{n} hit 1 as L{n}\n" for n in lines))
    records = scratch("records")
    status, _, err = logpoint("-v", "--format", "json", "-o", records, "--max-overhead", "none", "-f", points, "--", path, *arguments,
                              env=ENVIRONMENT, preexec_fn=fixed_addresses, timeout=120)
    check(status == 0, f"exit status {status}: {err[-3000:]}")
    read_summary(err)
    places = collections.defaultdict(list)
    for name, address in re.findall(r"^logpoint: L(\d+): .* at 0x([0-9a-f]+) of ", err, re.M):
        places[int(name)].append(int(address, 16))
    found = {int(r["logpoint"][1:]): r for r in read_records(records.read_text(errors="surrogateescape"))}
    return found, dict(places)


def fixed_addresses():
    import ctypes

    ctypes.CDLL(None).personality(0x0040000)  # ADDR_NO_RANDOMIZE, as gdb starts a program


def text_of(raw):
    return raw.decode("utf-8", "backslashreplace")


def agree(got, want):
    """gdb's value and ours; None where gdb's can't be compared."""
    if isinstance(want, dict):
        if "$string" in want:
            if not isinstance(got, str):
                return False
            text = text_of(bytes.fromhex(want["$string"]))
            return got == text or got.endswith("...") and text.startswith(got[:-3]) or "$cut" in want
        if "$gone" in want or "$error" in want:
            return got is None or want.get("$error") is not None and got is None
        if "$deep" in want or "$synthetic" in want or "$wide" in want or "$unknown" in want:
            return True
        if "$enum" in want and want["$enum"] is None and isinstance(got, str):
            return sum(want["$names"].get(n, 0) for n in got.split(" | ")) == want["value"]
        if not any(k.startswith("$") for k in want):
            if got == "..." or got is None and any_gone(want):
                return True
            if not isinstance(got, dict):
                return False
            return all(k in got and agree(got[k], want[k]) is not False for k in want) or "..." in got
    if isinstance(want, list):
        if got == "...":
            return True
        return isinstance(got, list) and len(got) == len(want) and all(agree(a, b) is not False for a, b in zip(got, want))
    if isinstance(want, dict) and "$ptr" in want:
        return as_pointer(got) is not None and agree_bits(as_pointer(got), want["$ptr"])
    if isinstance(want, dict) and "$complex" in want:
        parts = [re.findall(r"-?[0-9.]+(?:e[-+]?[0-9]+)?|nan|inf", text) for text in (str(got), want["$complex"])]
        return len(parts[0]) == 2 and list(map(float, parts[0])) == list(map(float, parts[1]))
    if isinstance(want, dict) and "$float" in want and isinstance(got, float):
        return same(got, want) or agree_bits(*(struct.unpack("Q", struct.pack("d", float(x)))[0]
                                               for x in (got, re.sub(r"nan.*", "nan", want["$float"]))))
    return same(got, want) or type(got) is int and type(want) is int and agree_bits(got, want)


def agree_bits(got, want):
    """The same, or an address of the area that the kernel maps by pages and, under gdb, elsewhere."""
    area = range(0x7ff000000000, 0x7ffff8000000)
    return got == want or got in area and want in area and (got - want) % 4096 == 0


def any_gone(want):
    return isinstance(want, dict) and ("$gone" in want or "$error" in want or any(map(any_gone, want.values())))


def values_of(record):
    return record.get("values", {})


def without_arrays(value):
    """Arrays inside of structs dropped: a program that isn't ours need not have filled them."""
    if isinstance(value, dict):
        return {k: without_arrays(v) for k, v in value.items() if not isinstance(v, list)}
    return value


def compare(path, arguments, source, lines, proof=None):
    """What became of each variable, and the list of those that are wrong. proof(line) gives the values of a
    line as they are without optimisation.
    """
    records, places = logged(path, arguments, source, lines)
    views = views_of(debug_file(path))
    functions = {n: short(r.get("function")) for n, r in records.items()}
    edges = {k: {str(a): views.differing(source, k, a, functions.get(k)) for a in v} for k, v in places.items()}
    theirs = {int(k): v for k, v in gdb(path, arguments, places=places, views=edges).items()}
    count, wrong, doubts = collections.Counter(), [], []
    for number in sorted(places):
        if (number in theirs) != (number in records):
            wrong.append(f"line {number}: hit in {'gdb' if number in theirs else 'logpoint'} alone, at "
                         f"{[hex(a) for a in places[number]]}")
        if number not in theirs or number not in records:
            count["lines not hit"] += 1
            continue
        count["lines"] += 1
        record, where = records[number], f"line {number} at {theirs[number]['address']:#x}"
        for name, want in theirs[number]["values"].items():
            want = want if proof else without_arrays(want)
            verdict = judge(name, want, record)
            location = views.expression(source, number, theirs[number]["address"], name, functions[number])
            if verdict.isupper() and short(theirs[number]["function"]) != short(record.get("function")):
                verdict = "of another function inlined here"
            elif verdict == "MISSED" and ("entry_value" in location or name in theirs[number]["entries"]):
                verdict = "known from the caller alone"
            if verdict == "UNAVAILABLE" and theirs[number]["prologue"] and name not in theirs[number]["arguments"]:
                verdict = "no frame yet"
            if verdict == "BETTER THAN GDB" and proof and same(values_of(record).get(name), proof(number).get(name)):
                verdict = "known here alone, proven without optimisation"
            entry = re.fullmatch(r"\(DW_OP_entry_value: \(DW_OP_reg\d+ \((\w+)\)\); DW_OP_stack_value\)", location)
            if verdict in ("BETTER THAN GDB", "DIFFERENT") and entry:
                doubts.append(Doubt(number, theirs[number]["address"], name, entry[1], values_of(record)[name]))
                continue
            count[verdict] += 1
            if verdict.isupper():
                got = record.get("values", {}).get(name, record.get("errors", {}).get(name))
                wrong.append(f"{where}: {verdict} {name}: {got!r}, gdb {json.dumps(want)[:200]}")
    settle(path, arguments, doubts, count, wrong)
    note(f"{path.name if hasattr(path, 'name') else path} {source}: " + ", ".join(f"{v} {k}" for k, v in sorted(count.items())))
    return count, wrong


@dataclasses.dataclass
class Doubt:
    """A value at the entry that gdb doesn't know, or takes from the wrong caller where one is inlined in another."""

    line: int
    address: int
    name: str
    register: str
    got: object


def settle(path, arguments, doubts, count, wrong):
    """Asks the function's entry itself."""
    found = gdb(path, arguments, entered=sorted({d.address for d in doubts})) if doubts else {}
    for doubt in doubts:
        registers = found.get(str(doubt.address)) or {}
        if as_pointer(doubt.got) is not None and agree_bits(as_pointer(doubt.got), registers.get(doubt.register, -1)):
            count["at entry, as seen there"] += 1
            continue
        count["DIFFERENT"] += 1
        wrong.append(f"line {doubt.line} at {doubt.address:#x}: {doubt.name}: {doubt.got!r}, at the function's entry {registers.get(doubt.register)}")


def all_gone(want):
    if isinstance(want, dict) and not any(k.startswith("$") for k in want):
        return all(map(all_gone, want.values()))
    return all(map(all_gone, want)) if isinstance(want, list) else isinstance(want, dict) and "$gone" in want


def short(function):
    return re.sub(r"[<(].*", "", function or "").split("::")[-1]


SPECIAL = {"$synthetic", "$unknown"}  # values that gdb can't tell


def judge(name, want, record):
    """One word or two on a variable; in capitals where it is a failure."""
    values, errors = record.get("values", {}), record.get("errors", {})
    if name in values:
        if isinstance(want, dict) and "$gone" in want:
            return "BETTER THAN GDB"
        for why in SPECIAL.intersection(want if isinstance(want, dict) else ()):
            return why[1:]
        return "equal" if agree(values[name], want) else "DIFFERENT"
    if name not in errors:
        return "not declared yet, gone in gdb" if isinstance(want, dict) and "$gone" in want else "ABSENT"
    reason = errors[name]
    if all_gone(want):
        return "gone in both"
    if isinstance(want, dict) and "$error" in want:
        return "error in both"
    if reason.startswith("unavailable"):
        return "unavailable" if isinstance(want, dict) and "$float" in want else "UNAVAILABLE"
    for why in SPECIAL.intersection(want if isinstance(want, dict) else ()):
        return why[1:]
    return "MISSED"


def differences(count, wrong, least):
    if wrong:
        more = f"\n... and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Failed(f"{len(wrong)} of {sum(count.values())}:\n" + "\n".join(wrong[:SHOWN]) + more)
    check(count["equal"] >= least, f"only {count['equal']} values compared")


OWN = [("mix.c", cc, opt, 150) for cc in COMPILERS for opt in ("-O1", "-O2", "-O3", "-Os")] + [
    ("service.c", "gcc", "-O2", 40), ("pieces.cc", "gcc", "-O2", 100), ("shop.cc", "gcc", "-O2", 60), ("shop.cc", "clang", "-O2", 60), ("types.c", "gcc", "-O2", 50),
    ("types.c", "clang", "-O2", 50), ("mix.c", "gcc", "-Og", 150), ("recursion.c", "gcc", "-O2", 20)]


@each(*OWN)
def own(source, cc, opt, least):
    path = program(source, cc, opt, flags=("-no-pie",), name=source.replace(".", "-"))
    lines, text = gdb(path, [], lines_of=source), (SOURCES / source).read_text().splitlines()
    if source == "types.c":  # elsewhere its variables still hold what was in memory before
        lines = [n for n in lines if re.search(r"@\w+ \*/", text[n - 1])]
    lines = [n for n in lines if "__atomic" not in text[n - 1]]  # the kernel can't probe a lock prefix
    other = program(source, cc, "-O0", flags=("-no-pie",), name=path.name)
    other_lines = gdb(other, [], lines_of=source)

    @functools.cache
    def plain(number):
        near = [n for n in other_lines if n >= number][:2]  # the first may be the head of the function
        _, places = logged(other, ["3"], source, near)
        found = gdb(other, ["3"], places={str(k): v for k, v in places.items()})
        values = [f["values"] for _, f in sorted(found.items()) if not f["prologue"]]
        return {k: as_record(v) for k, v in values[0].items()} if values else {}

    count, wrong = compare(path, ["3"], source, lines, plain)
    differences(count, wrong, least)


def as_record(value):
    """A value of gdb's in the form of a record."""
    if isinstance(value, dict) and "$string" in value:
        return text_of(bytes.fromhex(value["$string"]))
    return value


PYTHON = "/usr/bin/python3.11"
SCRIPT = """
numbers = [n ** 30 for n in range(40)]
total = sum(a + b for a, b in zip(numbers, numbers[1:]))
words = {str(n): n for n in range(100)}
words.update(a=1, b=2); words.pop("5")
numbers.sort(key=lambda n: -n); numbers.reverse(); numbers.insert(3, 7); numbers.extend(range(5)); del numbers[2:5]
text = " ".join(sorted(words)).upper().split("9")
print(total * 3 // 7 % 1000003, -total >> 5, total & 0xffff, len(text))
"""


@each(("Objects/listobject.c", 110), ("Objects/longobject.c", 110), ("Objects/dictobject.c", 110))
def python(source, least):
    """A program not made here, with profile-guided and link-time optimisation."""
    if not os.path.exists(PYTHON) or not os.path.exists("/usr/share/doc/python3.11-dbg"):
        skip("python3.11-dbg is not installed")
    arguments = ["-S", "-B", "-c", SCRIPT]  # no -E: the seed of hashes is in the environment
    lines = gdb(PYTHON, [], lines_of=source)[::6]
    count, wrong = compare(PYTHON, arguments, source, lines)
    differences(count, wrong, least)


sys.exit(main())
