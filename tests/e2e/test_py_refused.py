# SPDX-License-Identifier: GPL-2.0-only
"""Interpreters that can't be logged are refused with the reason, before anything is attached."""

import glob
import os
import re
import shutil
import sys

from harness import check, each, equal, logpoint, main, skip, trace
from interpreters import FOLDER, Program, where


def free_threaded():
    places = ("~/.pyenv/versions/*t/bin/python3.*t", "/usr/bin/python3.*t", "/usr/local/bin/python3.*t", "/opt/python*/bin/python3.*t")
    found = [path for place in places for path in glob.glob(os.path.expanduser(place)) if path.endswith("t")]
    return found[0] if found else None


KINDS = {
    "pypy": (lambda: shutil.which("pypy3"), "is PyPy"),
    "debug": (lambda: shutil.which("python3.11-dbg"), "is a debug build"),
    "free_threaded": (free_threaded, "free-threaded build"),
}


def find(kind):
    find_path, reason = KINDS[kind]
    return find_path() or skip(f"there is no {kind} interpreter"), reason


@each(*KINDS)
def running(kind):
    """-p: exit status 1, for a line as for a function; the program goes on."""
    path, reason = find(kind)
    target = Program(path, "waiting.py")
    for point in (where("start_module.py", "body"), "entry assist", "return assist", "call assist"):
        status, _, errors = logpoint("-p", target.pid, "-d", "1", point)
        equal(status, 1, f"exit status for '{point}' ({errors[-500:]})")
        check(re.search(reason, errors), f"the reason: {errors[-500:]}")
    check(target.alive(), "the program runs")


@each(*KINDS)
def started(kind):
    """-- COMMAND: the command runs, the reason is told."""
    path, reason = find(kind)
    result = trace([path, "-B", FOLDER / "start.py"], where("start.py", "first"))
    check(re.search(reason, result.err), f"the reason: {result.err[-500:]}")
    equal(result.records, [], "records")


sys.exit(main())
