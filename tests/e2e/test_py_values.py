# SPDX-License-Identifier: GPL-2.0-only
"""Python's values and expressions: what logpoint shows is what the program itself has for repr()."""

import json
import os
import re
import sys

from harness import check, equal, main, note, scratch
from interpreters import ALL, every, minor, watch, where

EVERY = every(ALL)
OBJECTS = int(os.environ.get("TEST_OBJECTS", "1000"))

# What must have a value, and the same as in the program.
GIVEN = """
user.id|user.name|user.kind|user.level|type(number)|isinstance(user, User)|isinstance(user, Admin)|isinstance(user, (int, str))
items[0]|items[-1]|items[1:3]|items[-2:]|items[:2]|len(items)|3 in items|77 in items|77 not in items|items
total|total > 5|total == 7.5|total < 7|coupon|coupon is None|coupon is not None|flag|not flag
text|text[0]|text[-1]|text[1:4]|len(text)|text.startswith('h\u00e9')|text.endswith('5')|'w\u00f6r' in text|'zzz' in text|text == 'x'|text < 'i'
items[::2]|items[1::3]|items[:4:2]|items[::-1]|text[::-1]|text[1:9:2]|data[::-2]|pair[::-1]|data|data[0]|len(data)|data[:3]|data.startswith(b'by')
items[::number]|items[1::number]|items[number - 2::number]|items[len(items) - 3::k.plain]|text[k.plain::number]|items[::coupon]|text[1:number * 3:number]
number|number == 3|number != 3|number < 4|-number|number + 1|number * 2 - 1|number // 2|number % 2|number & 1|number << 3|~number
huge|huge > 5|huge < number
point.x|point.y|point.x > point.y|color
nested['list'][0]|nested['tuple'][1][0]|nested['user'].name|'user' in nested|'none' in nested|len(nested)
TABLE['a']|TABLE[2]|TABLE[None]|TABLE[True]|LIMIT|LIMIT + number|len(TABLE)
pair[0]|pair[1]|inner
number if flag else total|flag and number|flag or number|None or text|number == 3 and total == 7.5
pair.left|pair.right|pair|pair.left == number + 2|k.login.name|type(pair)|type(k.login)|type(user)
quiet['k']|k.counts['a']|k.counter['a']|k.counter['a'] == 2
TABLE[(3, 'x')]|TABLE[3, 'x'][0]|(3, 'x') in TABLE|(3, 'y') in TABLE|(3, 'y') not in TABLE|GRID[(number, 'n')]|GRID[number, None, 2.5, b'x']
GRID[(1000000000000000000000000000000, True)]|pair == (number + 2, 'r')|pair != (5, 'r')|pair < (5, 'x')|('h', number) in NAMES|('h', 4) in NAMES|pair in ((1, 2), (5, 'r'))
huge == 1000000000000000000000000000005|huge > 99999999999999999999|huge < -0xffffffffffffffffffffffff|huge in (1, 1000000000000000000000000000005)
BIGS[1000000000000000000000000000005]|BIGS[-1000000000000000000000000000000]|BIGS[9223372036854775808]|total < 99999999999999999999999|18446744073709551615 > number
number ** 2|2 ** number|-number ** 2|number ** 0|2 ** -1|number ** number|2 ** number ** 2|(-2) ** number|number ** 2 == 9
0 < number < 10|0 < number < 2|number == 3 == number|1 < total <= 7.5|'a' < text < 'z'|1 < number < total > 2|1 in items in [items]|0 < number + 1 < 5|number is not None is not None
k.level|k.level + 1|k.level == 7|k.level > number|k.plain + 1|k.plain * number|k.plain == 6|k.perm
number == 3.0|True == 1|total + 1|total * 2|total / 2|number / 2|'a' in TABLE|5 in (1, 5)|number in [1, 2, 3]
""".strip().replace("\n", "|").split("|")

# The collector asks the program's classes about these, which may have ended by then; conditions ask at the hit.
AT_THE_HIT = ["k.level + 1", "k.plain + 1", "k.plain * number"]

# What can't be had without running code, or is an error in the program, too: an error, never a value.
REFUSED = ["user.upper", "user.missing", "items[50]", "TABLE['nothing']", "len(odd)", "odd.anything", "odd == 3",
           "quiet['absent']", "len(k.login.shown)", "pair.middle", "pair.left.x", "TABLE[(3, 'z')]", "GRID[1, 2]",
           "k.money + 1", "1 + k.money", "2 * k.money", "-k.money", "k.money == 5", "k.money + 1 == 6", "k.perm | 1", "k.perm & 4", "~k.perm",
           "k.words + 'x'", "k.ratio + 1", "k.login.shown", "0 ** (number - 4)", "number + text", "text < number", "len(number)", "items['a']", "number // (number - 3)", "coupon.x"]


def same_but_cut(got, want):
    """Equal, but for what a limit has cut: `...`."""
    # a string that is cut has its dots behind its quote
    parts = [re.escape(part) for part in re.split(r"['\"]?\.\.\.", got)]
    return re.fullmatch(".*".join(parts), want, re.DOTALL) is not None


@EVERY
def generated_objects(name, path):
    """Thousands of objects of every kind."""
    bad = total = cut = 0
    target, result = watch(path, "objects.py", where("objects.py", "show") + ' "{value=}"', args=(minor(name), OBJECTS))
    said = target.said("show")
    equal(len(result.records), len(said), "records")
    for row, record in zip(said, result.records):
        total += 1
        got = record["message"].removeprefix("value=")
        cut += "..." in got
        if not same_but_cut(got, row["repr"]):
            bad += 1
            if bad < 20:
                at = next((i for i, (a, b) in enumerate(zip(got, row["repr"])) if a != b), 0)
                note(f"{row['type']}: {got[max(0, at - 40):at + 200]}\n#    for {row['repr'][max(0, at - 40):at + 200]}")
    equal(bad, 0, f"of {total} objects, other than repr() has them")
    check(cut < total / 10, f"{cut} of {total} objects were cut")


@EVERY
def memory_that_changes(name, path):
    """Classes that are gone when their records are read, dicts that resize: what was there, or why it isn't known."""
    line = where("changing.py", "changing")
    target, result = watch(path, "changing.py", f'{line} "{{thing}}"', f'{line} "{{shared}} {{len(shared)}}" as shared',
                           args=(OBJECTS // 5,))
    said = [row["text"] for row in target.said("changing")]
    shown = [record["message"] for record in result.records if record["logpoint"] == line]
    equal(len(shown), len(said), "records")
    wrong = [(got, want) for got, want in zip(shown, said) if got != want and not re.search(r"<unreadable|\?\(", got)]
    equal(wrong[:5], [], "values of another object")
    check(sum(got == want for got, want in zip(shown, said)) > 0, f"nothing was known, as {shown[:3]}")
    sizes = [int(re.search(r" (\d+)$", r["message"])[1]) for r in result.records if r["logpoint"] == "shared"]
    check(len(sizes) == len(said) and max(sizes) <= 300, "sizes of the dict")


def ask(path, sources):
    """{expression: what the program has}, the records by expression"""
    asked = scratch("expressions")
    asked.write_text(json.dumps(sources))
    answers = {}
    for first in range(0, len(sources), 50):
        some = sources[first:first + 50]
        template = " ".join("{%s=}" % s for s in some)
        target, result = watch(path, "expressions.py", where("expressions.py", "visit") + f' "{template}" as visit', args=(asked,))
        [record] = result.records
        for source in some:
            if source in record.get("errors", {}):
                answers[source] = "error: " + record["errors"][source]
        rest = record["message"]
        for source, after in zip(some, [*some[1:], None]):
            check(rest.startswith(source + "="), f"'{source}' in {rest[:200]}")
            rest = rest[len(source) + 1:]
            end = rest.index(" " + after + "=") if after else len(rest)
            answers.setdefault(source, rest[:end])
            rest = rest[end + 1:]
    return {row["source"]: row for row in target.said("visit")}, answers


@EVERY
def expressions(name, path):
    """Each expression gives what it gives in the program."""
    sources = [s for s in GIVEN if s not in AT_THE_HIT]
    said, answers = ask(path, sources)
    wrong = [f"{s}: {answers[s]} instead of {said[s].get('repr')}" for s in sources if answers[s] != said[s].get("repr")]
    equal(wrong, [], "expressions")


@EVERY
def errors_in_place(name, path):
    """What would run code, or fails in the program, is an error and never a value."""
    _, answers = ask(path, REFUSED)
    shown = {s: a for s, a in answers.items() if not a.startswith("error: ")}
    equal(shown, {}, "values in place of errors")


@EVERY
def conditions(name, path):
    """The same expressions decide in the kernel."""
    sources = [s for s in GIVEN if not any(op in s for op in (" / ", "total + 1", "total * 2", "** -1")) and s not in ("items[1:3]", "k.perm") and not re.search(":[^]]*:", s)]
    asked = scratch("expressions")
    asked.write_text(json.dumps(sources))
    for first in range(0, len(sources), 30):
        some = sources[first:first + 30]
        line = where("expressions.py", "visit")
        target, result = watch(path, "expressions.py",
                               *[f'{line} "x" if {s} as c{n}' for n, s in enumerate(some)], args=(asked,))
        said = {row["source"]: row for row in target.said("visit")}
        wrong = []
        for number, source in enumerate(some):
            scope = {"inf": float("inf")}
            try:
                want = bool(eval(said[source]["repr"], scope))
            except Exception:
                want = True  # an object whose repr is no expression
            got = result.counts(f"c{number}")
            if (got.hits, got.logged) != (1, int(want)):
                wrong.append(f"{source}: {got} for {said[source]['repr']}")
        equal(wrong, [], "conditions")


if not ALL:
    print("skip values: no CPython 3.8 to 3.14 on this machine")
    sys.exit(0)
check(all(minor(name) >= 8 for name, _ in ALL), "versions")
sys.exit(main())
