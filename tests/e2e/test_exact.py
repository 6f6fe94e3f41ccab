# SPDX-License-Identifier: GPL-2.0-only
"""Hits are exact: conditions, counts, limits, losses, order."""

import os
import re
import signal
import sys
import threading
import time

from harness import (SOURCES, Counts, Failed, Here, Target, Tracer, at, check, each, equal, main, note, program,
                     read_summary, run_tool, scratch, test, trace)

STEP = at("steps.c", "step")
OTHER = at("steps.c", "other")


def loop(opt="-O2"):
    return program("steps.c", opt=opt)


def steps(result):
    return int(re.search(r"steps (\d+)", result.out)[1])


@each("-O0", "-O2")
def condition(opt):
    """A condition that is true once in a thousand: those records, and a summary that adds up."""
    result = trace([loop(opt), 100000], f'{STEP} "{{i}}" if i % 1000 == 7')
    equal([r["values"]["i"] for r in result.records], list(range(7, 100000, 1000)), "values of i")
    equal(result.counts(STEP), Counts(hits=100000, logged=100, filtered=99900), "summary")
    equal(steps(result), 100000, "the program's own count")


CLAUSES = [
    ("hit 5", [4]), ("hit == 5", [4]), ("hit > 996", [996, 997, 998, 999]), ("hit >= 998", [997, 998, 999]),
    ("hit < 4", [0, 1, 2]), ("hit <= 3", [0, 1, 2]), ("hit % 250", [249, 499, 749, 999]),
    ("if i % 2 == 0 hit % 100", [198, 398, 598, 798, 998]), ("if i >= 10 hit 1", [10]),
    ("max 3", [0, 1, 2]), ("if i > 500 max 2", [501, 502]), ("hit > 10 max 2", [10, 11]),
    ('if word == "blue" and i < 9', [2, 5, 8]), ("if square == 49 or i == 8", [7, 8]),
    ("if not (i < 998)", [998, 999]), ("if i in (3, 5, 2000)", [3, 5]), ("if i == -1", []),
    ('if word.startswith("gr") hit <= 2', [1, 4]), ("if i & 1 && i < 6", [1, 3, 5]), ("if !i", [0]),
    ("if len(word) == 5 hit 1", [1]), ("if $hit", None), ("if 0x3e7 == i", [999]), ("if word[0] == 'r' hit 2", [3]),
]


@test
def clauses():
    """hit, max and conditions in every form, all at one line at once."""
    names = [f"c{k}" for k in range(len(CLAUSES))]
    wanted = [(n, c, w) for n, (c, w) in zip(names, CLAUSES) if w is not None]
    result = trace([loop("-O0"), 1000], *[f'{STEP} "{{i}}" {c} as {n}' for n, c, w in wanted])
    wrong = []
    for name, clause, want in wanted:
        got = [r["values"]["i"] for r in result.records if r["logpoint"] == name]
        counts = result.counts(name)
        if got != want or counts.logged != len(want) or counts.lost or counts.limited:
            wrong.append(f"{clause}: {got} instead of {want}; {counts}")
        if "max" not in clause and counts.hits != 1000:
            wrong.append(f"{clause}: {counts.hits} hits instead of 1000")
    if wrong:
        raise Failed("\n".join(wrong))


@test
def after():
    """`after` is silent until the other has logged."""
    result = trace([loop(), 100], f'{STEP} "{{i}}" after second as first', f'{OTHER} "{{i}}" if i == 50 as second')
    equal([r["values"]["i"] for r in result.records if r["logpoint"] == "second"], [50], "the one waited for")
    equal([r["values"]["i"] for r in result.records if r["logpoint"] == "first"], list(range(51, 100)), "after it")
    equal(result.counts("first"), Counts(hits=100, logged=49, filtered=51), "summary")


@test
def rate():
    """`rate` holds back what is above it, and counts it."""
    start = time.monotonic()
    result = trace([loop(), 3000, 500], f'{STEP} "{{i}}" rate 10/s')
    seconds = time.monotonic() - start
    counts = result.counts(STEP)
    equal(counts.hits, 3000, "hits")
    equal(counts.logged + counts.limited, 3000, "logged and held back")
    equal(len(result.records), counts.logged, "records")
    check(10 <= counts.logged <= 10 * (seconds + 2), f"{counts.logged} records in {seconds:.1f} s at 10/s")


@test
def count_option():
    """-n stops after exactly so many records; the target goes on."""
    target = Target(loop(), 0, 1000)
    tracer = Tracer(target, f'{STEP} "{{i}}"', options=("-n", "10"))
    target.go()
    result = tracer.finish()
    equal([r["values"]["i"] for r in result.records], list(range(10)), "records")
    check(target.alive(), "the target ended")
    counts = result.counts(STEP)
    check(counts.logged >= 10, f"{counts}")
    target.signal(signal.SIGTERM)
    equal(target.finish()[0], 0, "the target's status")


@test
def duration_option():
    """-d ends by itself, with the summary."""
    target = Target(loop(), 0, 1000)
    start = time.monotonic()
    tracer = Tracer(target, f'{STEP} "{{i}}"', options=("-d", "700ms"))
    target.go()
    result = tracer.finish()
    check(0.7 <= time.monotonic() - start < 20, "it took another time")
    equal(len(result.records), result.counts(STEP).logged, "records")
    check(result.records, "no record")
    check(target.alive(), "the target ended")


@each("SIGINT", "SIGTERM", "SIGHUP")
def interrupted(name):
    """A signal ends it orderly: what is in the buffer is written, then the summary."""
    target = Target(loop(), 0, 200)
    tracer = Tracer(target, f'{STEP} "{{i}}"')
    target.go()
    tracer.wait_records(20)
    tracer.signal(getattr(signal, name))
    result = tracer.finish()
    equal(len(result.records), result.counts(STEP).logged, "records")
    equal([r["values"]["i"] for r in result.records], list(range(len(result.records))), "values")
    target.signal(signal.SIGTERM)
    target.finish()


@test
def order():
    """Records of threads on different CPUs come in the order of time."""
    path = program("threads.c")
    cpus = sorted(os.sched_getaffinity(0))[:2]
    result = trace([path, 20000, *cpus], f'{at("threads.c", "step")} "{{i}}" as s')
    times = [r["time"] for r in result.records]
    check(times == sorted(times), "records are not in order of time")
    threads = {}
    for record in result.records:
        threads.setdefault(record["tid"], []).append(record["values"]["i"])
    equal(len(threads), 2, "threads")
    counts = result.counts("s")
    equal(counts.hits, 40000, "hits")
    if not counts.lost:
        for tid, values in threads.items():
            equal(values, list(range(20000)), f"values of thread {tid}")


@test
def overload():
    """A reader that is too slow: every hit is logged or lost, and the sum is the program's own count."""
    pipe = scratch("pipe")
    os.mkfifo(pipe)
    target = Target(program("threads.c"), 150000, *sorted(os.sched_getaffinity(0))[:2])
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    Here.stack.callback(os.close, reader)
    os.set_blocking(reader, True)
    tracer = Tracer(target, f'{at("threads.c", "step")} "{{*p}} {{i}}" as s', output=pipe)
    target.go()
    status, said = target.finish()  # nobody reads until the target is done
    equal(status, 0, "the target's status")
    received = bytearray()

    def drain():
        while chunk := os.read(reader, 1 << 20):
            received.extend(chunk)

    thread = threading.Thread(target=drain)
    thread.start()
    equal(tracer.wait(), 0, "exit status")
    thread.join()
    counts = read_summary(tracer.errors())["s"]
    hits = int(re.search(r"steps (\d+)", said)[1])
    equal(counts.hits, hits, "hits")
    equal(counts.logged + counts.lost, hits, "logged and lost")
    check(counts.lost, "nothing was lost: this is no overload")
    equal(received.count(b"\n"), counts.logged, "records that came")
    note(f"{counts}")


def many(lines):
    """A program with so many functions, each hit three times."""
    text = ['#include "target.h"', "static volatile long sum;"]
    for k in range(lines):
        text.append(f"static NOINLINE void f{k}(long n) {{ HERE(n); sum += n; }}")
    text.append("int main(void) { target_wait(); for (long n = 0; n < 3; n++) {")
    text += [f"f{k}(n * {k});" for k in range(lines)]
    text.append("} return 0; }")
    source = scratch("many.c")
    source.write_text("\n".join(text) + "\n")
    path = scratch("many")
    run_tool("gcc", "-g", "-O1", f"-I{SOURCES}", source, "-o", path)
    return path


@test
def thousand():
    """A thousand logpoints from a file, each with its own records and counts."""
    path = many(1000)
    points = scratch("points.lp")
    points.write_text("# a thousand\n\n" + "".join(
        f'many.c:{k + 3} \\\n  "{{n}}" as p{k}\n' for k in range(1000)))
    start = time.monotonic()
    result = trace([path], options=("-f", points, "--max-overhead", "none"))
    note(f"took {time.monotonic() - start:.1f} s")
    got = {}
    for record in result.records:
        got.setdefault(record["logpoint"], []).append(record["values"]["n"])
    equal(len(got), 1000, "logpoints with records")
    for k in range(1000):
        equal(got[f"p{k}"], [0, k, 2 * k], f"records of p{k}")
        equal(result.counts(f"p{k}"), Counts(hits=3, logged=3), f"summary of p{k}")


sys.exit(main())
