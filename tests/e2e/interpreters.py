# SPDX-License-Identifier: GPL-2.0-only
"""The CPython interpreters of this machine, and the programs of tests/targets/python run by them.

Such a program prints "ready", waits for a line, does its work and prints, as JSON, one object a line,
what a logpoint should have seen: {"at": MARK, ...values}.
"""

import functools
import glob
import json
import os
import pathlib
import re
import subprocess

import watchpoints
from harness import SOURCES, Here, Target, Tracer, check, each, equal, line, program, run_tool, skip

FOLDER = SOURCES / "python"
PLACES = ("/usr/bin/python3.*", "/usr/local/bin/python3.*", "~/.pyenv/versions/*/bin/python3.*", "/opt/python*/bin/python3.*")
OLDEST, NEWEST = (3, 8), (3, 14)


def version_of(path):
    """(3, 11) of a release build; None of anything else: not CPython, free-threaded, debug."""
    ask = ("import sys, sysconfig as s; print(sys.implementation.name, *sys.version_info[:2], "
           "s.get_config_var('Py_GIL_DISABLED') or 0, s.get_config_var('Py_DEBUG') or 0)")
    try:
        words = subprocess.run([path, "-c", ask], capture_output=True, text=True, timeout=20).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return None
    if len(words) != 5 or words[0] != "cpython" or words[3:] != ["0", "0"]:
        return None
    return int(words[1]), int(words[2])


def find():
    """[("3.11", path)]: every build once, a version that is here several times by its path, too; of LOGPOINT_PYTHONS, if set."""
    found, seen = [], set()
    for pattern in os.environ.get("LOGPOINT_PYTHONS", "").split() or PLACES:
        for path in sorted(glob.glob(os.path.expanduser(pattern))):
            real = os.path.realpath(path)
            if not re.fullmatch(r"python3\.\d+", os.path.basename(path)) or real in seen:
                continue
            seen.add(real)
            version = version_of(path)
            if version and OLDEST <= version <= NEWEST:
                name = f"{version[0]}.{version[1]}"
                found.append((name + ("system" if path.startswith("/usr/bin/") else ""), path))
    return found


ALL = find()
SYSTEM = [pair for pair in ALL if pair[1].startswith("/usr/bin/")]
VERSION = SYSTEM[0][0].removesuffix("system") if SYSTEM else "3.11"  # of the first


def every(pairs):
    """A test for each of these interpreters, named by its version: function(name, path)."""
    paths = dict(pairs)

    def mark(function):
        @functools.wraps(function)
        def named(name):
            return function(name, paths[name])
        return each(*paths)(named)

    return mark


def minor(name):
    return int(re.match(r"3\.(\d+)", name)[1])


def line_of(source, marker):
    """The number of the line whose comment has an at sign and the word."""
    return line(f"{FOLDER.name}/{source}", marker)


def where(source, marker):
    """FILE:LINE of it."""
    return f"{source}:{line_of(source, marker)}"


def last(name):
    """Of a qualified name: which functions have, from 3.11 on."""
    return name.split(".")[-1]


def extension(path):
    """The folder of tests/targets/extension.c, built for that interpreter."""
    headers = run_tool(path, "-c", "import sysconfig; print(sysconfig.get_paths()['include'])").strip()
    if not os.path.exists(f"{headers}/Python.h"):
        skip(f"{path} has no headers")
    return program("extension.c", flags=(f"-I{headers}", "-fPIC", "-shared"), libs=(), name="extension.so").parent


BY_STEPS = os.environ.get("LOGPOINT_STEPS", "") not in ("", "0")


class Program(Target):
    """A program of tests/targets/python, waiting for its start. by_steps: no watchpoint is left for logpoint."""

    def __init__(self, path, source, *args, flags=(), by_steps=BY_STEPS, **options):
        options.setdefault("env", {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"})
        super().__init__(path, *flags, FOLDER / source, *args, **options)
        if by_steps:
            for fd in watchpoints.take(self.pid):
                Here.stack.callback(os.close, fd)

    def said(self, mark=None):
        """What it says to have been there, in order."""
        rows = []
        for text in self.text().splitlines():
            if text.startswith("{"):
                row = json.loads(text)
                if mark is None or row.get("at") == mark:
                    rows.append(row)
        return rows


def watch(path, source, *points, args=(), options=(), status=0, form="json", wait=None, by_steps=BY_STEPS):
    """Runs a program to its end under logpoints: (program, result). wait(tracer): it waits, before it ends, for that."""
    target = Program(path, source, *args, by_steps=by_steps)
    tracer = Tracer(target, *points, options=options, form=form)
    target.go()
    if wait:
        wait(tracer)
        target.go()
    status_of, _ = target.finish()
    equal(status_of, status, f"exit status of {source} ({target.errors()[-1000:]})")
    return target, tracer.finish()


def values(result, logpoint=None):
    """What the records show, in order."""
    return [{**r.get("values", {}), **{k: f"<{v}>" for k, v in r.get("errors", {}).items()}}
            for r in result.records if logpoint is None or r["logpoint"] == logpoint]


def need(module, path="/usr/bin/python3"):
    done = subprocess.run([path, "-c", f"import {module}"], capture_output=True)
    if done.returncode:
        skip(f"{path} has no module {module}")


__all__ = ["ALL", "SYSTEM", "VERSION", "FOLDER", "Program", "check", "every", "extension", "last", "line_of", "minor", "need", "values",
           "watch", "where", "pathlib"]
