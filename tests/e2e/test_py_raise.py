# SPDX-License-Identifier: GPL-2.0-only
"""`raise`: each exception once, where it is raised, whoever catches it."""

import collections

from harness import check, equal, main
from interpreters import ALL, every, watch

EVERY = every(ALL)
SHOWN = '"{type($exc)}|{$exc.args}|{$line}|{$func}"'


def plain(args):
    """Objects that show where they lie, or run code to show themselves, are no matter here."""
    return "..." if " at 0x" in args else args


def rows(records):
    """By thread, in order: class, args, line, function."""
    found = collections.defaultdict(list)
    for r in records:
        kind, args, line, function = r["message"].split("|")
        found[r["tid"]].append((kind.removeprefix("<class '").removesuffix("'>"), plain(args), line,
                                function.rsplit(".", 1)[-1]))
    return {tid: until_end(rows_) for tid, rows_ in found.items()}


def until_end(rows_):
    """What a thread does when it is not traced any more is not compared."""
    ends = [i for i, row in enumerate(rows_) if row[0] == "__main__.End"]
    return rows_[:ends[0] + 1] if ends else rows_


def truth(target):
    found = collections.defaultdict(list)
    for r in target.said("raise"):
        found[r["tid"]].append((r["type"].removeprefix("builtins."), plain(r["args"]), str(r["line"]), r["function"]))
    return dict(found)


def compare(got, want):
    check(set(got) >= set(want), f"threads {sorted(want)} among {sorted(got)}")  # the main one is not traced, maybe
    for tid, rows_ in want.items():
        for i, (a, b) in enumerate(zip(got[tid], rows_)):
            check(a == b, f"exception {i}: {a} instead of {b}, after {rows_[i - 1] if i else 'none'}")
        equal(len(got[tid]), len(rows_), f"exceptions, of which the last is {rows_[-1]}")


@EVERY
def what_tracing_sees(name, path):
    """A program made at random: order, class, args, line and function."""
    for args in ((0, 150), (1, 60, 3)):
        target, result = watch(path, "raises.py", f"raise {SHOWN}", args=args, options=("--max-overhead", "none"))
        got = result.counts("raise")
        equal((got.filtered, got.lost), (0, 0), "filtered and lost")
        compare(rows(result.records), truth(target))


if __name__ == "__main__":
    raise SystemExit(main())
