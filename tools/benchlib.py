# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: programs that measure themselves, and the tools beside them."""

import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

from benchtable import OUT, ROOT

PROGRAMS = ROOT / "tests" / "targets" / "python"
LOGPOINT = ROOT / "build" / "logpoint"
FLOOR = ROOT / "build" / "tools" / "floor"

WINDOW_SECONDS = 1.5
BATCHES_MIN, WINDOWS_MOST = 5, 8
ARMED_SECONDS = END_SECONDS = 60
FLOOR_NAME = "empty BPF program (the floor)"
PT_LOAD = 1


def cpus():
    """One for the program and one for the tool, where there are two; the program counts its own time."""
    have = sorted(os.sched_getaffinity(0))
    return have[0], have[1 % len(have)]


TARGET_CPU, TOOL_CPU = cpus()


def pinned(cpu, *command):
    return ["nice", "-n", "-15", "taskset", "-c", str(cpu), *map(str, command)]


def marked_line(program, marker):
    for number, text in enumerate(program.read_text().splitlines(), 1):
        if f"# @{marker}" in text:
            return number
    raise LookupError(f"{program.name} has no line marked @{marker}")


def progress(text=""):
    """On a line of its own, which the next one replaces; to who looks."""
    if sys.stderr.isatty():
        print(f"\r{text:78}\r", end="", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise RuntimeError(f"waited {timeout} s for {what}")


class Program:
    """A measured program, and what it has said about itself. Those that are alike are laid out in memory alike."""

    def __init__(self, path, kinds, python, *args, prefix=(), name="program"):
        self.kinds = kinds
        self.path = OUT / f"{name}.out"
        errors = OUT / f"{name}.err"
        self.out, self.err = open(self.path, "wb"), open(errors, "wb")
        self.process = subprocess.Popen(pinned(TARGET_CPU, "setarch", "-R", python, *prefix, path, *args),
                                        env={**os.environ, "PYTHONHASHSEED": "0"},
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)
        until(lambda: b"ready" in self.path.read_bytes() or self.process.poll() is not None, "the program", 120)
        if self.process.poll() is not None:
            raise RuntimeError(f"the program ended: {errors.read_text()[-300:]}")
        self.pid = self.process.pid

    def said(self):
        return self.path.stat().st_size

    def measured(self, since):
        """ns a call of each of its kinds, of the batches since it had said so much: their lower quartiles, as who else uses
        the machine only adds. None: there are too few."""
        with open(self.path, encoding="ascii") as lines:
            lines.seek(since)
            rows = [line.split() for line in lines.read().split("\n")[2:-1]]
        costs = [[float(row[1]) for row in rows if row[0] == kind] for kind in self.kinds]
        if min(map(len, costs)) < BATCHES_MIN:
            return None
        return [statistics.quantiles(each, n=4)[0] for each in costs]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()


def window(programs, seconds):
    """measured() of each program meanwhile. Longer where one is slow."""
    since = [program.said() for program in programs]
    for _ in range(WINDOWS_MOST):
        time.sleep(seconds)
        found = [program.measured(start) for program, start in zip(programs, since)]
        if all(found):
            return found
    raise RuntimeError("the program hardly runs")


@contextlib.contextmanager
def ahead(cpu=None):
    """What is started meanwhile is as pinned() does, but without the time that other programs' start takes."""
    usual, nice = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
    os.sched_setaffinity(0, usual if cpu is None else {cpu})
    os.setpriority(os.PRIO_PROCESS, 0, -15)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        os.sched_setaffinity(0, usual)


@contextlib.contextmanager
def ended_after(process, seconds):
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Attached:
    """A tool beside the program, until end(); when this returns it is armed, `armed` seconds after its start."""

    def __init__(self, *command, armed):
        began = time.monotonic()
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace")
        self.pid, self.said = self.process.pid, ""
        with ended_after(self.process, ARMED_SECONDS):
            for line in self.process.stdout:
                self.said += line
                if re.search(armed, line):
                    break
            else:
                self.process.wait()
                raise RuntimeError(f"{self.process.args[-1]}: not armed: {self.said[-500:]}")
        self.armed = time.monotonic() - began

    def end(self):
        """What it has said."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.send_signal(signal.SIGINT)
        with ended_after(self.process, END_SECONDS):
            self.said += self.process.stdout.read()
            self.process.wait()
        return self.said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def logpoint(pid, *arguments, out=OUT / "records.out", prefix=pinned(TOOL_CPU)):
    return Attached(*prefix, LOGPOINT, "-p", pid, "--max-overhead", "none", "-o", out, *arguments,
                    armed=r"\d+ of \d+ logpoints? armed")


def floor(*arguments):
    return Attached(*pinned(TOOL_CPU), FLOOR, *arguments, armed="armed")


def place_of(pid, point, *options):
    """(file, offset) of where logpoint has its own program for a logpoint."""
    said = logpoint(pid, "-v", *options, point).end()
    place = re.search(r" at (0x[0-9a-f]+) of ([^\s;]+)", said)
    if not place:
        raise RuntimeError(f"logpoint -v names no place: {said[-300:]}")
    path = re.search(rf" (/\S*/{re.escape(place[2])})$", pathlib.Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE)[1]
    return path, file_offset(path, int(place[1], 16))


def floor_at(function):
    """To start an empty program there."""
    @functools.cache
    def place(pid):
        return place_of(pid, f'entry {function} "x"')

    def attached(pid):
        path, offset = place(pid)
        return floor(pid, path, hex(offset))
    return attached


def file_offset(path, address):
    """Where in an ELF file what has this link address is."""
    data = pathlib.Path(path).read_bytes()
    start, size, count = struct.unpack_from("<Q14xHH", data, 32)
    for number in range(count):
        kind, _, offset, at, _, length = struct.unpack_from("<IIQQQQ", data, start + number * size)
        if kind == PT_LOAD and at <= address < at + length:
            return address - at + offset
    raise RuntimeError(f"{path} has nothing at {address:#x}")


def debugpy_is_absent():
    """Why it can't be measured, or None."""
    asked = subprocess.run(["/usr/bin/python3", "-c", "import debugpy"], capture_output=True, check=False)
    return "not installed" if asked.returncode else None


class Debugpy:
    """The adapter's client: attaches to a program that listens, sets what it is told to, goes on."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.sock.makefile("rb")
        self.seq = self.hits = self.stops = 0
        self.answers, self.events = {}, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.ask("initialize", adapterID="bench", pathFormat="path", linesStartAt1=True)
        attach = self.send("attach", justMyCode=False)
        until(lambda: "initialized" in self.events, "debugpy to be initialised")
        self.ask("configurationDone")
        until(lambda: attach in self.answers, "debugpy to attach")

    def log_at(self, path, line, message):
        # its answer may come behind the output of many hits
        self.send("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line, "logMessage": message}])

    def stop_at_raised(self, *names):
        """The filter of raised exceptions, for these classes."""
        self.ask("setExceptionBreakpoints", filters=[], exceptionOptions=[
            {"path": [{"names": ["Python Exceptions"]}, {"names": names}], "breakMode": "always"}])

    def read(self):
        try:
            while True:
                length = 0
                while True:
                    row = self.file.readline()
                    if not row:
                        return
                    if row == b"\r\n":
                        break
                    if row.lower().startswith(b"content-length:"):
                        length = int(row.split(b":")[1])
                body = json.loads(self.file.read(length))
                if body["type"] == "response":
                    self.answers[body["request_seq"]] = body
                    continue
                if body["event"] == "stopped":
                    self.stops += 1
                    self.send("continue", threadId=body["body"]["threadId"])
                elif body["event"] == "output":
                    self.hits += 1
                else:
                    self.events.append(body["event"])
        except (OSError, ValueError):
            return

    def send(self, command, **arguments):
        self.seq += 1
        body = json.dumps({"seq": self.seq, "type": "request", "command": command, "arguments": arguments}).encode()
        self.sock.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self.seq

    def ask(self, command, **arguments):
        seq = self.send(command, **arguments)
        return until(lambda: self.answers.get(seq), f"debugpy to answer {command}")

    def end(self):
        self.sock.close()


class Cost:
    """Of a tool in one round, for each kind: ns added to a call, and what an empty program adds at the same time."""

    def __init__(self, loaded, base, bare):
        self.added = [ns - without for ns, without in zip(loaded, bare)]
        self.base = [ns - without for ns, without in zip(base, bare)]
        self.slowed = loaded[-1] / bare[-1]  # the last kind's time, by what it takes


def means(costs):
    return [statistics.mean(each) for each in zip(*costs)]


def beside(alike, tools, trouble):
    """What calls take in as many programs alike, each with one of the tools, which may be None. They run on one CPU, in turns of
    milliseconds, so that all see what else the machine does; each program has each tool once."""
    found = [[] for _ in tools]
    for turn in range(len(alike)):
        programs = alike[turn:] + alike[:turn]
        attached = [start and start(program.pid) for program, start in zip(programs, tools)]
        for each, costs in zip(found, window(programs, WINDOW_SECONDS)):
            each.append(costs)
        said = [each.end() for each in attached if each]
        trouble += [lost[0] for lost in map(re.compile(r".*\b[1-9]\d* lost.*").search, said) if lost]
    return [means(costs) for costs in found]


def in_turn(alike, rounds, trouble, tools):
    """{tool: [Cost of each round]}: each beside the first one and a program without; there are three alike."""
    (floor_name, base), *others = tools.items()
    found = {name: [] for name in tools}
    for number in range(rounds):
        floors = []
        for name, tool in others:
            progress(f"round {number + 1}/{rounds}: {name}")
            loaded, empty, bare = beside(alike, (tool, base, None), trouble)
            found[name].append(Cost(loaded, empty, bare))
            floors.append((empty, bare))
        empty, bare = (means(each) for each in zip(*floors))
        found[floor_name].append(Cost(empty, empty, bare))
    progress()
    return found


@contextlib.contextmanager
def programs_alike(count, *program, **options):
    with contextlib.ExitStack() as stack:
        alike = []
        for number in range(count):
            alike.append(Program(*program, name=f"program{number}", **options))
            stack.callback(alike[-1].end)
        yield alike
