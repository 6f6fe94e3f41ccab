# SPDX-License-Identifier: GPL-2.0-only
"""Every native type: what a record says is what the program itself says, at every optimisation."""

import json
import sys

from harness import (COMPILERS, LEVELS, Failed, at, check, each, equal, line, logpoint, main, note, program, same, scratch, test,
                     trace, run_tool)

MATRIX = [(cc, opt) for cc in COMPILERS for opt in LEVELS]
PLACES = ("integers", "wide_integers", "characters", "floats", "enums", "pointers", "arrays",
          "structs", "arithmetic")
IN_MEMORY = ("wide_integers", "floats", "arrays")  # the program keeps these in memory at any level
ROUNDS = 3


def said(text):
    """{marker: [what the program said there, a round each]}"""
    found = {}
    for row in text.splitlines():
        if row.startswith("{"):
            spoken = json.loads(row)
            spoken.pop("round", None)
            found.setdefault(spoken.pop("at"), []).append(spoken)
    return found


def compare(name, records, spoken, opt):
    """Counts of values equal and of values that could not be had; fails on any that differs."""
    right = gone = 0
    equal(len(records), len(spoken), f"records of {name}")
    for record, want in zip(records, spoken):
        values, errors = record.get("values", {}), record.get("errors", {})
        for text, value in want.items():
            if text in values:
                check(same(values[text], value), f"{name}: {text} is {values[text]!r}, the program says {value!r}")
                right += 1
                continue
            check(text in errors, f"{name}: no word of {text}: {record}")
            reason = errors[text]
            check(reason.startswith(("optimized out", "unavailable")), f"{name}: {text}: {reason}")
            check(opt != "-O0", f"{name}: {text} can't be had at -O0: {reason}")
            check(name not in IN_MEMORY, f"{name}: {text} is in memory but: {reason}")
            gone += 1
    return right, gone


@each(*MATRIX)
def c_types(cc, opt):
    path = program("types.c", cc, opt)
    names = said(run_tool(path, 1))
    points = [f'{at("types.c", place)} "' + " ".join(f"{{{text}}}" for text in names[place][0])
              + f'" as {place}' for place in PLACES]
    result = trace([path, ROUNDS], *points)
    spoken = said(result.out)
    right = gone = 0
    for place in PLACES:
        records = [r for r in result.records if r["logpoint"] == place]
        a, b = compare(place, records, spoken[place], opt)
        right, gone = right + a, gone + b
        equal(result.counts(place).logged, ROUNDS, f"{place}: logged")
        equal([r["hit"] for r in records], list(range(1, ROUNDS + 1)), f"{place}: hit numbers")
    note(f"{cc} {opt}: {right} values equal, {gone} optimized out")
    check(right >= 4 * gone, f"only {right} of {right + gone} values can be had")


@each(*MATRIX)
def vector_registers(cc, opt):
    """A value in a vector register is right or said to be unavailable, never wrong."""
    path = program("types.c", cc, opt)
    result = trace([path, ROUNDS], f'{at("types.c", "vector")} "{{whole}} {{small}} {{doubled}} {{half}}" as vector')
    spoken = said(result.out)["vector"]
    equal(len(result.records), ROUNDS, "records")
    right = gone = 0
    for record, want in zip(result.records, spoken):
        for text, value in want.items():
            if text in record.get("values", {}):
                check(same(record["values"][text], value), f"{text} is {record['values'][text]!r}, not {value}")
                right += 1
            else:
                reason = record["errors"][text]
                check(reason.startswith(("unavailable", "optimized out")), f"{text}: {reason}")
                gone += 1
    check(opt != "-O0" or not gone, f"{gone} values can't be had at -O0")
    note(f"{cc} {opt}: {right} equal, {gone} unavailable")


@each(*MATRIX)
def cplusplus(cc, opt):
    path = program("shop.cc", cc, opt)
    spoken = [json.loads(row) for row in run_tool(path, 1).splitlines() if row.startswith("{")]
    names = [text for text in spoken[0] if text != "at"]
    result = trace([path, 5], f'{at("shop.cc", "show")} "' + " ".join(f"{{{n}}}" for n in names) + '" as show')
    spoken = said(result.out)["show"]
    right, gone = compare("show", result.records, spoken, opt)
    note(f"{cc} {opt}: {right} values equal, {gone} optimized out")
    check(right >= 4 * gone, f"only {right} of {right + gone} values can be had")


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2")])
def cplusplus_members(cc, opt):
    """In a member function: this, members with and without this->, those of base classes."""
    path = program("shop.cc", cc, opt)
    result = trace([path, 6], f'{at("shop.cc", "total")} "{{this->price_}} {{count_}} {{label}} {{cents}} '
                   '{first.sku} {sum}" as total')
    equal(len(result.records), 6, "records")
    for i, record in enumerate(result.records):
        values = dict(record["values"])
        if opt != "-O0" and "sum" not in values:
            check(record["errors"]["sum"].startswith("optimized out"), str(record))
            values["sum"] = (100 + i) * (i % 5 + 1)
        equal(values, {"this->price_": 100 + i, "count_": i % 5 + 1, "label": ("book", "pen", "lamp")[i % 3],
                       "cents": (100 + i) * (i % 5 + 1), "first.sku": 12, "sum": (100 + i) * (i % 5 + 1)},
              f"values of record {i}")
        equal(record["function"], "shop::Order::total", "function")


@test
def whole_structs():
    """A struct as one value: members, nested and anonymous ones, base classes, pointers inside."""
    path = program("types.c", opt="-O0")
    result = trace([path, 1], f'{at("types.c", "structs")} "{{*nested}}|{{split}}|{{bits}}" as s')
    value = result.records[0]["values"]["*nested"]
    equal(value["at"], {"x": 0, "y": 1}, "member at")
    equal(value["corners"], [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "member corners")
    equal(value["weight"], 2.5, "member weight")
    equal(value["tag"], "T", "member tag")
    equal(value["named"]["inner"], -7, "member named.inner")
    check("anonymous" in json.dumps(value), f"the anonymous struct is missing: {value}")
    message = result.records[0]["message"]
    check("|{x = 1, y = 0}|" in message, f"text of a struct: {message}")
    check("c = -9" in message and "f = GREEN" in message, f"text of bit fields: {message}")


@test
def casts():
    """What an expression makes has the names of its type, as what the program has there."""
    want = {"both": "F_READ | F_EXEC", "(enum flags)(n + 5)": "F_READ | F_EXEC", "(enum flags)5": "F_READ | F_EXEC",
            "(enum flags)6.5": "F_WRITE | F_EXEC", "(enum flags)9": "(enum flags) 9", "n == 0 ? both : one": "F_READ | F_EXEC",
            "(enum color)(n + 5)": "GREEN", "(char)(n + 65)": "A"}
    path = program("types.c", opt="-O0")
    result = trace([path, 1], f'{at("types.c", "enums")} "' + "; ".join(f"{{{text}}}" for text in want) + '"')
    equal(result.records[0]["message"], "; ".join(want.values()), "text")


@test
def limits():
    """What is cut is marked: strings, arrays, depth; the options move the limits."""
    path = program("types.c", opt="-O0")
    point = f'{at("types.c", "arrays")} "{{many}}" as many'
    result = trace([path, 1], point)
    value = result.records[0]["values"]["many"]
    equal(value[:32], [i * i for i in range(32)], "items")
    check(len(value) == 33 and value[32] == "..." or len(value) == 32, f"cut array: {value}")
    check("..." in result.records[0]["message"], f"the cut is not marked: {result.records[0]['message']}")
    result = trace([path, 1], point, options=("--max-items", "50"))
    equal(result.records[0]["values"]["many"], [i * i for i in range(40)], "all items")


FORMATS = [
    ("{i}", "4711"), ("{i=}", "i=4711"), ("{i:x}", "1267"), ("{i:#x}", "0x1267"), ("{i:o}", "11147"),
    ("{i:8d}", "    4711"), ("{i:08d}", "00004711"), ("{i:<6}|", "4711  |"), ("{i:+d}", "+4711"),
    ("{word}", "green"), ("{word=}", 'word="green"'), ("{word:>8}", "   green"), ("{word:.2s}", "gr"),
    ("{{{i}}}", "{4711}"), ("{i % 256:c}", "g"), ("{i * 2 + 1}", "9423"), ("{-i}", "-4711"),
    ("{i / 1000}", "4"), ("{i > 5}", "true"), ("{word[1]:c}", "r"), ("{i if i > 5 else 0}", "4711"),
    ("{len(word)}", "5"), ('{word == \\"green\\"}', "true"), ('{word.startswith(\\"gr\\")}', "true"),
    ('{word.endswith(\\"x\\")}', "false"), ("{sizeof(i)}", "8"), ("{word in (\\\"red\\\", \\\"green\\\")}", "true"),
    ("{$hit}", "1"), ("{$line}", None), ("{$func}", "step"), ("{$comm}", "steps"), ("plain", "plain"),
    ("{i:,}", "4,711"), ("{square / 2.0:.1f}", "11096760.5"),
]


@test
def formats():
    """Format specs and expressions, as the text of a record."""
    path = program("steps.c", opt="-O0")
    points = [f'{at("steps.c", "step")} "{template}" if i == 4711 as f{k}' for k, (template, _) in enumerate(FORMATS)]
    wrong = []
    for k, (point, (template, want)) in enumerate(zip(points, FORMATS)):
        status, _, err = logpoint("-o", scratch(f"f{k}"), "--format", "json", point, "--", path, "1", timeout=20)
        if status:
            wrong.append(f"{template}: {err.strip()[:300]}")
    good = [p for p, (t, _) in zip(points, FORMATS) if not any(w.startswith(t + ":") for w in wrong)]
    result = trace([path, 4712], *good)
    messages = {r["logpoint"]: r["message"] for r in result.records}
    for k, (template, want) in enumerate(FORMATS):
        got = messages.get(f"f{k}")
        if want is None:
            want = str(line("steps.c", "step"))
        if got is not None and got != want or got is None and points[k] in good:
            wrong.append(f"{template}: {got!r} instead of {want!r}")
    if wrong:
        raise Failed("\n".join(wrong))


sys.exit(main())
