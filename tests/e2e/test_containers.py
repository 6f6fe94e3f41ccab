# SPDX-License-Identifier: GPL-2.0-only
"""Processes with namespaces and a root of their own, and files that are no longer what they were when they were loaded."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from harness import Here, Target, Tracer, called, check, each, equal, logpoint, main, program, run_tool, scratch, skip, test, tool, until
from interpreters import FOLDER, SYSTEM, VERSION, values
from unprivileged import LOGGING, USER, as_user, for_all, logpoint_as, need_uprobes, writable

ROOTS = {
    # a root of few things: the interpreter copied, libraries bound
    "bound": """mkdir -p usr/lib usr/bin lib lib64 app proc
        cp "$PYTHON" usr/bin/python; mount --rbind /usr/lib usr/lib; mount --rbind /lib lib; mount --rbind /lib64 lib64
        cp "$APP" app/ticking.py; mount -t proc proc proc
        exec chroot . "$@" """,
    # as containers have: what stat(2) says of files there is not what mappings say
    "overlay": """mkdir up work root; mount -t overlay none -o "lowerdir=/,upperdir=$PWD/up,workdir=$PWD/work" root
        cd root; mkdir -p app old; ln -sf "$PYTHON" usr/bin/python
        cp "$APP" app/ticking.py; chmod -R a+rX app; mount -t proc proc proc
        pivot_root . old; umount -l old
        exec $SETPRIV "$@" """,
}


class Container:
    """A Python service with mount and process namespaces of its own."""

    def __init__(self, kind):
        if not SYSTEM:
            skip("no /usr/bin/python3")
        root = scratch("root")
        root.mkdir()
        Here.folder.chmod(0o755)
        script = f'set -e; mount -t tmpfs none {root}; cd {root}; chmod 755 .; {ROOTS[kind]}'
        environment = {**os.environ, "PYTHON": os.path.realpath(SYSTEM[0][1]), "APP": str(FOLDER / "ticking.py"), "SETPRIV": " ".join(as_user(USER))}
        self.target = Target(tool("unshare"), "-m", "-p", "--fork", "sh", "-c", script, "sh", "/usr/bin/python", "-I", "-S", "/app/ticking.py",
                             "-1", env=environment)
        children = pathlib.Path(f"/proc/{self.target.pid}/task/{self.target.pid}/children")
        self.pid = int(until(lambda: children.read_text().split(), "the process")[0])
        Here.stack.callback(self.end)

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def ticks(tracer, pid):
    """Some of the service's, in a row and its own."""
    tracer.wait_records(20)
    result = tracer.finish(interrupt=True)
    rows = values(result, "t")
    equal([r["number"] for r in rows], list(range(rows[0]["number"], rows[0]["number"] + len(rows))), "ticks")
    equal({(r["pid"], r["tid"], r["values"]["who"]) for r in result.records}, {(pid, pid, VERSION)}, "processes, as we number them")
    equal(result.counts("t").lost, 0, "lost")
    return result


TICK = 'entry tick "{number} {who}" as t with stack'


@each(*ROOTS)
def container(kind):
    """Found by its number here; files are those that it sees."""
    inside = Container(kind)
    tracer = Tracer(inside.pid, TICK)
    inside.target.go()
    result = ticks(tracer, inside.pid)
    equal(result.records[0]["file"], "/app/ticking.py", "file")
    equal(called(result.records[0]), ["tick", "serve", "main", "<module>"], "stack")
    status, out, err = logpoint("list", "-p", str(inside.pid), "ticking.py")
    equal(status, 0, err)
    check("def tick(number, who):" in out, "the source, which only it sees")


@test
def without_root():
    """An overlay, without the capability that leads to mapped files: by their paths."""
    need_uprobes()
    inside = Container("overlay")
    tracer = Tracer(inside.pid, TICK, program=logpoint_as(USER, *LOGGING), output=writable("records"))
    inside.target.go()
    ticks(tracer, inside.pid)


@test
def by_executable():
    """-x with a path below the container's root: what starts there later, too."""
    inside = Container("overlay")
    path = os.path.realpath(SYSTEM[0][1])
    tracer = Tracer(None, TICK, target=["-x", f"/proc/{inside.pid}/root{path}"])
    enter = [tool("nsenter"), "-t", str(inside.pid), "-m", "-p", "-r"]
    later = Target(*enter, path, "-I", "-S", "/app/ticking.py", "-1")
    children = pathlib.Path(f"/proc/{later.pid}/task/{later.pid}/children").read_text().split()
    later.go()
    ticks(tracer, int(children[0]) if children else later.pid)


@each("replaced", "deleted")
def upgraded(how):
    """The interpreter's file is another by now, or none: the process still runs the old one."""
    if not SYSTEM:
        skip("no /usr/bin/python3")
    binary = scratch(f"python{VERSION}")
    shutil.copy(SYSTEM[0][1], binary)
    target = Target(binary, "-I", "-S", FOLDER / "ticking.py", "-1")
    binary.unlink()
    if how == "replaced":
        shutil.copy("/bin/true", binary)
    tracer = Tracer(target, TICK)
    target.go()
    ticks(tracer, target.pid)
    status, out, err = logpoint("check", "-p", str(target.pid))
    equal(status, 0, err)
    check(f"process {target.pid}: CPython {VERSION}" in out, out)


@test
def upgraded_library():
    """A libpython that is gone: root still reads it; others are told which capability that needs."""
    config = f"/usr/bin/python{VERSION}-config"
    library = pathlib.Path(f"/usr/lib/x86_64-linux-gnu/libpython{VERSION}.so.1.0")
    if not os.path.exists(config) or not library.exists():
        skip(f"libpython{VERSION}-dev is not installed")
    need_uprobes()
    flags = run_tool(config, "--includes", "--embed", "--ldflags").split()
    service = scratch("ticking.py")
    service.write_text((FOLDER / "ticking.py").read_text().replace("main(int(sys.argv[1]), *sys.argv[2:])", "main(-1)"))
    service.chmod(0o644)
    copy = for_all(library)
    copy = copy.rename(copy.parent / library.name)
    target = Target(*as_user(USER), for_all(program("embed.c", flags=tuple(flags), libs=tuple(flags))), service,
                    env={**os.environ, "LD_LIBRARY_PATH": str(copy.parent)})
    copy.unlink()
    for points in ([TICK], ['ticking.py:15 "{number}"']):
        done = subprocess.run([*logpoint_as(USER, *LOGGING), "-d", "1", "-p", str(target.pid), *points],
                              capture_output=True, text=True)
        check("CAP_CHECKPOINT_RESTORE" in done.stderr, done.stderr)
        check(done.returncode == 3 or "pending" in done.stderr, f"exit status {done.returncode}: {done.stderr}")
    tracer = Tracer(target, TICK)
    target.go()
    ticks(tracer, target.pid)


sys.exit(main())
