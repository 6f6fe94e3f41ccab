# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: programs that measure themselves, and the tools beside them."""

import contextlib
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

BARE_SECONDS = 0.3
WINDOW_SECONDS = 0.7
BATCHES_MIN = 5
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


class Batches:
    """What a program says about itself in a file: a line for each batch, its kind and ns a call."""

    def __init__(self, path, kinds):
        self.path, self.kinds = path, kinds

    def mark(self):
        return self.path.stat().st_size

    def since(self, mark, parts=4):
        """ns a call of each of its kinds, the lowest 1/parts of the batches: who else uses the machine only adds.
        None: there are too few.
        """
        with open(self.path, encoding="ascii") as lines:
            lines.seek(mark)
            rows = [line.split() for line in lines.read().split("\n")[2:-1]]
        costs = [[float(row[1]) for row in rows if row[0] == kind] for kind in self.kinds]
        if min(map(len, costs)) < BATCHES_MIN:
            return None
        return [statistics.quantiles(each, n=parts)[0] for each in costs]


class Program:
    """The measured program, and what it has said about itself."""

    def __init__(self, path, kinds, python, *args, prefix=()):
        self.path = OUT / "program.out"
        self.batches = Batches(self.path, kinds)
        self.out, self.err = open(self.path, "wb"), open(OUT / "program.err", "wb")
        self.process = subprocess.Popen(pinned(TARGET_CPU, python, *prefix, path, *args),
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)
        until(lambda: b"ready" in self.path.read_bytes() or self.process.poll() is not None, "the program", 120)
        if self.process.poll() is not None:
            raise RuntimeError(f"the program ended: {(OUT / 'program.err').read_text()[-300:]}")
        self.pid = self.process.pid

    def window(self, seconds, parts=4):
        """ns a call of each of its kinds, longer where it is slow."""
        mark = self.batches.mark()
        for _ in range(8):
            time.sleep(seconds)
            found = self.batches.since(mark, parts)
            if found:
                return found
        raise RuntimeError("the program hardly runs")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()


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


def floor_at(pid, function):
    """To start an empty program there."""
    path, offset = place_of(pid, f'entry {function} "x"')
    return lambda: floor(pid, path, hex(offset))


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


def compared(loaded, before, after):
    """ns added to each kind, then the last one's time by its bare time"""
    bare = [(a + b) / 2 for a, b in zip(before, after)]
    return [*(with_tool - without for with_tool, without in zip(loaded, bare)), loaded[-1] / bare[-1]]


def in_turn(program, rounds, trouble, tools):
    """{tool: [compared() of each round]}: each has its turn in each, between two windows without any."""
    found = {}
    for number in range(rounds):
        for name, start in tools.items():
            progress(f"round {number + 1}/{rounds}: {name}")
            before = program.window(BARE_SECONDS)
            tool = start()
            loaded = program.window(WINDOW_SECONDS)
            said = tool.end()
            after = program.window(BARE_SECONDS)
            lost = re.search(r".*\b[1-9]\d* lost.*", said)
            if lost:
                trouble.append(f"{name}: {lost[0]}")
            found.setdefault(name, []).append(compared(loaded, before, after))
    progress()
    return found
