# SPDX-License-Identifier: GPL-2.0-only
"""Without root: what each capability allows, and that what is missing is named."""

import re
import subprocess
import sys

from harness import LOGPOINT, Target, Tracer, at, check, each, equal, main, program, skip, test, tool
from interpreters import FOLDER, SYSTEM, VERSION, values, where
from unprivileged import LOGGING, OTHER, USER, as_user, for_all, logpoint_as, need_uprobes, writable

def ticker():
    return Target(*as_user(USER), for_all(program("steps.c")), "500")


def service():
    if not SYSTEM:
        skip("no /usr/bin/python3")
    return Target(*as_user(USER), SYSTEM[0][1], "-I", "-S", for_all(FOLDER / "ticking.py"), "100")


def watched(target, user, capabilities, *points):
    tracer = Tracer(target, *points, program=logpoint_as(user, *capabilities), output=writable("records"))
    target.go()
    target.finish()
    return tracer.finish()


@each((USER, LOGGING), (OTHER, (*LOGGING, "sys_ptrace")))
def native(user, capabilities):
    """Lines, entries and returns of a program, the user's own or, with CAP_SYS_PTRACE, another's."""
    need_uprobes()
    target = ticker()
    result = watched(target, user, capabilities, "entry step as entry", "call step as call", at("steps.c", "step") + " as line")
    for name in ("entry", "call", "line"):
        equal((result.counts(name).hits, result.counts(name).logged), (500, 500), name)


@each((USER, LOGGING), (OTHER, (*LOGGING, "sys_ptrace")))
def python(user, capabilities):
    """The same of Python."""
    need_uprobes()
    target = service()
    result = watched(target, user, capabilities, 'call tick "{number} {who} {$return}" as call',
                     where("ticking.py", "tick").replace("ticking", "all-ticking") + ' "{number}" as line with stack')
    equal([list(v.values()) for v in values(result, "call")], [[n, VERSION, [n, VERSION]] for n in range(100)], "calls")
    equal([list(v.values()) for v in values(result, "line")], [[n] for n in range(100)], "lines")


@test
def file_capabilities():
    """Given to the program itself (setcap), which the kernel then treats as one that is not to be looked into."""
    need_uprobes()
    binary = for_all(LOGPOINT)
    if subprocess.run([tool("setcap"), "cap_bpf,cap_perfmon+ep", binary], capture_output=True).returncode:
        skip("no capabilities on this file system")
    sets = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    target = ticker()
    tracer = Tracer(target, "entry step as entry", program=[*sets, binary], output=writable("records"), budget="50")
    target.go()
    target.finish()
    equal(tracer.finish().counts("entry").logged, 500, "records")


def refused(target, user, capabilities, *words, points=("entry step",)):
    done = subprocess.run([*logpoint_as(user, *capabilities), "-p", str(target.pid), *points], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    equal((done.returncode, done.stdout), (3, ""), f"exit status and output with {capabilities}: {done.stderr}")
    for word in words:
        check(re.search(rf"\b{word}\b", done.stderr), f"no {word} in: {done.stderr}")
    return done.stderr


@test
def what_is_missing_is_named():
    """Each capability that lacks, alone, with exit status 3."""
    need_uprobes()
    target = ticker()
    check("CAP_PERFMON" not in refused(target, USER, ("perfmon",), "CAP_BPF"), "one that is there")
    check("CAP_BPF" not in refused(target, USER, ("bpf",), "CAP_PERFMON"), "one that is there")
    refused(target, USER, (), "CAP_BPF", "CAP_PERFMON")
    refused(target, OTHER, LOGGING, "CAP_SYS_PTRACE")
    refused(target, OTHER, (), "CAP_SYS_PTRACE")
    done = subprocess.run([*logpoint_as(USER), "check"], capture_output=True, text=True)
    equal(done.returncode, 3, "exit status of check")
    check("Logging is not possible here." in done.stdout and "missing  CAP_BPF" in done.stdout, done.stdout)


sys.exit(main())
