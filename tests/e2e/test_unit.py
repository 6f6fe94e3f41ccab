# SPDX-License-Identifier: GPL-2.0-only
"""-u UNIT with a real systemd: booted in a container over an overlay of this very root, so that it runs the
services, and logpoint, that are here.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from harness import LOGPOINT, ROOT, Here, check, equal, main, note, program, read_records, read_summary, scratch, skip, test, tool, until
from interpreters import FOLDER, SYSTEM, VERSION, where

NAME = f"logpoint{os.getpid()}"


def hierarchies():
    """Where systemd can be given a place of its own: the cgroup2 mount and, beside it, version 1's of systemd."""
    rows = [row.split() for row in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    unified = [pathlib.Path(row[1]) for row in rows if row[2] == "cgroup2" and row[1].startswith("/sys/fs/cgroup")]
    named = [pathlib.Path(row[1]) for row in rows if row[2] == "cgroup" and "name=systemd" in row[3]]
    return unified[:1], named[:1]


def remove_cgroup(top):
    def gone():
        for folder in sorted(top.rglob("*"), key=lambda p: -len(p.parts)):
            if folder.is_dir():
                with contextlib.suppress(OSError):
                    folder.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()
        return not top.exists()

    until(gone, f"{top} to be empty", timeout=10)


def enter(cgroups):
    """In the child: its own mounts and cgroups."""
    def prepare():
        for cgroup in cgroups:
            (cgroup / "cgroup.procs").write_text(str(os.getpid()))
    return prepare


@contextlib.contextmanager
def system():
    """A container with systemd as its first process; how to run a command in it."""
    nspawn, unified, named = tool("systemd-nspawn"), *hierarchies()
    if not unified:
        skip("no cgroup2 hierarchy below /sys/fs/cgroup")
    with contextlib.ExitStack() as stack:
        cgroups = [h / NAME for h in (*unified, *named)]
        for cgroup in cgroups:
            try:
                cgroup.mkdir()
            except OSError as why:
                skip(f"no cgroup to be had: {why}")
            stack.callback(remove_cgroup, cgroup)
        over = scratch("over")
        over.mkdir()
        script = """set -e
            mount -t tmpfs logpoint "$1"; mkdir "$1/upper" "$1/work" "$1/root"
            mount -t overlay logpoint -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
            shift; exec "$@" """
        command = [tool("unshare"), "-m", "sh", "-c", script, "sh", str(over), nspawn, "-q", "-D", str(over / "root"), "--register=no",
                   "--keep-unit", "-M", NAME, "--capability=all", "--system-call-filter=bpf perf_event_open @debug @privileged",
                   "--bind=/sys/kernel/tracing", "--bind=/sys/fs/bpf", f"--bind={ROOT}", f"--bind={Here.folder}", "--private-network",
                   "--console=pipe", "-b", "systemd.unit=basic.target"]
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
        with open(scratch("console"), "wb") as console:
            container = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment, preexec_fn=enter(cgroups))
        def first():
            processes = unified[0] / NAME / "payload" / "init.scope" / "cgroup.procs"
            with contextlib.suppress(OSError, IndexError):
                return int(processes.read_text().split()[0])

        def end():
            """systemd's end is the container's; one that isn't so far yet ends with its keeper."""
            if first():
                os.kill(first(), signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    container.wait(10)
            container.kill()
            container.wait()

        stack.callback(end)
        until(lambda: first() or container.poll() is not None, "systemd to start", timeout=20)
        if not first():
            skip(f"systemd-nspawn does not work here: {scratch('console').read_text()[-300:].strip()}")

        def inside(*words, **options):
            return subprocess.Popen([tool("nsenter"), "-t", str(first()), "-a", "--", *map(str, words)], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

        def run(*words):
            process = inside(*words)
            out, err = process.communicate(timeout=30)
            return process.returncode, out, err

        until(lambda: run("systemctl", "is-system-running")[1].strip() in ("running", "degraded"), "systemd to be up", timeout=20)
        yield run, inside


def service(run, name, command, *more):
    """Makes and starts a service."""
    text = "\n".join(["[Unit]", "StartLimitIntervalSec=0", "[Service]", f"ExecStart={command}", *more, ""])
    file = scratch(f"{name}.service")
    file.write_text(text)
    equal(run("cp", file, "/run/systemd/system/")[0], 0, "cp")
    run("systemctl", "daemon-reload")
    equal(run("systemctl", "start", name), (0, "", ""), "systemctl start")


class Watching:
    """logpoint -u in the container."""

    def __init__(self, inside, unit, *points):
        self.records, self.said = scratch(f"{unit}.records"), scratch(f"{unit}.said")
        command = f'echo $$ >{self.records}.pid; exec "$@" 2>{self.said}'
        self.process = inside("sh", "-c", command, "sh", LOGPOINT, "-v", "--max-overhead", "none", "--format", "json", "-o", self.records,
                              "-u", unit, *points)
        Here.stack.callback(self.process.kill)
        until(lambda: "armed, " in self.text() or self.process.poll() is not None, "logpoint to be armed")
        check(self.process.poll() is None, f"logpoint ended: {self.text()}")

    def text(self):
        return self.said.read_text() if self.said.exists() else ""

    def pids(self):
        """Those of the records, in order, each once."""
        text = self.records.read_text() if self.records.exists() else ""
        return list(dict.fromkeys(r["pid"] for r in read_records(text[:text.rfind("\n") + 1])))

    def finish(self, run):
        run("kill", "-INT", (scratch(f"{self.records.name}.pid")).read_text().strip())
        self.process.wait(20)
        return read_records(self.records.read_text()), read_summary(self.text())


def first_numbers(records):
    found = {}
    for record in records:
        found.setdefault(record["pid"], record["values"]["number"])
    return found


def python_restarts(run, inside):
    """The same of a service in Python, of which each process has its code at addresses of its own."""
    if not SYSTEM:
        note("no /usr/bin/python3")
        return
    service(run, "snake", f"{SYSTEM[0][1]} -I -S {FOLDER}/ticking.py 1000000")
    snake = Watching(inside, "snake", 'entry tick "{number} {who}" as t', where("ticking.py", "tick") + ' "{number}" as l if number % 7 == 3')
    until(lambda: len(snake.pids()) == 1, f"records of the service in Python: {snake.text()}")
    for n in (2, 3):
        equal(run("systemctl", "restart", "snake")[0], 0, "systemctl restart")
        until(lambda: len(snake.pids()) == n, f"records of process {n} of the service in Python: {snake.text()}")
    records, summary = snake.finish(run)
    note(f"first ticks of Python seen after a restart: {list(first_numbers(records).values())[1:]}")
    for name in ("t", "l"):
        mine = [r for r in records if r["logpoint"] == name]
        equal((summary[name].logged, summary[name].lost), (len(mine), 0), "records")
        for pid in {r["pid"] for r in mine}:
            numbers = [r["values"]["number"] for r in mine if r["pid"] == pid]
            step = 7 if name == "l" else 1
            equal(numbers, list(range(numbers[0], numbers[0] + step * len(numbers), step)), f"numbers of {name} in process {pid}")
    equal({r["values"]["who"] for r in records if r["logpoint"] == "t"}, {VERSION}, "values")


@test
def restarts():
    """A unit stays the target over its restarts: on command, and of a service that ends again and again."""
    with system() as (run, inside):
        status, out, err = run(LOGPOINT, "-u", "nosuch", "entry tick")
        equal((status, out), (2, ""), f"a unit that is none: {err}")
        check("nosuch.service" in err, err)
        service(run, "steady", f"{program('ticker.c')} 1000000")
        service(run, "again", f"{program('ticker.c')} 10", "Restart=always", "RestartSec=100ms")
        steady = Watching(inside, "steady.service", 'entry tick "{number} {who}" as t')
        again = Watching(inside, "again", 'entry tick "{number} {who}" as t', 'entry tick if number == 3 as three')
        until(lambda: len(steady.pids()) == 1, "records of the service")
        for n in (2, 3):
            equal(run("systemctl", "restart", "steady")[0], 0, "systemctl restart")
            until(lambda: len(steady.pids()) == n, f"records of process {n} of the service: {steady.text()}")
        until(lambda: len(again.pids()) >= 5, f"records of five runs: {again.text()}")
        for watching in (steady, again):
            records, summary = watching.finish(run)
            ticks = [r for r in records if r["logpoint"] == "t"]
            equal(summary["t"].logged, len(ticks), "records")
            check(all(r["values"]["who"] == str(program("ticker.c")) for r in ticks), "values")
            first = list(first_numbers(ticks).values())[1:]
            note(f"first ticks seen after a restart: {first}")
            check(max(first) < 50, "a restarted service is seen half a second late")
            check(len({r["pid"] for r in records if r["logpoint"] == "three"}) >= (4 if watching is again else 0), "a condition in each run")
        python_restarts(run, inside)


sys.exit(main())
