# SPDX-License-Identifier: GPL-2.0-only
"""`raise`: each exception once, where it is raised, whoever catches it."""

import collections

from harness import check, equal, main, scratch, trace, until
from interpreters import ALL, every, last, values, watch

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
                                last(function)))
    return {tid: until_end(rows_) for tid, rows_ in found.items()}


def until_end(rows_):
    """What a thread does when it is not traced any more is not compared."""
    ends = [i for i, row in enumerate(rows_) if row[0] == "__main__.End"]
    return rows_[:ends[0] + 1] if ends else rows_


def all_ended(threads):
    """Are the last ones of each there? Lines of its code, which is new, are looked up in the process."""
    return lambda tracer: until(lambda: tracer.records_file.read_text().count("<class '__main__.End'>|") >= threads, "the last ones")


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
        target, result = watch(path, "raises.py", f"raise {SHOWN}", args=args, wait=all_ended(args[2] if args[2:] else 1))
        got = result.counts("raise")
        equal((got.filtered, got.lost), (0, 0), "filtered and lost")
        compare(rows(result.records), truth(target))


@EVERY
def classes(name, path):
    """A class by its name, those made from it, and such as come later; names of variables, whatever code raises."""
    target, result = watch(
        path, "raising.py", 'raise ValueError "{$exc.args[0]} {n}" if $func == "value" as value',
        'raise Wrong "{$exc.args[0]} {$exc.code} {total} {kind}" if not isinstance($exc, Worse) as wrong',
        'raise __main__.Worse "{$exc.code} {shared} {$exc.extra}" as worse',
        'raise IOError "{$exc.errno} {$exc.filename}" if $exc.errno == 2 and $func == "files" as files',
        'raise late_errors.Late.Inner, Nope "{module.__name__} {$exc.args}" as late',
        'raise StopIteration if $func == "flow" as flow', 'raise asyncio.CancelledError as cancelled',
        'raise BaseException if $file.endswith("raising.py") as any', "raise OSError max 1 as once")
    want = {"value": [{"$exc.args[0]": r["text"], "n": r["n"]} for r in target.said("value")],
            "wrong": [{"$exc.args[0]": r["text"], "$exc.code": r["code"], "total": r["total"], "kind": r["kind"]}
                      for r in target.said("wrong")],
            "worse": [{"$exc.code": r["code"], "shared": r["code"], "$exc.extra": r["extra"]} for r in target.said("worse")],
            "files": [{"$exc.errno": r["errno"], "$exc.filename": r["file"]} for r in target.said("files") if r["errno"] == 2],
            "late": [{"module.__name__": "late_errors", "$exc.args": ["late"]}] * 4}
    for point, rows_ in want.items():
        equal(values(result, point), rows_, point)
    equal([result.counts(n).logged for n in ("flow", "once")], [4, 1], "an end of an iteration, a first one")
    check(result.counts("cancelled").logged >= 4, "tasks that were cancelled")
    # value, wrong, worse, files, late: control flow is none of it
    equal(result.counts("any").logged, 4 * 5, "all that the file raises")
    equal(result.counts("any").lost, 0, "lost")
    function = {r["function"] for r in result.records if r["logpoint"] == "worse"}
    check(set(map(last, function)) == {"inner"}, f"the function that raises: {function}")


@EVERY
def forked_and_started(name, path):
    """A child that it forks; a program from its first line on."""
    target, result = watch(path, "raising.py", 'raise Wrong "{$exc.code}" as wrong', args=("fork",), options=("--follow",))
    equal(sorted(v["$exc.code"] for v in values(result)), sorted([0, 1, 2, 0, 10, 20] * 2), "codes of both")
    equal(len({r["pid"] for r in result.records}), 2, "processes")
    source = scratch("script.py")
    source.write_text("def f():\n    raise LookupError('at once')\ntry:\n    f()\nexcept LookupError:\n    pass\nnope\n")
    result = trace([path, source], "raise LookupError, NameError as r", status=1)
    got = [(r["line"], r["function"]) for r in result.records if r.get("file") == str(source)]
    equal(got, [(2, "f"), (7, "<module>")], "what the script raises")


if __name__ == "__main__":
    raise SystemExit(main())
