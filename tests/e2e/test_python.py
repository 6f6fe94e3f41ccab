# SPDX-License-Identifier: GPL-2.0-only
"""Programs not made here: Debian's stripped interpreter and its C library, by their separate debug files."""

import os
import sys

from harness import Process, Tracer, check, equal, main, note, run_tool, scratch, skip, test, trace, until

PYTHON = "/usr/bin/python3.11"


def need(path, package):
    if not os.path.exists(path):
        skip(f"{package} is not installed")


@test
def call_in_the_interpreter():
    """long_add: arguments and their struct members, as the script knows them."""
    need("/usr/share/doc/python3.11-dbg", "python3.11-dbg")
    script = "a, b = 1234567, 89\nfor n in range(50): a + b * 1000003 * 1000003\nprint(a)"
    result = trace([PYTHON, "-S", "-E", "-c", script],
                   'entry long_add "{a->ob_base.ob_size} {a->ob_digit[0]} {a->ob_base.ob_base.ob_type->tp_name} {b->ob_base.ob_size}" '
                   'if a->ob_digit[0] == 1234567 as add')
    records = result.records
    check(len(records) >= 1, f"no record: {result.err}")
    for record in records:
        equal(record["values"]["a->ob_base.ob_size"], 1, "ob_size")
        equal(record["values"]["a->ob_digit[0]"], 1234567, "first digit")
        equal(record["values"]["a->ob_base.ob_base.ob_type->tp_name"], "int", "name of the type")
    counts = result.counts("add")
    equal(counts.logged + counts.filtered, counts.hits, "summary")


@test
def line_in_the_interpreter():
    """A line in the middle of list_resize, in every copy that link-time optimisation made of it."""
    need("/usr/share/doc/python3.11-dbg", "python3.11-dbg")
    script = "x = []\nfor n in range(1000): x.append(n)\nprint(len(x))"
    # Objects/listobject.c:70 new_allocated = ((size_t)newsize + (newsize >> 3) + 6) & ~(size_t)3
    result = trace([PYTHON, "-S", "-E", "-c", script],
                   'Objects/listobject.c:70 "{newsize} {allocated} {self->ob_base.ob_size} {self->allocated} '
                   '{self->ob_base.ob_base.ob_type->tp_name}" as resize')
    seen = [r["values"] for r in result.records if r["values"].get("newsize", 0) > 100]
    sizes = [v["newsize"] for v in seen]
    want, allocated = [], 0
    for size in range(1, 1001):
        if size > allocated:
            if size > 100:
                want.append(size)
            allocated = (size + (size >> 3) + 6) & ~3
    missing = [size for size in want if size not in sizes]
    equal(missing, [], f"sizes at which the list grows (of {sizes})")
    for values in seen:
        if values["newsize"] in want:
            equal(values.get("self->ob_base.ob_base.ob_type->tp_name", "list"), "list", "name of the type")
            equal(values.get("self->ob_base.ob_size", values["newsize"] - 1), values["newsize"] - 1, "ob_size")
    note(f"{len(result.records)} records, {len(want)} of our list")


@test
def running_interpreter():
    """Attached to one that runs."""
    need("/usr/share/doc/python3.11-dbg", "python3.11-dbg")
    script = ("import sys, os\nprint('ready', flush=True)\nsys.stdin.readline()\nx = []\n"
              "for n in range(200): x.append(n)\nprint(len(x))")
    python = Process([PYTHON, "-S", "-E", "-c", script])
    until(lambda: "ready" in python.text() or not python.alive(), "the interpreter")
    tracer = Tracer(python, 'call list_resize "{newsize} {self->allocated}" as resize')
    python.popen.stdin.write(b"\n")
    python.popen.stdin.flush()
    equal(python.wait(), 0, "the interpreter's status")
    result = tracer.finish()
    sizes = [r["values"].get("newsize") for r in result.records]
    if not sizes:
        # every copy is inlined: that must have been said
        check("inlined" in tracer.errors(), f"no record: {tracer.errors()}")
        skip("list_resize is inlined everywhere in this build")
    equal({r["return"] for r in result.records}, {0}, "return value")


@test
def call_in_libc():
    """call fopen: its arguments as strings, what it returned, errno's cause beside it."""
    need("/usr/share/doc/libc6-dbg", "libc6-dbg")
    source = scratch("open.c")
    source.write_text('#include <stdio.h>\nint main(void) { for (int i = 0; i < 3; i++) { FILE *f = fopen("/etc/passwd", "re");'
                      ' if (f) fclose(f); } return fopen("/no/such", "w") != NULL; }\n')
    path = scratch("open")
    run_tool("gcc", "-g", "-O2", source, "-o", path)
    result = trace([path], "call fopen as fopen", 'entry fopen "{filename} {mode}" as in')
    records = [r for r in result.records if r["logpoint"] == "fopen"]
    equal([r["values"].get("filename") for r in records], ["/etc/passwd"] * 3 + ["/no/such"], "filename")
    equal([r["values"].get("mode") for r in records], ["re"] * 3 + ["w"], "mode")
    check(all(r["return"] for r in records[:3]) and records[3].get("return", 0) is None, f"return values: {records}")
    equal([r["message"] for r in result.records if r["logpoint"] == "in"], ["/etc/passwd re"] * 3 + ["/no/such w"], "at entry")


@test
def usdt_in_the_interpreter():
    """Its own static probe."""
    script = "import sys\nsys.audit('shop.cart', 1)\nsys.audit('shop.other', 2)"
    result = trace([PYTHON, "-S", "-E", "-c", script], 'usdt python:audit "{(char *)$1:s}" as audit')
    names = [r["message"] for r in result.records]
    equal([n for n in names if n.startswith("shop.")], ["shop.cart", "shop.other"], f"events (of {names[-5:]})")


@test
def bash_by_symbols():
    """A program without any debug information: entry by symbol."""
    result = trace(["/bin/bash", "-c", "for i in 1 2 3; do :; done; echo $((1+2))"], 'entry execute_command "{$1}" as e')
    check(result.counts("e").hits >= 1, result.err)


sys.exit(main())
