# SPDX-License-Identifier: GPL-2.0-only
"""Whatever happens to the target or to logpoint, the other goes on, and nothing is left behind."""

import re
import resource
import signal
import subprocess
import sys
import time

from harness import (ARMED, LOGPOINT, Counts, Here, Process, Target, Tracer, at, bpf_alive, bpf_objects, check, copy_of,
                     each, equal, main, note, program, read_records, read_summary, scratch, test,
                     text_is_clean, trace, until)

STEP = at("steps.c", "step")
FREE = ("--max-overhead", "none")


@each(("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("abort", 128 + signal.SIGABRT), ("crash", 128 + signal.SIGSEGV),
      (f"kill {int(signal.SIGTERM)}", 128 + signal.SIGTERM), (f"kill {int(signal.SIGKILL)}", 128 + signal.SIGKILL))
def command_status(how, status):
    """`-- COMMAND` ends with its status; the last record is there."""
    result = trace([program("ending.c"), *how.split()], f'{at("ending.c", "last")} "{{how}} {{number}}" as last', status=status)
    record, = result.records
    equal(record["message"], f"{how.split()[0]} {(how + ' 0').split()[1]}", "record")
    equal(result.counts("last"), Counts(hits=1, logged=1), "summary")


@each("exit 3", "crash", "sleep")
def attached_target_ends(how):
    """The target's end is ours: its records, the summary, status 0."""
    target = Target(program("ending.c"), *how.split())
    tracer = Tracer(target, f'{at("ending.c", "last")} "{{how}}" as last')
    target.go()
    if how == "sleep":
        tracer.wait_records(1)
        target.signal(signal.SIGKILL)
    target.wait()
    result = tracer.finish()
    equal(result.counts("last"), Counts(hits=1, logged=1), "summary")
    equal(result.records[0]["message"], how.split()[0], "record")


@each(("", 0), ("max 1", 1))
def many_end_together(clause, records):
    """The kernel waits for each probe that goes, and we for all of them at once."""
    def seconds(n):
        target = Target(program("steps.c"), 0, 1000)
        tracer = Tracer(target, *(f'{STEP} "{{i}}" {clause} as p{i}' for i in range(n)))
        began = time.monotonic()
        if records:
            target.go()
        result = tracer.finish(interrupt=not records)
        equal(len(result.records), n * records, "records")
        return time.monotonic() - began

    alone, many = (min(seconds(n) for _ in range(3)) for n in (1, 60))
    check(many < 15 * alone, f"{many:.3f} s for 60 logpoints, {alone:.3f} for one")


@test
def killed_under_load():
    """The target is killed in the middle of hits: every record up to there, a sum that adds up."""
    target = Target(program("steps.c"), 0)
    tracer = Tracer(target, f'{STEP} "{{i}}"')
    target.go()
    tracer.wait_records(5000)
    target.signal(signal.SIGKILL)
    target.wait()
    result = tracer.finish()
    counts = result.counts(STEP)
    equal(len(result.records), counts.logged, "records")
    if not counts.lost:
        equal([r["values"]["i"] for r in result.records], list(range(counts.logged)), "values")


@test
def several_processes():
    targets = [Target(program("steps.c"), n) for n in (10, 20, 30)]
    outsider = Target(program("steps.c"), 40)
    tracer = Tracer(targets, f'{STEP} "{{i}}"')
    for target in [*targets, outsider]:
        target.go()
        target.wait()
    result = tracer.finish()
    by_pid = {}
    for record in result.records:
        by_pid.setdefault(record["pid"], []).append(record["values"]["i"])
    equal(by_pid, {t.pid: list(range(n)) for t, n in zip(targets, (10, 20, 30))}, "records by process")
    equal(result.counts(STEP).hits, 60, "hits: other processes don't count")


def visits(text):
    return sorted((int(level), int(pid)) for level, pid in re.findall(r"^visit (\d+) (\d+)$", text, re.M))


@each("command", "pid")
def follow_forks(how):
    """--follow: children and theirs; without it only the process itself."""
    path, point = program("tree.c"), f'{at("tree.c", "visit")} "{{level}} {{pid}}" as v'
    for follow in (True, False):
        options = ("--follow",) if follow else ()
        if how == "command":
            result = trace([path, 2, 3], point, options=options)
            said = visits(result.out)
        else:
            target = Target(path, 2, 3)
            tracer = Tracer(target, point, options=options)
            target.go()
            said = visits(target.finish()[1])
            result = tracer.finish()
        equal(len(said), 13, "what the program says")
        got = sorted((r["values"]["level"], r["values"]["pid"]) for r in result.records)
        equal(got, said if follow else said[-1:], f"visits, follow {follow}")
        check(all(r["pid"] == r["values"]["pid"] for r in result.records), "pid of a record")


@each("command", "pid")
def exec_chain(how):
    """The target runs another program: logged there too."""
    path, point = program("tree.c"), f'{at("tree.c", "visit")} "{{level}} {{pid}}" as v'
    if how == "command":
        result = trace([path, "exec", 4], point, status=7)
    else:
        target = Target(path, "exec", 4)
        tracer = Tracer(target, point)
        target.go()
        equal(target.wait(), 7, "the target's status")
        result = tracer.finish()
    equal([r["values"]["level"] for r in result.records], [4, 3, 2, 1, 0], "levels")


@test
def exec_by_other():
    """A command that is run by another one, as env or a shell does."""
    result = trace(["/usr/bin/env", "A=1", program("steps.c"), 10], f'{STEP} "{{i}}"')
    equal([r["values"]["i"] for r in result.records], list(range(10)), "values")


@test
def by_executable():
    """-x: every process that runs the file, now and later; others not."""
    path, other = copy_of(program("steps.c"), "wanted"), copy_of(program("steps.c"), "unwanted")
    early = Target(path, 5)
    outsider = Target(other, 50)
    tracer = Process([LOGPOINT, "-v", "-x", path, "--format", "json", "-o", scratch("x"), *FREE, "-n", "12", f'{STEP} "{{i}}"'])
    until(lambda: "armed" in tracer.errors() or not tracer.alive(), "logpoint to be armed")
    later = Target(path, 7)
    for target in (outsider, early, later):
        target.go()
        target.wait()
    equal(tracer.wait(), 0, f"exit status ({tracer.errors()})")
    by_pid = {}
    for record in read_records(scratch("x").read_text()):
        by_pid.setdefault(record["pid"], []).append(record["values"]["i"])
    equal(by_pid, {early.pid: list(range(5)), later.pid: list(range(7))}, "records by process")


@test
def file_replaced():
    """The program's file is replaced while it runs: the running one is what is logged."""
    path = copy_of(program("steps.c"))
    target = Target(path, 20)
    other = copy_of(program("service.c"), "new")
    other.rename(path)
    tracer = Tracer(target, f'{STEP} "{{i}}"')
    target.go()
    equal(target.finish()[0], 0, "the target's status")
    result = tracer.finish()
    equal([r["values"]["i"] for r in result.records], list(range(20)), "values")


@test
def file_replaced_under_load():
    """Replaced, removed, while logpoints are in it."""
    path = copy_of(program("steps.c"))
    target = Target(path, 2000, 100)
    tracer = Tracer(target, f'{STEP} "{{i}}"')
    target.go()
    tracer.wait_records(100)
    new = copy_of(program("steps.c", opt="-O0"), "new")
    new.rename(path)
    path.unlink()
    equal(target.finish()[0], 0, "the target's status")
    result = tracer.finish()
    counts = result.counts(STEP)
    equal(counts.hits, 2000, "hits")
    equal(len(result.records), counts.logged, "records")


@test
def logpoint_killed():
    """SIGKILL of logpoint under load, again and again: the target's result is the same, nothing is left."""
    count = 30000
    want = subprocess.run([program("steps.c"), str(count)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout.splitlines()[-1]
    path = program("steps.c")
    target = Target(path, count, 200)
    target.go()
    kills = 0
    while target.alive() and kills < 8:
        tracer = Tracer(target, f'{STEP} "{{i}} {{word}}"', "call step as c", 'entry other "{i}"', armed=False)
        # also in the middle of attaching
        wait = ("armed", "armed", "links")[kills % 3]
        until(lambda: (("armed" in tracer.errors()) if wait == "armed" else any(k == "link" for k, _ in bpf_objects(tracer.pid)))
              or not tracer.alive(), "logpoint to be armed")
        if wait == "armed" and target.alive() and tracer.alive():
            tracer.wait_records(5)
        held = bpf_objects(tracer.pid)
        tracer.signal(signal.SIGKILL)
        tracer.wait()
        kills += 1
        check(held, "it held no program")
        until(lambda: not bpf_alive(held), "the kernel to remove every program, map and link", 20)
        if target.alive():
            check(text_is_clean(target.pid, path), "a breakpoint is left in the target's code")
    status, said = target.finish()
    equal((status, said.splitlines()[-1]), (0, want), "the target's result")
    note(f"killed {kills} times")
    check(kills >= 4, f"only {kills} kills")


@test
def nothing_left():
    """After an orderly end the target's code is as before."""
    path = program("steps.c")
    target = Target(path, 0, 100)
    tracer = Tracer(target, f'{STEP} "{{i}}"', "call step as c")
    target.go()
    tracer.wait_records(20)
    held = bpf_objects(tracer.pid)
    check(not text_is_clean(target.pid, path), "there is no breakpoint while it logs: this test sees nothing")
    tracer.finish(interrupt=True)
    until(lambda: text_is_clean(target.pid, path), "the target's code to be as before", 20)
    until(lambda: not bpf_alive(held), "the kernel to remove every program, map and link", 20)
    target.signal(signal.SIGTERM)
    equal(target.finish()[0], 0, "the target's status")


@test
def budget_takes_out():
    """A hot logpoint is taken out and that is said, with the rate; a cool one stays."""
    target = Target(program("steps.c"), 0)
    tracer = Tracer(target, f'{STEP} "{{i}}" as hot', f'{at("steps.c", "other")} "{{i}}" if i == -1 hit 5 as cool', budget=None)
    target.go()
    taken_out = re.compile(r"^logpoint: hot: taken out: \d+ hits in a second .*", re.M)
    until(lambda: taken_out.search(tracer.errors()) or not tracer.alive(), "logpoint to take out the hot one", 20)
    check(tracer.alive(), f"logpoint ended: {tracer.errors()}")
    result = tracer.finish(interrupt=True)
    counts = result.counts("hot")
    equal(len(result.records), counts.logged, "records")
    target.signal(signal.SIGTERM)
    equal(target.finish()[0], 0, "the target's status")
    note(taken_out.search(tracer.errors())[0])
    check(counts.hits >= 500, f"{counts.hits} hits are no reason")


@test
def budget_none():
    """--max-overhead none: it stays, however hot."""
    result = trace([program("steps.c"), 200000], f'{STEP} "{{i}}" if i % 1000 == 0 as hot')
    equal(result.counts("hot"), Counts(hits=200000, logged=200, filtered=199800), "summary")


@test
def memory_errors():
    """NULL chains, bad pointers, a string with no end, a page that is not resident: values that say so."""
    page = scratch("page")
    page.write_bytes(b"present" + b"\0" * 9000)
    result = trace([program("faults.c", opt="-O0"), page],
                   f'{at("faults.c", "show")} "{{chain->value}} {{chain->next->value}} {{chain->next->next->value}} '
                   '{chain->next->text} {bad->value} {bad->text} {endless} {absent} {*edge} {edge[1]} {wild} {chain->text}" as f',
                   f'{at("faults.c", "show")} "{{bad->value}}" if bad->value == 1 as c',
                   f'{at("faults.c", "show")} "{{*bad}} {{*chain}}" as s')
    records = [r for r in result.records if r["logpoint"] == "f"]
    equal(len(records), 2, "records")
    for record in records:
        values, errors = record["values"], record["errors"]
        equal({k: values.get(k) for k in ("chain->value", "chain->next->value", "absent", "chain->text")},
              {"chain->value": 1, "chain->next->value": 2, "absent": "present", "chain->text": "first"}, "values that are there")
        equal(values.get("chain->next->text", None), None, "a null string")
        equal(errors["chain->next->next->value"], "unreadable 0x0", "NULL chain")
        equal(errors["bad->value"], "unreadable 0x10", "bad pointer")
        equal(errors["bad->text"], "unreadable 0x20", "member of a bad pointer")
        equal(errors["wild"], "unreadable 0xdead000000000000", "wild string")
        endless = values.get("endless", errors.get("endless"))
        check(endless.startswith("x" * 10) and set(endless) <= set("x.") or endless.startswith("unreadable"), f"endless: {endless}")
        check("edge[1]" in errors and "*edge" in values, f"the edge of a mapping: {record}")
    equal(result.counts("c"), Counts(hits=2, filtered=2), "a condition that can't be evaluated is false")
    check(re.search(r"unreadable 0x10", result.err) and re.search(r"\b2 conditions could not", result.err),
          f"the first such condition is reported, and they are counted: {result.err}")


@test
def output_closed():
    """Nobody reads its output any more: it ends, the target goes on."""
    target = Target(program("steps.c"), 0, 200)
    tracer = subprocess.Popen([LOGPOINT, "-p", str(target.pid), *FREE, f'{STEP} "{{i}}"'], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    Here.stack.callback(lambda: tracer.poll() is None and tracer.kill())
    target.go()
    tracer.stdout.readline()
    tracer.stdout.close()
    err = tracer.stderr.read().decode()
    status = tracer.wait(20)
    check(status in (0, 1), f"status {status}: {err}")
    counts = read_summary(err)[STEP]
    check(counts.hits, "no hit")
    check(target.alive(), "the target ended")


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


@each("/dev/full", "limit")
def output_fails(name):
    """What can't be written is said once, is a failure, and does not count as logged."""
    path = scratch("short") if name == "limit" else "/dev/full"
    target = Target(program("steps.c"), 0, 200)
    tracer = Process([LOGPOINT, "-p", str(target.pid), *FREE, "-o", path, "-d", "20", f'{STEP} "{{i}}" as first',
                      f'{STEP} "{{i}}" as second'], preexec_fn=limit_files if name == "limit" else None)
    until(lambda: re.search(ARMED, tracer.errors()) or not tracer.alive(), "logpoint to be armed")
    target.go()
    equal(tracer.wait(), 1, "the status")
    err = tracer.errors()
    equal(err.count("cannot write output"), 1, f"times that it is said: {err}")
    counts = read_summary(err)
    written = path.read_text().split("\n")[:-1] if name == "limit" else []
    for point in "first", "second":
        equal(sum(f" {point} " in row for row in written), counts[point].logged, f"records of {point}")
        check(counts[point].unshown, f"nothing of {point} is missing: {err}")
    check(name != "limit" or written, "nothing was written")
    check(target.alive(), "the target ended")


@test
def hangup_ignored():
    """As nohup starts it: a hangup is nothing."""
    target = Target(program("steps.c"), 0, 200)
    tracer = Tracer(target, f'{STEP} "{{i}}"', preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    target.go()
    tracer.wait_records(5)
    tracer.signal(signal.SIGHUP)
    tracer.wait_records(tracer.records_file.read_bytes().count(b"\n") + 200)
    result = tracer.finish(interrupt=True)
    equal(len(result.records), result.counts(STEP).logged, "records")


@test
def many_short_processes():
    """-x on a program of which many come and go: nothing stays, every one is logged."""
    path = copy_of(program("ending.c"), "short")
    tracer = Process([LOGPOINT, "-x", path, "--format", "json", "-o", scratch("x"), *FREE, "-n", "60",
                      f'{at("ending.c", "last")} "{{number}}"'])
    until(lambda: "armed" in tracer.errors() or not tracer.alive(), "logpoint to be armed")
    for number in range(60):
        subprocess.run([path, "exit", str(number)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    equal(tracer.wait(), 0, f"exit status: {tracer.errors()}")
    equal([r["values"]["number"] for r in read_records(scratch("x").read_text())], list(range(60)), "numbers")


sys.exit(main())
