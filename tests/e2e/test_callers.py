# SPDX-License-Identifier: GPL-2.0-only
"""Parameters of which only the value at the function's entry is known, and that only the caller still
tells; and locations in which the hit decides between two ways.
"""

import sys

from harness import COMPILERS, Target, Tracer, as_pointer, at, check, each, equal, main, program, run_tool, test, tool, trace

# what settle() is called with, in order; the last two by a jump and by a pointer
PASSED = [10, 20, 21, 22, 40, 51, 70]
TEXTS = ["constant", "crate", "crate", "crate", "passed on", "jumped", "pointed"]


def built(cc):
    path = program("callers.c", cc)
    locations = run_tool(tool("readelf"), "--debug-dump=loc", path)
    check("entry_value" in locations, f"{cc} keeps the parameters: this tests nothing")
    return path


@each(*COMPILERS)
def values(cc):
    result = trace([built(cc)], f'{at("callers.c", "settle")} "{{a}} {{text}} {{box:p}} {{box.width}} {{box.name}}" as s')
    equal(result.counts("s").hits, len(PASSED), "hits")
    frames = set()
    for record, a, text in zip(result.records, PASSED, TEXTS):
        found = record.get("values", {})
        direct = a < 50
        if direct:
            equal(found.get("a"), a, "a of a direct call")
            equal(found.get("box.width"), 3, "what a parameter points to")
            equal(found.get("box.name"), "crate", "a string in what a parameter points to")
            frames.add(as_pointer(found["box"]))
        else:
            check({"a", "text", "box", "box.width"} <= record["errors"].keys(), f"values of a call that leaves no trace: {record}")
        equal({record["errors"][k] for k in record.get("errors", {})} - {"optimized out"}, set(), "reasons")
        # clang doesn't tell addresses of constants
        if direct and not (cc == "clang" and text != "crate"):
            equal(found.get("text"), text, "text")
    equal(len(frames), 1, "addresses of one object")


@each(*COMPILERS)
def conditions(cc):
    place = at("callers.c", "settle")
    result = trace([built(cc)], f'{place} if a == 21 && box->width == 3 as one', f'{place} if a >= 40 as some',
                   f'{place} if text == "crate" as text')
    equal(result.counts("one").logged, 1, "records of one value")
    equal(result.counts("some").logged, 1, "records of the condition's values")
    equal(result.counts("text").logged, 3, "records of one string")
    check("condition can't be evaluated: optimized out" in result.err, "no word of the conditions that could not be evaluated")


@test
def registers_that_calls_keep():
    """What a caller has in a register that its callee doesn't touch; what a register held that a call may change is gone."""
    target = Target(built("gcc"))
    tracer = Tracer(target, f'{at("callers.c", "settle")} if a >= 20 and a <= 22 with stack with locals as s')
    target.go()
    target.finish()
    result = tracer.finish()
    equal(len(result.records), 3, "records")
    for record, a in zip(result.records, PASSED[1:4]):
        caller = next(f for f in record["stack"] if f["function"] == "main")
        equal(caller["locals"].get("i"), a, "the caller's counter")


@test
def minimum():
    path = built("gcc")
    check("DW_OP_bra" in run_tool(tool("readelf"), "--debug-dump=loc", path), "no location branches: this tests nothing")
    place = at("callers.c", "least")
    result = trace([path], f'{place} "{{i}} {{cut}}" as s', f'{place} if cut == 7 as seven')
    found = [r["values"].get("cut") for r in result.records if r["logpoint"] == "s"]
    equal(found, [5, 7, -2, 7, 7], "the lesser of two")
    equal(result.counts("seven").logged, 3, "records of one of them")


sys.exit(main())
