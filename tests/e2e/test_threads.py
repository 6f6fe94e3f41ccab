# SPDX-License-Identifier: GPL-2.0-only
"""Two threads on one CPU, preempting each other inside of the logpoint: no record holds the other's data."""

import re
import sys

from harness import at, check, equal, main, note, program, test, trace

STEP = at("threads.c", "step")


def patterns(raw, shape):
    """Checks every record and returns how many there were."""
    count = 0
    for row in raw.splitlines():
        match = shape.search(row)
        check(match, f"a record of another form: {row[:300]}")
        number, letters = match["number"], match["text"]
        check(len(number) in (15, 16) and set(match["all"].replace(" ", "").replace(",", "")) <= set("0123456789abcdef"),
              f"mixed numbers: {row[:300]}")
        k = int(number, 16) & 0xff
        want = f"{0x0101010101010101 * k:x}"
        check(all(word == want for word in match["all"].split()), f"numbers of two threads: {row[:300]}")
        check(letters == chr(ord("a") + k - 1) * 31 and match["shown"] == letters, f"strings of two threads: {row[:300]}")
        count += 1
    return count


SHAPE = re.compile(r" (?P<all>(?P<number>[0-9a-f]+) [0-9a-f]+ [0-9a-f]+ [0-9a-f]+) (?P<text>\w+) (?P<shown>\w+) \d+$")


@test
def pinned_to_one_cpu():
    """A million hits."""
    result = trace([program("threads.c"), 500000, 0, 0],
                   f'{STEP} "{{number:x}} {{p->number:x}} {{p->same[7]:x}} {{mine:x}} {{p->text}} {{shown.text}} {{i}}" as s', form="text", timeout=200)
    counts = result.counts("s")
    equal(counts.hits, 1000000, "hits")
    records = patterns(result.raw, SHAPE)
    equal(records, counts.logged, "records")
    note(f"{counts}")
    check(records > 100000, "too few records to tell")


@test
def pinned_calls():
    """The same for calls, whose arguments are carried from entry to return."""
    result = trace([program("threads.c", opt="-O0"), 50000, 0, 0, 0],
                   'call step "{number:x} {p->number:x} {p->same[3]:x} {mine:x} {p->text} {shown.text} {i}" as s', form="text", timeout=200)
    counts = result.counts("s")
    equal(counts.hits, 150000, "hits")
    equal(patterns(result.raw, SHAPE), counts.logged, "records")
    note(f"{counts}")


sys.exit(main())
