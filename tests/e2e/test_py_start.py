# SPDX-License-Identifier: GPL-2.0-only
"""A command is logged from its first instruction on: programs that are over at once, also where
another program becomes the interpreter; and nothing keeps it from going on."""

import os
import re
import signal
import sys
import time

from harness import LOGPOINT, Process, check, equal, main, program, scratch, test, trace, until
from interpreters import ALL, FOLDER, SYSTEM, every, values, where

EVERY = every(ALL)
RUNS = int(os.environ.get("TEST_RUNS", "2"))
PLACES = [where("start.py", mark) + f' "{{first}}" as {mark}' for mark in ("first", "second", "third")] + [
    where("start_module.py", "ready") + ' "{__name__}" as ready', 'entry assist "{number}" as entry',
    'call start_module.assist "{number}" as call', 'return Cart.total "{$return}" as back',
    where("start_module.py", "body") + ' "{number}" as body']
WANT = {"first": "<unbound", "second": 1, "third": 1, "ready": "start_module", "entry": 1, "call": 1, "back": 7, "body": 1}


def once(*command, places=PLACES, **options):
    result = trace(command, *places, **options)
    for place in places:
        name = place.split()[-1]
        counts = result.counts(name)
        equal((counts.hits, counts.logged), (1, 1), f"hits and records of {name} ({result.err[-800:]})")
        [row] = values(result, name)
        shown = next(iter(row.values()))
        check(str(shown).startswith(str(WANT[name])), f"{name}: {shown!r} instead of {WANT[name]!r}")


@EVERY
def first_lines(name, path):
    """Every line of the script, and of what it imports, is hit once, in each of several runs."""
    for _ in range(RUNS):
        once(path, "-B", FOLDER / "start.py")


@EVERY
def modules_from_the_cache(name, path):
    """The same where code comes from a .pyc file."""
    cache = {**os.environ, "PYTHONPYCACHEPREFIX": str(scratch("cache"))}
    for _ in range(2):
        once(path, FOLDER / "start.py", env=cache)


@every(SYSTEM[:1])
def through_other_programs(name, path):
    """A shell, env and a script's first line execute the interpreter in their place."""
    script = scratch("start.py")
    script.write_text(f"#!/usr/bin/env {os.path.basename(path)}\n" + (FOLDER / "start.py").read_text().split("\n", 1)[1])
    script.chmod(0o755)
    scratch("start_module.py").write_text((FOLDER / "start_module.py").read_text())
    env = {**os.environ, "PATH": "/usr/bin:/bin"}
    once(script, env=env)
    once("/usr/bin/env", "LC_ALL=C", os.path.basename(path), script, env=env)
    once("/bin/sh", "-c", f"true; exec {path} {script}")
    once("/bin/sh", "-c", f"exec /usr/bin/env {path} -c 'import start_module; start_module.assist(1)'",
         places=[p for p in PLACES if p.split()[-1] in ("ready", "entry", "call", "body")], cwd=scratch("."))


@every(SYSTEM[:1])
def a_path_that_is_not_ascii(name, path):
    folder = scratch("zoë")
    folder.mkdir()
    for source in ("start.py", "start_module.py"):
        (folder / source).write_text((FOLDER / source).read_text())
    once(path, "-B", folder / "start.py")


@test
def a_native_program_in_its_place():
    """What a shell becomes, unknown before, is armed before its first instruction."""
    path = program("ending.c")
    result = trace(["/bin/sh", "-c", f"exec {path} exit 3 </dev/null"], "entry last as last",
                   status=3)
    equal(result.counts("last").hits, 1, f"hits ({result.err[-800:]})")


@every(SYSTEM[:1])
def nothing_stays_stopped(name, path):
    """logpoint dies at any moment of the start: the command goes on."""
    done = scratch("done")
    for n in range(8):
        done.unlink(missing_ok=True)
        process = Process([LOGPOINT, "-v", "__init__.py:4000", "decimal.py:1", "--", path, "-c",
                           f"import json, decimal; open({str(done)!r}, 'w').write('x')"])
        until(lambda: re.search(" runs python", process.errors()) or not process.alive(), "the start")
        time.sleep(0.004 * n)
        process.signal(signal.SIGKILL)
        process.wait()
        until(done.exists, "the command to end by itself")


if not ALL:
    print("skip start: no CPython 3.8 to 3.14 on this machine")
    sys.exit(0)
sys.exit(main())
