# SPDX-License-Identifier: GPL-2.0-only
"""Memory that is mapped, unmapped, and shared with children while logpoints read it: what they show was there."""

import re
import sys

from harness import at, check, equal, main, note, program, test, trace

LOOK = at("moving.c", "look")
COUNT = 100000
NUMBER = r"(?P<{}>[0-9a-f]+|<unreadable 0x[0-9a-f]+>)"
SHAPE = re.compile(f" a={NUMBER.format('a')} b={NUMBER.format('b')} text=(?P<text>.*)$")
MOST = 1 << 32  # no page says a number beyond
ALL = (1 << 64) - 1


def number(text):
    return None if text.startswith("<") else int(text, 16)


@test
def pages_come_and_go():
    """Each word and each string is what some page says, or 0 of an empty one."""
    result = trace([program("moving.c"), COUNT], 'entry look "a={p->a:x} b={p->b:x} text={p->text}" as all', form="text", timeout=200)
    counts = result.counts("all")
    equal(counts.hits, COUNT, "hits")
    same = mixed = empty = away = texts = 0
    for row in result.raw.splitlines():
        match = SHAPE.search(row)
        check(match, f"a record of another form: {row}")
        a, b, text = number(match["a"]), number(match["b"]), match["text"]
        check(not a or a < MOST, f"a word of no page: {row}")
        check(not b or b > ALL - MOST, f"a word of no page: {row}")
        if a is None or b is None:
            away += 1
        elif a and b:
            same += a == ALL - b
            mixed += a != ALL - b  # one of them was read by itself, after a page fault
        else:
            empty += 1
        if text and not text.startswith("<"):
            check(re.fullmatch(r"(\w{8,})-\1", text), f"a string of two pages: {row}")
            texts += 1
    note(f"{same} of one page, {mixed} of two, {empty} empty, {away} away, {texts} strings: {counts}")
    check(same > COUNT // 100 and texts > COUNT // 100, "too few to tell")
    check(empty and away, "nothing came and went")
    check(mixed < same // 50, "words of two pages")


@test
def conditions_while_they_do():
    """The first look at a condition: no page says two numbers, whoever it was of."""
    result = trace([program("moving.c"), COUNT], 'entry look "{p->a:x}" if p->a == p->b && p->a != 0 as two',
                   'entry look "{p->a:x}" if p->a > 0xffffffff as wild', form="text", timeout=200)
    for name in ("two", "wild"):
        counts = result.counts(name)
        equal((counts.hits, counts.logged), (COUNT, 0), name)


sys.exit(main())
