# SPDX-License-Identifier: GPL-2.0-only
"""`logpoint stacks` of C programs: where the threads are, without stopping them, and what it needs."""

import json
import os
import re
import subprocess
import sys

from harness import Target, check, each, equal, line, logpoint, main, program, skip, stacks, test, until
from interpreters import FOLDER, SYSTEM
from unprivileged import USER, as_user, for_all, logpoint_as

SOURCE = "stacks.c"
BUILDS = [("gcc", "-O2"), ("clang", "-O2"), ("gcc", "-O0")]


def state_of(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def comms(pid):
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm") as file:
            found[file.read().strip()] = int(tid)
    return found


def started(cc="gcc", opt="-O2"):
    target = Target(program(SOURCE, cc, opt, flags=("-fomit-frame-pointer",)))
    waiting = ("locker", "sleeper", "receiver")
    until(lambda: set(comms(target.pid)) >= {*waiting, "spinner"}
          and all(state_of(target.pid, comms(target.pid)[n]) == "S" for n in waiting), "the threads to wait")
    return target


def own(thread):
    return [(f["function"], f.get("line")) for f in thread["stack"] if f.get("file", "").endswith(SOURCE)]


def by_comm(answer):
    return {t["comm"]: t for t in answer["threads"]}


@each(*BUILDS)
def places(cc, opt):
    """Each thread that waits is where it is known to wait, inlined functions and callers included."""
    target = started(cc, opt)
    answer = stacks(target)
    threads = by_comm(answer)
    equal({n: t["tid"] for n, t in threads.items() if n in ("locker", "sleeper")},
          {n: t for n, t in comms(target.pid).items() if n in ("locker", "sleeper")}, "threads")
    equal(own(threads["locker"]), [("take", line(SOURCE, "take")), ("locker", line(SOURCE, "locker"))], "locker")
    equal(own(threads["sleeper"]),
          [("rest", line(SOURCE, "rest")), ("rest_long", line(SOURCE, "inlined")), ("sleeper", line(SOURCE, "sleeper"))], "sleeper")
    equal(own(threads["receiver"]), [("receive", line(SOURCE, "receive"))] + [("receive", line(SOURCE, "deeper"))] * 3 +
          [("receiver", line(SOURCE, "receiver"))], "receiver")
    equal({t["state"] for n, t in threads.items() if n != "spinner"}, {"waiting"}, "states")
    equal([f["folded"] > 0 for f in threads["locker"]["stack"] if "folded" in f], [True, True], "folded around it")
    spinner = own(threads["spinner"])
    check(spinner and spinner[0][0] == "spin", f"the one that computes: {threads['spinner']}")
    equal(threads["spinner"]["state"], "running", "its state")


@test
def all_frames_and_variables():
    """--all-frames shows those of the C library; --locals the variables."""
    target = started(opt="-O0")
    locker = by_comm(stacks(target, "--all-frames"))["locker"]
    names = [f.get("function", "") for f in locker["stack"]]
    check("take" in names and len(names) > names.index("locker") + 1 and names.index("take") > 0, f"frames: {names}")
    receiver = by_comm(stacks(target, "--locals"))["receiver"]
    depths = [f["locals"]["depth"] for f in receiver["stack"] if f.get("function") == "receive"]
    equal(depths, [0, 1, 2, 3], "depth of each frame")


@test
def text():
    """As text."""
    target = started()
    status, out, err = logpoint("stacks", "-p", str(target.pid))
    equal(status, 0, err)
    check(re.search(rf"^stacks\[{target.pid}\]: 5 threads$", out, re.M), out)
    check(re.search(r"^\d+ locker waiting\n    \.\.\. \d+ library frames?\n    take stacks.c:%d\n    locker stacks.c:%d\n"
                    r"    \.\.\. \d+ library frames?$" % (line(SOURCE, "take"), line(SOURCE, "locker")), out, re.M), out)


@test
def several_processes():
    """Several are told one after the other; of the system's own loader nothing is needed."""
    targets = [started(), started()]
    status, out, err = logpoint("stacks", "-p", ",".join(str(t.pid) for t in targets), "--format", "json")
    equal(status, 0, err)
    equal([p["pid"] for p in json.loads(out)["processes"]], sorted(t.pid for t in targets), "processes")


@test
def wrong_command_lines():
    """What can't be is said."""
    for args, word in (((), "no target"), (("-p", "1", "x"), "'x'"), (("-p", str(2**22 + 5)), "no process"),
                       (("--", "true"), "yet to start"), (("-p", "1", "--format", "xml"), "xml")):
        status, out, err = logpoint("stacks", *args)
        check(status == 2 and word in err and not out, f"{args}: {status} {err}")


@each(((), False), (("bpf", "perfmon"), True))
def without_root(capabilities, native):
    """The user's own processes: native frames want CAP_BPF and CAP_PERFMON, and it is said; Python's want nothing."""
    if not SYSTEM:
        skip("no /usr/bin/python3")
    python = Target(*as_user(USER), SYSTEM[0][1], "-I", "-S", for_all(FOLDER / "ticking.py"), "1")
    c = Target(*as_user(USER), for_all(program(SOURCE)))
    done = subprocess.run([*logpoint_as(USER, *capabilities), "stacks", "-p", f"{c.pid},{python.pid}", "--format", "json"],
                          capture_output=True, text=True)
    equal(done.returncode, 0, done.stderr)
    answers = {p["pid"]: p for p in json.loads(done.stdout)["processes"]}
    main_thread = answers[python.pid]["threads"][0]
    check("<module>" in [f.get("function") for f in main_thread["stack"]], f"Python's frames: {main_thread}")
    for answer in answers.values():
        equal("no_native_frames" in answer, not native, f"what is said of native frames: {answer.get('no_native_frames')}")
        check(native or "CAP_BPF and CAP_PERFMON" in answer["no_native_frames"], str(answer))
    main_thread = [t for t in answers[c.pid]["threads"] if t["tid"] == c.pid][0]
    equal("main" in [f.get("function") for f in main_thread["stack"]], native, f"native frames: {main_thread}")


@test
def target_goes_on():
    """It counts on while it is looked at."""
    target = started()
    before = open(f"/proc/{target.pid}/status").read()
    for _ in range(3):
        stacks(target)
    check(target.alive() and "TracerPid:\t0" in before, "it runs on, untraced")
    target.go()
    status, _ = target.finish()
    equal(status, 0, "its exit status")


sys.exit(main())
