# SPDX-License-Identifier: GPL-2.0-only
"""What the end-to-end tests share.

Builds the programs of tests/targets, starts them, runs the real build/logpoint on them and reads
what it says. Waits are for conditions, never for a time. Everything that a test starts is ended
with it. A test is a function marked @test; main() prints a line a test, in the form of tests/run.
"""

import contextlib
import dataclasses
import fnmatch
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGPOINT = os.environ.get("LOGPOINT", str(ROOT / "build" / "logpoint"))
SOURCES = ROOT / "tests" / "targets"
BUILD = ROOT / "build" / "targets"
TIMEOUT = int(os.environ.get("TEST_TIMEOUT", "60"))  # seconds that anything may take before it counts as hanging

COMPILERS = ("gcc", "clang")
LEVELS = ("-O0", "-O2", "-O3")


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


# --- tests ---

_tests = []


def test(function):
    _tests.append((function.__name__, function))
    return function


def each(*parameters):
    """A test for each parameter (a tuple of arguments); its name ends in theirs."""

    def mark(function):
        for values in parameters:
            values = values if isinstance(values, tuple) else (values,)
            words = [re.sub(r"\W+", "", str(v)) for v in values]
            _tests.append(("_".join([function.__name__, *words]), functools.partial(function, *values)))
        return function

    return mark


def skip(why):
    raise Skipped(why)


def check(condition, why):
    if not condition:
        raise Failed(why)


def equal(got, want, what):
    if got != want:
        raise Failed(f"{what}: {got!r} instead of {want!r}")


def note(text):
    """A line for whoever reads the log."""
    print(f"# {text}", flush=True)


def main():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup(1) has it ignored, which what is started here would inherit
    patterns = os.environ.get("TEST_FILTER", "*").split()
    tests = [(name, f) for name, f in _tests if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
    failed = 0
    for name, function in tests:
        start = time.monotonic()
        try:
            if os.geteuid() != 0:
                skip("needs root")
            with contextlib.ExitStack() as stack:
                Here.stack = stack
                Here.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logpoint-e2e-")))
                function()
            print(f"ok {name}")
        except Skipped as why:
            print(f"skip {name}: {why}")
        except Exception as why:
            failed += 1
            text = str(why) if isinstance(why, Failed) else repr(why)
            print(f"not ok {name}: " + text.replace("\n", "\n#   "))
            if not isinstance(why, Failed):
                print("#   " + traceback.format_exc().replace("\n", "\n#   "))
        seconds = time.monotonic() - start
        if seconds > 5:
            note(f"{name} took {seconds:.1f} s")
        sys.stdout.flush()
    return 1 if failed else 0


class Here:
    """What belongs to the running test."""

    stack = None
    folder = None


def scratch(name):
    return Here.folder / name


def until(condition, what, timeout=TIMEOUT):
    """The first true value of condition(). what: a text, or what makes one when it is needed."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {timeout} s for {what() if callable(what) else what}")
        time.sleep(0.005)


# --- programs to trace ---


def tool(name):
    return shutil.which(name) or skip(f"{name} is not installed")


def run_tool(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def program(source, cc="gcc", opt="-O2", flags=(), libs=("-lm", "-lpthread"), name=None):
    """The program (or, with -shared in flags, the library) made of a source, built once."""
    path = SOURCES / source
    cxx = source.endswith(".cc")
    compiler = tool({"gcc": "g++", "clang": "clang++"}[cc] if cxx else cc)
    command = [compiler, "-std=gnu++17" if cxx else "-std=gnu11", "-D_GNU_SOURCE", "-g", opt,
               *flags, str(path), *libs]
    state = hashlib.sha256(repr(command).encode())
    for needed in (path, SOURCES / "target.h"):
        state.update(needed.read_bytes())
    out = BUILD / state.hexdigest()[:12] / (name or path.stem)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        made = out.parent / f".{out.name}.{os.getpid()}"
        run_tool(*command, "-o", made)
        with contextlib.suppress(FileExistsError):  # another test has made it meanwhile, and may trace it
            os.link(made, out)
        made.unlink()
    return out


def copy_of(path, name=None):
    """A copy in the test's own folder, to be changed."""
    to = scratch(name or path.name)
    shutil.copy2(path, to)
    return to


def line(source, marker):
    """The number of the line that a comment with an at sign and the word marks."""
    found = [number for number, text in enumerate((SOURCES / source).read_text().splitlines(), 1)
             if re.search(rf"(#|//|/\*).*@{marker}\b", text)]
    if len(found) != 1:
        raise Failed(f"{source} has {len(found)} lines marked @{marker}")
    return found[0]


def at(source, marker):
    return f"{source}:{line(source, marker)}"


class Process:
    """A program under test with its output, ended with the test."""

    def __init__(self, command, stdin=subprocess.PIPE, **options):
        self.command = [str(c) for c in command]
        self.out, self.err = scratch(f"out{id(self)}"), scratch(f"err{id(self)}")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.popen = subprocess.Popen(self.command, stdin=stdin, stdout=out, stderr=err, **options)
        self.pid = self.popen.pid
        Here.stack.callback(self.end)

    def end(self):
        if self.popen.stdin:
            self.popen.stdin.close()
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()

    def text(self):
        return self.out.read_text(errors="surrogateescape")

    def errors(self):
        return self.err.read_text(errors="surrogateescape")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(self.command)[:200]} still runs after {timeout} s; it said: "
                         f"{self.errors()[-500:]}") from None

    def alive(self):
        return self.popen.poll() is None


class Target(Process):
    """A program of tests/targets, waiting for its start signal."""

    def __init__(self, *command, **options):
        super().__init__(command, **options)
        self.starts = 0
        self.wait_ready()

    def wait_ready(self):
        self.starts += 1
        until(lambda: self.text().count("ready\n") >= self.starts or not self.alive(),
              f"{self.command[0]} to be ready")
        check(self.alive(), f"{self.command[0]} ended early: {self.errors()}")

    def go(self):
        self.popen.stdin.write(b"\n")
        self.popen.stdin.flush()

    def finish(self, timeout=TIMEOUT):
        """Its exit status and what it printed after the start signal."""
        status = self.wait(timeout)
        return status, self.text().removeprefix("ready\n")


# --- logpoint ---

SUMMARY = re.compile(
    r"^(?:logpoint: )?(?P<name>.*): (?P<hits>\d+) hits = (?P<logged>\d+) logged \+ (?P<filtered>\d+) filtered \+ "
    r"(?P<limited>\d+) rate-limited \+ (?P<lost>\d+) lost(?: \([^)]*\))?(?: \+ (?P<overwritten>\d+) overwritten)?"
    r"(?: \+ (?P<unshown>\d+) not shown)?(?: \[.*\])?$")


@dataclasses.dataclass
class Counts:
    hits: int
    logged: int = 0
    filtered: int = 0
    limited: int = 0
    lost: int = 0
    overwritten: int = 0  # with --last: newer ones had their place
    unshown: int = 0  # recorded, but the session was at its end already


def read_summary(text):
    """{name: Counts}; every line must add up."""
    found = {}
    for row in text.splitlines():
        match = SUMMARY.match(row)
        check(match or " hits = " not in row, f"a summary of another form: {row}")
        if not match:
            continue
        values = {key: int(value or 0) for key, value in match.groupdict().items() if key != "name"}
        counts = Counts(**values)
        equal(sum(values.values()) - counts.hits, counts.hits, f"the sum of '{row}'")
        found[match["name"]] = counts
    return found


def read_records(text):
    records = []
    for number, row in enumerate(text.splitlines(), 1):
        try:
            records.append(json.loads(row, parse_int=lambda text: -0.0 if text == "-0" else int(text)))
        except ValueError as why:
            raise Failed(f"record {number} is not JSON ({why}): {row[:300]}") from None
    return records


@dataclasses.dataclass
class Result:
    status: int
    records: list
    out: str  # of logpoint and, with `-- COMMAND`, of the command
    err: str
    raw: str  # the records as they were written

    @functools.cached_property
    def summary(self):
        return read_summary(self.err)

    def counts(self, name):
        check(name in self.summary, f"no summary of '{name}' in: {self.err[-1500:]}")
        return self.summary[name]


def logpoint(*args, stdin=subprocess.DEVNULL, timeout=TIMEOUT, **options):
    """Runs it to its end: (exit status, standard output, standard error)."""
    process = Process([LOGPOINT, *args], stdin=stdin, **options)
    status = process.wait(timeout)
    crashed(status, process.errors())
    return status, process.text(), process.errors()


def crashed(status, err):
    check(status not in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE),
          f"logpoint was killed by signal {-status}: {err[-1500:]}")


def trace(command, *points, options=(), status=0, form="json", timeout=TIMEOUT, budget="none", **rest):
    """Runs `logpoint POINTS -- COMMAND` to its end."""
    records = scratch("records")
    if records.exists():
        records.unlink()
    got, out, err = logpoint(*options, "--max-overhead", budget, "--format", form, "-o", records, *points, "--", *command,
                             timeout=timeout, **rest)
    check(got == status, f"exit status {got} instead of {status}: {err[-2000:]}")
    raw = records.read_text(errors="surrogateescape") if records.exists() else ""
    return Result(got, read_records(raw) if form == "json" else [], out, err, raw)


class Tracer(Process):
    """`logpoint -p` on running processes, or on another target, armed when this returns."""

    def __init__(self, pid, *points, target=None, program=(LOGPOINT,), options=(), form="json", output=None, armed=True, budget="none",
                 **popen):
        self.records_file = pathlib.Path(output) if output else scratch(f"records{id(self)}")
        pids = [str(p.pid if isinstance(p, Process) else p)
                for p in (pid if isinstance(pid, (list, tuple)) else [pid])]
        command = [*program, "-v", *(target or ["-p", ",".join(pids)]), *options, "--format", form, "-o", self.records_file]
        if budget:
            command += ["--max-overhead", budget]
        super().__init__([*command, *points], stdin=subprocess.DEVNULL, **popen)
        self.form = form
        if armed:
            self.wait_armed()

    def wait_armed(self):
        until(lambda: re.search(ARMED, self.errors(), re.M) or not self.alive(), "logpoint to be armed")
        check(self.alive() or re.search(ARMED, self.errors(), re.M),
              f"logpoint ended (status {self.popen.poll()}): {self.errors()[-2000:]}")

    def wait_records(self, count):
        until(lambda: self.records_file.exists()
              and self.records_file.read_bytes().count(b"\n") >= count or not self.alive(),
              f"{count} records")

    def finish(self, interrupt=False, status=0, timeout=TIMEOUT):
        if interrupt:
            self.signal(signal.SIGINT)
        got = self.wait(timeout)
        crashed(got, self.errors())
        check(got == status, f"exit status {got} instead of {status}: {self.errors()[-2000:]}")
        raw = self.records_file.read_text(errors="surrogateescape")
        return Result(got, read_records(raw) if self.form == "json" else [], self.text(),
                      self.errors(), raw)


def frames(record):
    """Those of a record's stack, but for those of libraries."""
    return [f for f in record["stack"] if "function" in f]


def called(record):
    """Their functions."""
    return [f["function"] for f in frames(record)]


def stacks(target, *options):
    """What `logpoint stacks` says of a process."""
    status, out, err = logpoint("stacks", "-p", str(target.pid), "--format", "json", *options)
    equal(status, 0, f"exit status ({err})")
    found = json.loads(out)["processes"]
    equal([p["pid"] for p in found], [target.pid], "processes")
    return found[0]


ARMED = r"\d+ of \d+ logpoints? armed"


# --- what the kernel holds ---


def bpf_objects(pid):
    """{(kind, id)} of the programs, maps and links that a process holds."""
    found = set()
    kinds = {"prog_id": "prog", "map_id": "map", "link_id": "link"}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
                for key in kinds:
                    if f"\n{key}:" in text and not (key == "prog_id" and "\nlink_id:" in text):
                        found.add((kinds[key], int(re.search(rf"\n{key}:\s+(\d+)", text)[1])))
    return found


def bpf_alive(objects):
    """Those of the objects that still exist."""
    bpftool = tool("bpftool") if shutil.which("bpftool") else "/usr/sbin/bpftool"
    left = set()
    for kind in ("prog", "map", "link"):
        listed = json.loads(run_tool(bpftool, "-j", kind, "show") or "[]")
        left |= {(kind, row["id"]) for row in listed} & objects
    return left


def text_is_clean(pid, path):
    """Is the code of a mapped file, as the process has it, the file's own: no breakpoint left?"""
    file = pathlib.Path(path).read_bytes()
    dirty = []
    with open(f"/proc/{pid}/mem", "rb") as memory, open(f"/proc/{pid}/maps") as maps:
        for row in maps:
            place, rights, offset, _, _, *name = row.split(None, 5)
            if "x" not in rights or not name or name[0].strip() != str(path):
                continue
            start, end = (int(x, 16) for x in place.split("-"))
            memory.seek(start)
            have = memory.read(end - start)
            want = file[int(offset, 16):int(offset, 16) + end - start]
            dirty += [start + i for i, (a, b) in enumerate(zip(have, want)) if a != b]
    return not dirty


# --- values ---


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def as_pointer(got):
    if isinstance(got, int) and not isinstance(got, bool):
        return got
    if isinstance(got, str):
        match = re.match(r"^0x([0-9a-f]+)\b", got)
        if match:
            return int(match[1], 16)
    return 0 if got is None else None


def as_float(got):
    if isinstance(got, str):
        got = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(got, got)
        try:
            return float(got)
        except ValueError:
            return None
    return float(got) if isinstance(got, (int, float)) and not isinstance(got, bool) else None


def same_float(got, want, size):
    got, want = as_float(got), as_float(re.sub(r"^(-?)nan\(.*", r"\1nan", want))
    if want is None:  # bytes that are no number, as gdb says of some of 80 bits
        return True
    if got is None:
        return False
    if size == 4:
        got, want = single(got), single(want)
    if want != want:
        return got != got
    return struct.pack("d", got) == struct.pack("d", want)


def same_char(got, code):
    return got == chr(code) or 127 < code < 256 and got == f"\\x{code:02x}"


def same_special(got, want):
    if "$ptr" in want:
        return as_pointer(got) == want["$ptr"]
    if "$float" in want:
        return same_float(got, want["$float"], want["size"])
    if "$char" in want:
        return same_char(got, want["$char"])
    if "$enum" in want:
        return got == (want["$enum"] or want["value"])
    if "$hi" in want:
        return isinstance(got, int) and got == (want["$hi"] << 64) + want["$lo"] \
            or got == str((want["$hi"] << 64) + want["$lo"])
    if "$complex" in want:
        parts = re.fullmatch(r"(\S+) \+ (\S+)i", got) if isinstance(got, str) else None
        return parts is not None and [float(x) for x in parts.groups()] == want["$complex"]
    return None


def same(got, want):
    """Is a value of a record what the program said (in the forms of tests/targets/types.c)?"""
    if isinstance(want, dict):
        special = same_special(got, want)
        if special is not None:
            return special
        return isinstance(got, dict) and got.keys() == want.keys() \
            and all(same(got[k], want[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    return type(got) is type(want) and got == want or \
        isinstance(got, (int, float)) and isinstance(want, (int, float)) \
        and not isinstance(got, bool) and not isinstance(want, bool) and got == want
