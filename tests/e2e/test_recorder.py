# SPDX-License-Identifier: GPL-2.0-only
"""The flight recorder (--last): the newest records that fit, all of them and no other, when they are asked for."""

import os
import pathlib
import re
import signal
import sys
import threading

from harness import (Counts, Result, Target, Tracer, at, bpf_alive, bpf_objects, check, each, equal, logpoint, main, note,
                     program, read_records, scratch, test, text_is_clean, trace, until)
from interpreters import ALL, Program, every, minor, where

STEP, OTHER, FAIL = (at("recorded.c", mark) + ' "{i}"' for mark in ("step", "other", "fail"))
FIRST = 100000  # all numbers have as many digits, all records as many bytes
HEAD = 8  # bytes that a kept record takes beside its own
SIZE = 65536


def do(target, *commands):
    """What the target is told to, done."""
    for command in commands:
        before = target.text().count("done\n")
        target.popen.stdin.write(f"{command}\n".encode())
        target.popen.stdin.flush()
        until(lambda: target.text().count("done\n") > before or not target.alive(), f"'{command}' to be done")


def native():
    target = Target(program("recorded.c"))
    target.go()
    return target


def numbers(text):
    """(logpoint, number) of each record."""
    found = [re.search(r" (\w+) (\d{6})$", row) for row in text.splitlines()]
    check(all(found), f"a record of another form in: {text[:300]}")
    return [(match[1], int(match[2])) for match in found]


def steps(start, end, name="step"):
    return [(name, i) for i in range(start, end)]


def record(target, *points, last="64K", options=(), form="text"):
    return Tracer(target, *points, options=("--last", last, *options), form=form)


def written(tracer):
    return tracer.records_file.read_text()


def ask(tracer, count=None):
    """SIGUSR1, and what it has brought."""
    before = tracer.errors().count("asked to: ")
    start = tracer.records_file.stat().st_size
    tracer.signal(signal.SIGUSR1)
    until(lambda: tracer.errors().count("asked to: ") > before or not tracer.alive(), "an answer to SIGUSR1")
    said = int(re.findall(r"asked to: (\d+) kept records? written", tracer.errors())[-1])
    until(lambda: written(tracer)[start:].count("\n") >= said or not tracer.alive(), "what was written")
    new = written(tracer)[start:]
    equal(new.count("\n"), said, "records that it says it has written")
    return new


# --- when ---


@each("interrupt", "target", "duration", "signal")
def the_newest_at_the_end(how):
    """Whatever ends the session; exactly those that fit, and before that not a byte."""
    target = native()
    tracer = record(target, f"{STEP} as step", options=("-d", "3") if how == "duration" else ())
    do(target, "step 3000")
    equal(written(tracer), "", "what is written before the end")
    if how == "target":
        target.signal(signal.SIGKILL)
    if how == "signal":
        tracer.signal(signal.SIGTERM)
    result = tracer.finish(interrupt=how == "interrupt")
    length = len(result.raw.splitlines()[0]) + 1
    fit = SIZE // (length + HEAD)
    equal(numbers(result.raw), steps(FIRST + 3000 - fit, FIRST + 3000), "records")
    equal(result.counts("step"), Counts(hits=3000, logged=fit, overwritten=3000 - fit), "summary")


@test
def when_asked_to():
    """SIGUSR1: what is kept, each record once; recording goes on."""
    target = native()
    tracer = record(target, f"{STEP} as step")
    equal(ask(tracer), "", "nothing has happened")
    do(target, "step 100")
    equal(numbers(ask(tracer)), steps(FIRST, FIRST + 100), "the first")
    equal(ask(tracer), "", "nothing new")
    do(target, "step 5")
    equal(numbers(ask(tracer)), steps(FIRST + 100, FIRST + 105), "the second")
    do(target, "step 2000")
    third = numbers(ask(tracer))
    equal(third, steps(FIRST + 2105 - len(third), FIRST + 2105), "the third")
    check(300 < len(third) < 2000, f"{len(third)} records fit")
    do(target, "step 7")
    result = tracer.finish(interrupt=True)
    equal(numbers(result.raw)[-7:], steps(FIRST + 2105, FIRST + 2112), "at the end")
    equal(result.counts("step"), Counts(2112, logged=112 + len(third), overwritten=2000 - len(third)), "summary")


@test
def when_another_logs():
    """`dump on NAME`: in order of time, its own record last, at once."""
    target = native()
    tracer = record(target, f"{STEP} as step dump on bad", f"{OTHER} as other", f"{FAIL} as bad")
    do(target, "step 3", "other 2", "step 1")
    equal(written(tracer), "", "what is written before")
    do(target, "fail")
    tracer.wait_records(7)
    want = steps(FIRST, FIRST + 3) + steps(FIRST + 3, FIRST + 5, "other") + steps(FIRST + 5, FIRST + 6)
    equal(numbers(written(tracer)), want + [("bad", FIRST + 6)], "records")
    do(target, "fail", "step 2", "fail", "other 1")
    tracer.wait_records(11)
    want += [("bad", FIRST + 6)] * 2 + steps(FIRST + 6, FIRST + 8) + [("bad", FIRST + 8)]
    equal(numbers(written(tracer)), want, "records")
    result = tracer.finish(interrupt=True)
    equal(numbers(result.raw), want + [("other", FIRST + 8)], "records at the end")
    equal(result.counts("all"), Counts(12, logged=12), "summary")
    check("bad: 6 kept records written" in result.err, result.err)


@test
def at_a_crash():
    """All that is kept, whatever it waits for; the crash is the last."""
    target = native()
    tracer = record(target, f"{STEP} as step dump on bad", f"{OTHER} as other", f"{FAIL} as bad", "crash as crashed", form="json")
    do(target, "step 3", "other 1", "step 1000", "die")
    equal(target.wait(), -signal.SIGABRT, "how it ends")
    result = tracer.finish()
    *kept, last = result.records
    equal(last["logpoint"], "crashed", "the last")
    check(20 < len(kept) < 1000, f"{len(kept)} are kept")
    equal([(r["logpoint"], r["values"]["i"]) for r in kept], steps(FIRST + 1004 - len(kept), FIRST + 1004), "before it")
    check(f"crashed: {len(kept)} kept records written" in result.err, result.err)
    equal(result.counts("all"), Counts(1005, logged=len(kept) + 1, overwritten=1004 - len(kept)), "summary")


@test
def who_waits_for_whom():
    """A record waits for the logpoint that its own `dump on` names; one without for any. A condition decides."""
    target = native()
    tracer = record(target, f"{STEP} as step dump on bad", f"{OTHER} as other dump on worse", 'entry other "{i}" as entered',
                    f"{FAIL} as bad if i % 2 == 0", f'{FAIL} as worse if i % 2 == 1')
    do(target, "step 2", "other 2", "fail")
    tracer.wait_records(5)
    bad = steps(FIRST, FIRST + 2) + steps(FIRST + 2, FIRST + 4, "entered") + [("bad", FIRST + 4)]
    equal(numbers(written(tracer)), bad, "after bad")
    do(target, "other 1", "fail")
    tracer.wait_records(10)
    late = numbers(written(tracer))[5:]
    equal(sorted(late[:4]), sorted(steps(FIRST + 2, FIRST + 5, "other") + [("entered", FIRST + 4)]), "after worse")
    equal(late[:3], steps(FIRST + 2, FIRST + 4, "other") + [("entered", FIRST + 4)], "in order of time")
    equal(late[4:], [("worse", FIRST + 5)], "its own record is the last")
    do(target, "step 4", "fail", "die")
    result = tracer.finish()
    equal(numbers(result.raw)[10:], [("worse", FIRST + 9)] + steps(FIRST + 5, FIRST + 9), "the rest at the end")
    for name, hits, logged in (("step", 6, 6), ("other", 3, 3), ("bad", 3, 1), ("worse", 3, 2)):
        equal(result.counts(name), Counts(hits, logged=logged, filtered=hits - logged), f"summary of {name}")


@test
def a_count_of_records():
    """-n counts what is written: of more than that the newest, with the cause."""
    target = native()
    tracer = record(target, f"{STEP} as step", f"{FAIL} as bad dump on bad", options=("-n", "10"))
    do(target, "step 3", "fail", "step 100")
    tracer.wait_records(4)
    check(tracer.alive(), "six are left")
    do(target, "fail")
    result = tracer.finish()
    want = steps(FIRST, FIRST + 3) + [("bad", FIRST + 3)] + steps(FIRST + 98, FIRST + 103) + [("bad", FIRST + 103)]
    equal(numbers(result.raw), want, "records")
    equal(result.counts("step"), Counts(103, logged=8, unshown=95), "summary")

    tracer = record(target, f"{STEP} as step", options=("-n", "10"))
    do(target, "step 30")
    ask(tracer)
    result = tracer.finish()
    equal(numbers(result.raw), steps(FIRST + 123, FIRST + 133), "records of the one that is asked")
    equal(result.counts("step"), Counts(30, logged=10, unshown=20), "its summary")


@test
def of_a_command():
    """The command's own SIGUSR1 is as it would be; its records come when it has ended by it."""
    result = trace([program("ending.c"), "kill", int(signal.SIGUSR1)], f'{at("ending.c", "last")} "{{how}}" as last',
                   options=("--last", "1M"), status=128 + signal.SIGUSR1)
    equal([r["message"] for r in result.records], ["kill"], "the record before it")
    feed = scratch("feed")
    feed.write_text("\nstep 20\nfail\n")
    with open(feed, "rb") as stdin:
        result = trace([program("recorded.c")], f"{STEP} as step", f"{FAIL} as bad", form="text", options=("--last", "1M"),
                       stdin=stdin)
    equal(numbers(result.raw), steps(FIRST, FIRST + 20) + [("bad", FIRST + 20)], "records")


# --- how much ---


@test
def memory_is_bounded():
    """However much comes, the tracer takes SIZE and no more; every hit is accounted for."""
    target = native()
    tracer = record(target, f"{STEP} as step", last="4M", form="json")

    def status(name):
        return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{tracer.pid}/status").read_text(), re.MULTILINE)[1])

    def resident_after(steps):
        """What comes at once takes memory, too, until it is handed on: it comes in parts."""
        part = min(steps, 3000)
        for _ in range(steps // part):
            looks = status("voluntary_ctxt_switches")
            do(target, f"step {part}")
            until(lambda: status("voluntary_ctxt_switches") >= looks + 3, "the tracer to look into the ring")
        return status("VmRSS")
    before, first, second = map(resident_after, (1000, 30000, 60000))
    note(f"resident before {before} KiB, full {first}, overwritten three times {second}")
    check(first - before < 4096 + 2048, "more than the memory that it may have")
    check(second - first < 512, "what comes later takes memory of its own")
    result = tracer.finish(interrupt=True)
    counts = result.counts("step")
    equal(len(result.records), counts.logged, "records")
    total = sum(len(row) + 1 + HEAD for row in result.raw.splitlines())
    check(total <= 4 << 20 < total + len(result.raw.splitlines()[0]) + 16, f"{total} bytes are kept")
    if not counts.lost:
        equal([r["values"]["i"] for r in result.records], list(range(FIRST + 91000 - counts.logged, FIRST + 91000)), "records")


@test
def under_overload():
    """More than the collector can take: lost ones are counted, kept ones are the newest, in order."""
    cpus = sorted(os.sched_getaffinity(0))[:4]
    target = Target(program("threads.c"), 60000, *cpus)
    tracer = record(target, at("threads.c", "step") + ' "{i}" as step with stack', form="json")
    target.go()
    target.finish()
    result = tracer.finish()
    counts = result.counts("step")
    equal(counts.hits, 60000 * len(cpus), "hits")
    equal(len(result.records), counts.logged, "records")
    check(counts.overwritten > 1000, f"overwritten: {counts}")
    times = [r["time"] for r in result.records]
    equal(times, sorted(times), "order of time")
    hits = sorted(r["hit"] for r in result.records)
    note(str(counts))
    if not counts.lost:
        equal(len(hits), len(set(hits)), "each once")
        check(hits[-1] == counts.hits, "the very last")
        check(hits[0] > counts.hits - counts.logged - 1000, "the newest")


class SlowReader(threading.Thread):
    """Of a pipe in place of the file: 2 MB a second, until it may hurry."""

    def __init__(self):
        super().__init__(daemon=True)
        self.path, self.read, self.hurry = scratch("pipe"), [], threading.Event()
        os.mkfifo(self.path)
        self.start()

    def run(self):
        with open(self.path, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 14):
                self.read.append(chunk)
                self.hurry.wait(0.008)

    def text(self):
        self.join(60)
        return b"".join(self.read).decode()


@test
def while_it_is_written():
    """A dump takes its time, where the output does; what comes meanwhile is taken, and stands in line: also what asks for another."""
    reader, target = SlowReader(), native()
    tracer = Tracer(target, f"{STEP} as step with stack dump on bad", f"{OTHER} as other", f"{FAIL} as bad",
                    options=("--last", "16M"), form="text", output=reader.path)
    do(target, "other 40000")
    tracer.signal(signal.SIGUSR1)
    until(lambda: reader.read, "the begin of it")
    do(target, "paced 1500", "fail", "paced 1500")
    note("it ended before" if "asked to:" in tracer.errors() else "all came while it was written")
    reader.hurry.set()
    until(lambda: "bad: 1500 kept records written" in tracer.errors(), "the next dump")
    check("asked to: 40000 kept records written" in tracer.errors(), tracer.errors())
    do(target, "step 3")
    tracer.signal(signal.SIGINT)
    result = Result(tracer.wait(), [], tracer.text(), tracer.errors(), reader.text())
    found = [re.search(r" (\w+) (\d{6})(?: \| \w+ recorded|$)", row) for row in result.raw.splitlines()]
    want = steps(FIRST, FIRST + 40000, "other") + steps(FIRST + 40000, FIRST + 41500) + [("bad", FIRST + 41500)]
    got = [(match[1], int(match[2])) for match in found if match]
    equal(len(got), len(found), "records as they should be")
    equal(result.counts("all"), Counts(43004, logged=43004), "summary")
    check(got == want + steps(FIRST + 41500, FIRST + 43003), "records are not in order, each once")


@test
def killed():
    """SIGKILL: nothing was written, nothing is left behind, the target goes on."""
    target = native()
    tracer = record(target, f"{STEP} as step")
    do(target, "step 50")
    held = bpf_objects(tracer.pid)
    check(held, "it holds nothing")
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    until(lambda: not bpf_alive(held), "the kernel to let go")
    equal(written(tracer), "", "what was written")
    check(text_is_clean(target.pid, program("recorded.c")), "a probe is left")
    do(target, "step 1")


# --- what is refused ---


@each(("nobody", ("--last", "64K"), ("entry step dump on nobody",), "no logpoint is called 'nobody'"),
      ("twice", ("--last", "64K"), ("entry step dump on x", "entry fail as x", "entry other as x"), "2 logpoints are called 'x'"),
      ("alone", (), ("entry step dump on x", "entry fail as x"), "`dump on` is for --last SIZE"),
      ("small", ("--last", "500"), ("entry step",), "--last: 500 is not between 4096 and"),
      ("nosize", ("--last", "5x"), ("entry step",), "--last: '5x' is not a size in bytes"))
def refused(_, options, points, why):
    target = native()
    status, out, err = logpoint("-p", target.pid, *options, *points)
    equal(status, 2, f"status ({err})")
    check(why in err, err)
    equal(out, "", "output")


# --- Python ---


@every(ALL)
def in_python(name, path):
    """The same; and what was kept is as it was: functions, classes and threads may be gone since."""
    target = Program(path, "recorded.py")
    target.go()
    tracer = Tracer(target, where("recorded.py", "step") + ' "{i}" as step dump on bad', where("recorded.py", "fail") + ' "{i}" as bad',
                    'entry made "{item}" as gone with stack', options=("--last", "64K"))
    do(target, "step 400", "gone")
    equal(written(tracer), "", "what is written before")
    do(target, "fail")
    until(lambda: '"bad"' in written(tracer), "the cause")
    records = read_records(written(tracer))
    last = records.pop()
    equal((last["logpoint"], last["message"]), ("bad", str(FIRST + 400)), "the last")
    gone = [r for r in records if r["logpoint"] == "gone"]
    kept = [r["values"]["i"] for r in records if r["logpoint"] == "step"]
    equal(kept, list(range(FIRST + 400 - len(kept), FIRST + 400)), "the newest")
    check(50 < len(kept) < 400, f"{len(kept)} of 400 fit")
    equal([r["thread"] for r in gone], [f"maker-{n}" for n in range(3)], "threads that are gone")
    equal([r["message"] for r in gone], [f"Kind{n}(value={n})" for n in range(3)], "objects of classes that are gone")
    first = 6 if minor(name) >= 11 else 7  # line: RESUME is the def's
    equal([(r["stack"][0]["function"], r["stack"][0]["line"]) for r in gone], [("made", n * 10 + first) for n in range(3)],
          "code that is gone")
    do(target, "step 3")
    target.popen.stdin.close()
    equal(target.wait(), 0, "exit status")
    result = tracer.finish()
    equal([r["message"] for r in result.records][-3:], [str(FIRST + 400 + i) for i in range(3)], "at the end")
    equal(len(result.records), len(records) + 4, "each once")
    equal(result.counts("step"), Counts(403, logged=len(kept) + 3, overwritten=400 - len(kept)), "summary")


sys.exit(main())
