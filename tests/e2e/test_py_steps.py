# SPDX-License-Identifier: GPL-2.0-only
"""Python places that get no watchpoint, as others have all: probed where the process executes least, at a price that is
said and kept to."""

import re

from harness import Tracer, check, equal, main, note, until
from interpreters import ALL, SYSTEM, Program, every, values, watch, where

STEP, BUSY = where("rarely.py", "step"), where("rarely.py", "busy")
HITS = 3000
SELDOM = 40  # percent of a CPU; what the program is busy with would take all of it
TRIES = 5  # where others have the CPU in the moment that is counted, nothing is seen of the target
PRICE = r"probing ([A-Z_]+(?:, [A-Z_]+)*) in the interpreter's loop: about ([\d,]+) runs a second, (less than 1|\d+) % of a CPU"


def price(tracer, name):
    """(instruction, runs a second, percent) as the session says it."""
    found = re.search(rf"{name}: (?:.*; )?{PRICE}", tracer.errors())
    if not found and re.search(rf"{name}: probing [A-Z_]+ in the interpreter's loop$", tracer.errors(), re.M):
        return "", 0, 0  # the target had no CPU
    check(found, f"price of {name}: {tracer.errors()}")
    return found[1], int(found[2].replace(",", "")), 0 if found[3].startswith("less") else int(found[3])


def arm(target, seen, *points, **options):
    """A session that saw the target at work: seen(tracer)."""
    for left in reversed(range(TRIES)):
        tracer = Tracer(target, *points, armed=False, **options)
        until(lambda: not tracer.alive() or re.search(r"\d+ of \d+ logpoints? armed", tracer.errors()), "an answer")
        if seen(tracer) or not left:
            return tracer
        if tracer.alive():
            tracer.finish(interrupt=True)
        note(f"nothing was counted: {tracer.errors()}")
    return None


def rarest(path, busy_with, wanted):
    target = Program(path, "rarely.py", HITS, busy_with, by_steps=True)
    tracer = arm(target, lambda t: re.search(wanted, price(t, "step")[0]), STEP + ' "{value}" as step')
    name, _, percent = price(tracer, "step")
    check(re.fullmatch(wanted, name), f"busy with {busy_with}, {name} is probed")
    check(percent <= SELDOM, f"{percent} % for what is hardly executed")
    target.go()
    equal(target.finish()[0], 0, "exit status")
    result = tracer.finish()
    counts = result.counts("step")
    equal((counts.hits, counts.logged, counts.lost), (HITS, HITS, 0), "counts")
    equal([v["value"] for v in values(result)], list(range(HITS)), "values")


@every(ALL)
def the_rarest_of_a_line(name, path):
    """The line loads a local and negates it: whichever of these the process executes less is probed."""
    rarest(path, "locals", "UNARY_NEGATIVE")
    rarest(path, "negatives", "LOAD_FAST(_BORROW)?")


@every(SYSTEM[:1])
def a_price_is_said(name, path):
    target = Program(path, "rarely.py", 1, "locals", by_steps=True)
    tracer = arm(target, lambda t: price(t, "busy")[1] > 0, BUSY + ' "{one}" if one < 0 as busy')
    _, runs, percent = price(tracer, "busy")
    check(runs >= 1000 and percent >= 1, f"{runs} runs, {percent} % of a line that does nothing else")
    note(tracer.errors())
    target.go()
    target.finish()
    tracer.finish()


@every(SYSTEM[:1])
def above_the_budget(name, path):
    """Refused where it would cost too much; the others stay."""
    target = Program(path, "rarely.py", 10, "locals", by_steps=True)
    refused = r"busy: refused: (?:.*; )?probing \w+ in the interpreter's loop would cost \d+ % of a CPU .*the budget is 0.5 %"
    tracer = arm(target, lambda t: not t.alive() and "refused" in t.errors(), BUSY + ' "{one}" as busy', budget="0.5")
    equal(tracer.wait(), 1, "exit status")
    check(re.search(refused, tracer.errors()), tracer.errors())

    tracer = arm(target, lambda t: "refused" in t.errors(), BUSY + ' "{one}" as busy', STEP + ' "{value}" as step', budget="0.5")
    check(re.search(refused, tracer.errors()), tracer.errors())
    check("1 of 2 logpoints armed" in tracer.errors(), tracer.errors())
    target.go()
    equal(target.finish()[0], 0, "exit status of the program")
    result = tracer.finish()
    equal(result.counts("busy").hits, 0, "hits of the refused")
    equal([v["value"] for v in values(result, "step")], list(range(10)), "values")


def stepped(path, source, *points, args=()):
    target, result = watch(path, source, *points, args=args, by_steps=True)
    check("in the interpreter's loop" in result.err, f"by steps: {result.err}")
    return target, result


@every(ALL)
def exact_in_threads(name, path):
    """Each thread's hits, beside a condition's; what does not hold is counted, too."""
    line, hits = where("counts.py", "step"), 4000
    _, result = stepped(path, "counts.py", line + ' "{number} {value}" as every', line + ' "{number}" if number % 100 == 0 as some', args=(hits, 4))
    every_one, some = result.counts("every"), result.counts("some")
    equal((every_one.hits, every_one.logged, every_one.lost), (hits, hits, 0), "counts")
    equal((some.hits, some.logged, some.filtered, some.lost), (hits, hits // 100, hits - hits // 100, 0), "counts with a condition")


@every(ALL)
def exact_in_a_loop(name, path):
    """A loop's header over two lines starts once, and comes back for each of three values and for the end."""
    _, result = stepped(path, "headers.py", where("headers.py", "for") + ' "{first}" as line', where("headers.py", "items") + ' "{second}" as items')
    equal([result.counts(p).hits for p in ("line", "items")], [20 * (1 + 3), 20], "hits")


main()
