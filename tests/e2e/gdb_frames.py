# SPDX-License-Identifier: GPL-2.0-only
"""Run by gdb: the stacks that gdb sees.

Environment GDB_JOB, a JSON file {"out": FILE, ...}. With "places": {KEY: {"at": [ADDRESS, ...], "hits": N}} it runs the program and writes {KEY: [STACK, ...]}, one for
each of the first N hits of any of the addresses. Of a process that it is attached to ("threads": true) it writes {TID: STACK}.

An ADDRESS is [FILE, number]: as the file itself has it. A STACK is a list of frames, innermost first: {"function", "file", "line", "pc",
"kind": "call", "inlined", "tail" (it has jumped to the next inner one) or "signal", "row": ADDRESS that the line was looked up by};
absent members are not known. All copies that begin at the first frame's instruction are in it.
"""

import json
import os
import re

import gdb

KINDS = {gdb.INLINE_FRAME: "inlined", gdb.TAILCALL_FRAME: "tail", gdb.SIGTRAMP_FRAME: "signal"}
FRAMES = 200
STARTS = 3  # of a program, until gdb knows its libraries


def inlined_at(address):
    """How many copies inlined in each other an address is in."""
    block, functions = gdb.block_for_pc(address), 0
    while block and not block.is_static:
        functions += block.function is not None
        block = block.superblock
    return max(functions - 1, 0)


def inlined_shown():
    frame, found = gdb.newest_frame(), 0
    while frame and frame.type() == gdb.INLINE_FRAME:
        frame, found = frame.older(), found + 1
    return found


def stack(bias):
    # where a copy begins gdb shows the caller first, and then steps in without anything being executed
    address = gdb.newest_frame().pc()
    while inlined_shown() < inlined_at(address):
        gdb.execute("step", to_string=True)
        if gdb.newest_frame().pc() != address:
            raise gdb.GdbError(f"the step into a copy at {address:#x} has moved")
    found, frame = [], gdb.newest_frame()
    while frame and len(found) < FRAMES:
        place, kind, pc = frame.find_sal(), KINDS.get(frame.type(), "call"), frame.pc()
        told = {"function": frame.name(), "file": place.symtab and place.symtab.fullname(), "line": place.line or None, "pc": pc, "kind": kind}
        if place.symtab and (not found or found[-1]["pc"] != pc or found[-1]["kind"] != "inlined"):
            returns = found and found[-1]["kind"] != "signal"
            name = os.path.basename(gdb.solib_name(pc) or gdb.current_progspace().filename)
            told["row"] = place.symtab.objfile.filename, pc - bool(returns) - bias[name]
        found.append({key: value for key, value in told.items() if value is not None})
        frame = frame.older()
    return found


def mappings():
    """Those of files: first address, one behind, permissions, offset, path."""
    with open(f"/proc/{gdb.selected_inferior().pid}/maps") as maps:
        for addresses, permissions, offset, _, inode, *path in (row.rstrip("\n").split(maxsplit=5) for row in maps):
            if inode != "0" and not path[0].endswith(" (deleted)"):
                yield (*(int(a, 16) for a in addresses.split("-")), permissions, int(offset, 16), path[0])


def biases():
    """{file name: what is added to its addresses in the process}"""
    found = {}
    for first, _, _, offset, path in mappings():
        if offset == 0:
            with open(path, "rb") as file:
                moves = file.read(17)[16:] == b"\3"  # ET_DYN
            found.setdefault(os.path.basename(path), first if moves else 0)
    return found


def unknown_libraries():
    return [path for first, end, permissions, _, path in mappings()
            if "x" in permissions and ".so" in path and not any(map(gdb.solib_name, range(first, end, 64)))]


def load():
    """Runs the program until the loader has mapped its libraries and enters it."""
    for _ in range(STARTS):
        gdb.execute("starti", to_string=True)
        entry = re.search(r"AT_ENTRY.*(0x[0-9a-f]+)", gdb.execute("info auxv", to_string=True))[1]
        gdb.execute(f"tbreak *{entry}", to_string=True)
        gdb.execute("continue", to_string=True)
        read = gdb.execute("sharedlibrary", to_string=True)  # which it knows by events of the loader else, and at times gets none
        if not unknown_libraries():
            return
    raise gdb.GdbError(f"gdb does not know {unknown_libraries()}: {read}")


def run(places):
    load()
    bias = biases()
    waiting, points, found = {}, {}, {key: [] for key in places}
    for key, place in places.items():
        for name, address in place["at"]:
            waiting.setdefault(address + bias[name], set()).add(key)
    for address in waiting:
        points[address] = gdb.Breakpoint(f"*{address:#x}", internal=True)
        points[address].silent = True
    gdb.execute("continue", to_string=True)
    while gdb.selected_inferior().pid:
        address = int(gdb.newest_frame().pc())
        if address in points:
            seen = stack(bias)
            for key in waiting[address]:
                if len(found[key]) < places[key]["hits"]:
                    found[key].append(seen)
        for other in [a for a in points if all(len(found[k]) >= places[k]["hits"] for k in waiting[a])]:
            points.pop(other).delete()
        gdb.execute("continue" if points else "kill", to_string=True)
    return found


def threads():
    found, bias = {}, biases()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        found[thread.ptid[1]] = stack(bias)
    gdb.execute("detach", to_string=True)
    return found


with open(os.environ["GDB_JOB"]) as job_file:
    job = json.load(job_file)
for setting in ("pagination off", "confirm off", "startup-with-shell on", "disable-randomization on", "breakpoint pending on",
                f"backtrace limit {FRAMES}", "backtrace past-main on", "debuginfod enabled off"):
    gdb.execute(f"set {setting}")
for number in ("SIGUSR1", "SIGALRM"):
    gdb.execute(f"handle {number} nostop noprint pass", to_string=True)
if "threads" in job:
    answer = threads()
else:
    answer = run(job["places"])
with open(job["out"], "w") as out:
    json.dump(answer, out)
