# SPDX-License-Identifier: GPL-2.0-only
"""Python processes that are targets by what they run or where they run, and that come and go."""

import contextlib
import os
import pathlib
import re
import signal
import sys

from harness import Here, Process, Tracer, check, copy_of, equal, main, note, program, read_records, skip, test, until
from interpreters import ALL, SYSTEM, VERSION, Program

TICK = 'entry tick "{number} {who}" as t'
OTHERS = [pair for pair in ALL if pair not in SYSTEM]
FAST = ("-I", "-S")


class Cgroup:
    """One of the test's own."""

    def __init__(self):
        rows = [row.split() for row in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
        mounts = [row[1] for row in rows if row[2] == "cgroup2"]
        if not mounts:
            skip("no cgroup2 hierarchy")
        self.path = pathlib.Path(mounts[0]) / f"logpoint{os.getpid()}"
        try:
            self.path.mkdir()
        except OSError as why:
            skip(f"no cgroup to be had: {why}")
        Here.stack.callback(self.remove)

    def remove(self):
        def gone():
            try:
                self.path.rmdir()
            except OSError:
                return False
            return True
        until(gone, f"{self.path} to be empty", timeout=10)

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))


def start(cgroup, path, *args, flags=FAST):
    return Program(path, "ticking.py", *args, flags=flags, preexec_fn=cgroup.enter if cgroup else None)


def ticks(tracer):
    """{(pid, who it says it is): [numbers]} of the records that are there."""
    if not hasattr(tracer, "ticks"):
        tracer.ticks, tracer.seen = {}, 0
    with contextlib.suppress(FileNotFoundError), open(tracer.records_file, "rb") as file:
        file.seek(tracer.seen)
        text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        tracer.seen += len(text)
        for record in read_records(text.decode()):
            if record["logpoint"] == "t":
                tracer.ticks.setdefault((record["pid"], record["values"]["who"]), []).append(record["values"]["number"])
    return tracer.ticks


def wait_ticks(tracer, who, pid=None, count=5):
    """Records of a process that says so: its numbers."""
    def seen():
        for (number, name), values in ticks(tracer).items():
            if name == who and pid in (None, number) and len(values) >= count:
                return values
        return None
    return until(lambda: seen() or not tracer.alive(), lambda: f"{who}, {pid} in {ticks(tracer).keys()}: {tracer.errors()[-1500:]}")


def in_a_row(tracer):
    for key, numbers in ticks(tracer).items():
        equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), f"ticks of {key}")


def finish(tracer):
    result = tracer.finish(interrupt=True)
    in_a_row(tracer)
    equal(result.counts("t").lost, 0, "lost")
    return result


def system():
    return SYSTEM[0][1] if SYSTEM else skip("no /usr/bin/python3")


@test
def cgroup():
    """Processes that are in it, that come later, of two versions, beside a native one."""
    path = system()
    cgroup = Cgroup()
    first = start(cgroup, path, -1)
    tracer = Tracer(None, TICK, target=["--cgroup", cgroup.path])
    first.go()
    wait_ticks(tracer, VERSION, first.pid)
    later = start(cgroup, path, -1)
    later.go()
    wait_ticks(tracer, VERSION, later.pid)
    if OTHERS:
        name, other = OTHERS[-1]
        another = start(cgroup, other, -1)
        another.go()
        wait_ticks(tracer, name, another.pid)
    native = Process([program("ticker.c"), "100000"], preexec_fn=cgroup.enter)
    wait_ticks(tracer, str(program("ticker.c")), native.pid)
    outside = start(None, path, -1)
    outside.go()
    count = len(ticks(tracer)[first.pid, VERSION])
    wait_ticks(tracer, VERSION, first.pid, count + 20)
    native.end()
    check(outside.pid not in {pid for pid, _ in ticks(tracer)}, "another cgroup's process is none")
    finish(tracer)


@test
def workers():
    """Forked children, also one that outlives its parent; another program by exec and in a child."""
    path = system()
    cgroup = Cgroup()
    parent = start(cgroup, path, -1, "fork", 3)
    leaving = start(cgroup, path, -1, "leave")
    again = start(cgroup, path, -1, "exec")
    spawning = start(cgroup, path, -1, "spawn")
    tracer = Tracer(None, TICK, target=["--cgroup", cgroup.path])
    for target in (parent, leaving, again, spawning):
        target.go()
    for n in range(3):
        wait_ticks(tracer, f"{VERSION} child {n}")
    wait_ticks(tracer, f"{VERSION} left")
    equal(leaving.wait(), 0, "the parent's end")
    left = [key for key in ticks(tracer) if key[1] == f"{VERSION} left"]
    wait_ticks(tracer, f"{VERSION} left", count=len(ticks(tracer)[left[0]]) + 20)
    for target in (again, spawning):
        target.wait_ready()
        target.go()
    wait_ticks(tracer, f"{VERSION} before", again.pid, 3)
    wait_ticks(tracer, VERSION, again.pid)
    until(lambda: [k for k in ticks(tracer) if k[1] == VERSION and k[0] != again.pid], "the child's program")
    os.kill(left[0][0], signal.SIGKILL)
    finish(tracer)


@test
def executable():
    """Every process that runs an interpreter, their forked children too, and however many end while it begins."""
    path = copy_of(pathlib.Path(os.path.realpath(system())))  # that only this test runs
    first = start(None, path, -1)
    passing = Process(["sh", "-c", f"while :; do {path} -I -S -c 'def tick(number, who): pass'; done"])
    tracer = Tracer(None, TICK + f' if who.startswith("{VERSION}")', target=["-x", path])
    passing.end()
    first.go()
    wait_ticks(tracer, VERSION, first.pid)
    parent = start(None, path, -1, "fork", 2)
    parent.go()
    for n in range(2):
        wait_ticks(tracer, f"{VERSION} child {n}")
    again = start(None, path, -1, "exec")
    until(lambda: f"of process {again.pid}\n" in tracer.errors(), "it to be armed")
    again.go()
    wait_ticks(tracer, f"{VERSION} before", again.pid, 3)
    again.wait_ready()
    again.go()
    wait_ticks(tracer, VERSION, again.pid)
    finish(tracer)


@test
def forked_at_once():
    """Children whose parent has forked them before its places were found."""
    path = copy_of(pathlib.Path(os.path.realpath(system())))
    start(None, path, -1)  # waits, and keeps the interpreter's file in use
    tracer = Tracer(None, TICK, target=["-x", path])
    parents = [start(None, path, -1, "fork", 2) for _ in range(4)]
    for parent in parents:
        parent.go()
    until(lambda: len({key for key in ticks(tracer) if "child" in key[1]}) == 8 or not tracer.alive(),
          lambda: f"all children in {ticks(tracer).keys()}: {tracer.errors()[-1500:]}")
    finish(tracer)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


@test
def come_and_go():
    """Short-lived processes one after another: each is logged, and nothing of them is left."""
    path = system()
    cgroup = Cgroup()
    rounds = int(os.environ.get("ROUNDS", "3"))
    start(cgroup, path, -1)  # waits, and keeps the interpreter's file in use
    tracer = Tracer(None, TICK, target=["--cgroup", cgroup.path])
    for n in range(rounds + 1):
        if n == 1:  # what is opened once for all is there
            until(lambda: "has ended" in tracer.errors(), "the end to be noticed")
            before = descriptors(tracer.pid)
        if n == 10:
            resident = memory(tracer.pid)
        passing = start(cgroup, path, -1)
        passing.go()
        wait_ticks(tracer, VERSION, passing.pid)
        passing.popen.stdin.close()
        equal(passing.wait(), 0, "exit status")
        passing.popen.stdin = None
    until(lambda: descriptors(tracer.pid) <= before, f"no more than {before} descriptors: {descriptors(tracer.pid)}")
    if rounds > 10:
        note(f"{rounds} processes: {resident} KiB became {memory(tracer.pid)}")
    finish(tracer)


sys.exit(main())
