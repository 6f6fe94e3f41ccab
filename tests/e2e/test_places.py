# SPDX-License-Identifier: GPL-2.0-only
"""Where a logpoint hits: copies, calls and returns, libraries, static probes, all forms of files."""

import collections
import http.server
import os
import pathlib
import re
import shutil
import sys
import threading

from harness import (COMPILERS, Counts, Here, Target, Tracer, at, check, copy_of, each, equal, logpoint, main, program,
                     read_records, run_tool, scratch, skip, test, tool, trace, until)


def grouped(records, key):
    found = collections.defaultdict(list)
    for record in records:
        found[key(record)].append(record)
    return found


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2", "-O3")])
def inlined_line(cc, opt):
    """Every inlined copy of a line is covered: known counts, known values."""
    result = trace([program("inlined.c", cc, opt), 10], f'{at("inlined.c", "copied")} "{{tripled}} {{who}} {{value}}" as c',
                   f'{at("inlined.c", "sometimes")} "{{value}}" as s')
    by_caller = grouped([r for r in result.records if r["logpoint"] == "c"], lambda r: r["values"].get("who"))
    for who, turns in ((1, 10), (2, 20), (3, 30)):
        records = by_caller[who]
        equal([r["values"]["tripled"] for r in records], [3 * i for i in range(turns)], f"copy {who}")
        for i, record in enumerate(records):
            if "value" in record["values"]:
                equal(record["values"]["value"], i, "value")
            equal(record["function"], "copied", "function")
    equal(result.counts("c"), Counts(hits=60, logged=60), "summary of the inlined line")
    equal(result.counts("s"), Counts(hits=50, logged=50), "summary of the line of five copies")


@each("-O0", "-O2")
def inlined_entry(opt):
    """entry of a function that is inlined hits each inlined copy."""
    result = trace([program("inlined.c", opt=opt), 10], 'entry copied "{value} {who}"', 'entry sometimes "{value}"')
    equal(result.counts("entry copied").hits, 60, "hits of the inlined function")
    equal(result.counts("entry sometimes").hits, 50, "hits of the function with both kinds of copies")
    who = collections.Counter(r["values"].get("who") for r in result.records if r["logpoint"] == "entry copied")
    equal(dict(who), {1: 10, 2: 20, 3: 30}, "copies")


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2")])
def templates(cc, opt):
    """All instances of a template, all overloads of a method."""
    result = trace([program("shop.cc", cc, opt), 4], f'{at("shop.cc", "sum")} "{{i}}" as sum',
                   f'{at("shop.cc", "box")} "{{times}} {{this->value}}" as box',
                   'entry shop::Order::discount "{this->price_}" as discount',
                   'entry shop::detail::Box*::get as get', 'entry shop::Order::total as total')
    equal(result.counts("total").hits, 4, "hits of the virtual method")
    equal(result.counts("box").hits, 12, "hits of a line with three instances")
    equal(result.counts("get").hits, 12, "hits of a glob")
    equal(result.counts("discount").hits, 8, "hits of two overloads")
    values = collections.Counter(r["values"].get("this->value") for r in result.records
                                 if r["logpoint"] == "box" and r["values"].get("times") == 2)
    equal(dict(values), {5: 4}, "Box<short>")
    prices = [r["values"]["this->price_"] for r in result.records if r["logpoint"] == "discount"]
    equal(prices, [100, 100, 101, 101, 102, 102, 103, 103], "this in overloads")
    if opt == "-O0":
        equal(result.counts("sum").hits, 4 * (3 + 2 + 2), "hits of a line with three instances by length")


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2")])
def calls(cc, opt):
    """return and call: values, structs, strings, elapsed time; arguments as they were at entry."""
    result = trace([program("recursion.c", cc, opt), 3, 4], 'return pair "{$return.sum} {$return.depth}" as pair',
                   "call negative as negative", "call name_of as name_of", "return large as large",
                   'call half "{$return} {$elapsed}" as half', "call nothing as nothing",
                   'return fib "{$return}" if $return == 55 as fib')
    by = grouped(result.records, lambda r: r["logpoint"])
    equal([r["values"] for r in by["pair"]], [{"$return.sum": 2 * i, "$return.depth": i + 1} for i in range(4)],
          "struct in two registers")
    equal([r["return"] for r in by["negative"]], [0, -1, -2, -3], "small signed integer")
    equal([r["values"]["n"] for r in by["negative"]], [0, 1, 2, 3], "argument at entry")
    equal([r["return"] for r in by["name_of"]], ["even", "odd", "even", "odd"], "string")
    for i, record in enumerate(by["large"]):
        equal(record["return"], {"values": [i + k for k in range(6)]}, "struct in memory")
    for record in by["half"]:
        check(record.get("errors", {}).get("$return", "").startswith("unavailable"),
              f"a double in a vector register: {record}")
    equal(len(by["nothing"]), 4, "calls of a function without a value")
    check(all("return" not in r for r in by["nothing"]), "a void function has no value")
    for record in by["negative"] + by["nothing"] + by["name_of"]:
        check(0 < record["elapsed_ns"] < 10**10, f"elapsed: {record}")
    equal(len(by["fib"]), 4, "fib(10) is 55")
    hits = result.counts("fib").hits  # the compiler may put calls of fib() into fib()
    check(hits == 4 * 177 or opt != "-O0" and 4 <= hits < 4 * 177, f"{hits} calls of fib(10)")


@each("-O0", "-O2")
def recursion(opt):
    """Each call of a recursion with its own arguments and return value."""
    result = trace([program("recursion.c", opt=opt), 20, 2], "call down as down")
    equal(result.counts("down"), Counts(hits=42, logged=42), "summary")
    got = [(r["values"]["n"], r["return"]) for r in result.records]
    equal(got, [(n, 1000 + n) for n in range(21)] * 2, "innermost first")
    equal({r["values"]["tag"] for r in result.records}, {"tag"}, "tag")


@test
def deep_recursion():
    """Deeper than the kernel follows returns: what it can't see is counted as lost."""
    depth = 200
    result = trace([program("recursion.c"), depth, 3], "call down as down", 'entry down "{n}" as entry')
    calls = 3 * (depth + 1)
    equal(result.counts("entry").hits, calls, "entries")
    counts = result.counts("down")
    equal(counts.hits, calls, "calls")
    check(counts.lost, "no call was lost: the kernel follows 64")
    equal(len([r for r in result.records if r["logpoint"] == "down"]), counts.logged, "records")
    for record in result.records:
        if record["logpoint"] == "down":
            equal(record["return"], 1000 + record["values"]["n"], "return value")


@test
def entry_and_return_without_debug_information():
    """By symbol alone: entry with $1..., return as an integer."""
    path = copy_of(program("recursion.c"))
    run_tool(tool("objcopy"), "--strip-debug", path)
    result = trace([path, 0, 3], 'entry negative "{$1}" as in', 'return negative "{$return}" as out')
    equal([r["values"]["$1"] for r in result.records if r["logpoint"] == "in"], [0, 1, 2], "$1")
    returned = [r["values"]["$return"] for r in result.records if r["logpoint"] == "out"]
    equal([v & 0xff for v in returned], [0, 255, 254], "$return")


@test
def offset_and_address():
    """FUNCTION+OFFSET and 0xADDRESS: an instruction; in the middle of one is refused."""
    path = program("steps.c", flags=("-no-pie",), name="loop-fixed")
    code = run_tool(tool("objdump"), "-d", "--no-show-raw-insn", path)
    body = re.search(r"^([0-9a-f]+) <step>:\n((?:.+\n)+)", code, re.M)
    starts = [int(m[1], 16) for m in re.finditer(r"^\s+([0-9a-f]+):", body[2], re.M)]
    base = starts[0]
    inner = next(a for a, b in zip(starts[1:], starts[2:]) if b - a > 1)
    result = trace([path, 5], f'step+{inner - base} "{{$func}}" as offset', f'{inner:#x} "{{$hit}}" as address')
    equal(result.counts("offset").hits, 5, "hits by offset")
    equal(result.counts("address").hits, 5, "hits by address")
    status, _, err = logpoint(f"step+{inner - base + 1}", "--", path, "5")
    equal(status, 2, f"exit status for the middle of an instruction ({err})")
    check("instruction" in err, err)


@each("-O0", "-O2")
def library_loaded_later(opt):
    """A logpoint in a library that dlopen() brings: pending, said so, and armed by itself."""
    library = program("plugin.c", opt=opt, flags=("-shared", "-fPIC"), name="plugin.so")
    target = Target(program("host.c", libs=("-ldl",)), library, 50)
    tracer = Tracer(target, f'{at("plugin.c", "plugin")} "{{i}} {{job->title}} {{plugin_depth}}" as lines',
                    "call plugin_run as call", armed=False)
    until(lambda: "pending" in tracer.errors() or not tracer.alive(), "logpoint to say pending")
    target.go()
    target.wait_ready()
    until(lambda: all(f"armed: {name} at" in tracer.errors() for name in ("lines", "call")) or not tracer.alive(),
          "logpoint to arm itself in the library")
    target.go()
    status, said = target.finish()
    equal((status, said.split()[-3]), (0, "300"), "what the target says")
    result = tracer.finish()
    equal(result.counts("lines").hits, 50, "hits in the library")
    equal([r["values"]["i"] for r in result.records if r["logpoint"] == "lines" and "i" in r["values"]],
          list(range(50)), "values in the library")
    for record in result.records:
        if record["logpoint"] == "lines":
            equal(record["values"]["job->title"], "six", "string in the library's frame")
            if opt == "-O0":  # else it is stored once, at the end
                equal(record["values"]["plugin_depth"], record["hit"] - 1, "thread-local variable of the library")
        else:
            equal(record["return"], 300, "return value")


@test
def more_programs_later():
    """What a session has loaded is not enough for a place that comes while it runs: the rest is loaded then."""
    library = program("plugin.c", flags=("-shared", "-fPIC"), name="plugin.so")
    target = Target(program("host.c", libs=("-ldl",)), library, 50)
    tracer = Tracer(target, f'{at("plugin.c", "plugin")} "{{i}}" as each', f'{at("plugin.c", "plugin")} "{{i}}" if i % 5 == 3 as some',
                    armed=False)
    until(lambda: tracer.errors().count("pending") == 2 or not tracer.alive(), "logpoints to say pending")
    target.go()
    target.wait_ready()
    until(lambda: all(f"armed: {name} at" in tracer.errors() for name in ("each", "some")) or not tracer.alive(),
          "logpoints to arm themselves in the library")
    target.go()
    equal(target.finish()[0], 0, "exit status of the target")
    result = tracer.finish()
    for name, numbers in (("each", list(range(50))), ("some", list(range(3, 50, 5)))):
        equal([r["values"]["i"] for r in result.records if r["logpoint"] == name], numbers, name)
        equal(result.counts(name), Counts(hits=50, logged=len(numbers), filtered=50 - len(numbers)), f"summary of {name}")


@each("gnu", "gnu2")
def library_loaded_again(dialect):
    """At another address each time, with new variables; a thread-local one is right, or said to be unavailable."""
    library = program("plugin.c", opt="-O0", flags=("-shared", "-fPIC", f"-mtls-dialect={dialect}"), name="plugin.so")
    target = Target(program("host.c", libs=("-ldl",)), library, 5, 2)
    tracer = Tracer(target, f'{at("plugin.c", "plugin")} "{{i}} {{job->number}} {{plugin_runs}} {{plugin_depth}}" as lines')
    for turn in range(3):
        target.go()
        target.wait_ready()
        if not turn:
            until(lambda: "armed: lines at" in tracer.errors() or not tracer.alive(), "logpoint to arm itself in the library")
        target.go()
        if turn < 2:
            target.wait_ready()
    status, said = target.finish()
    places = re.findall(r"total 30 at (0x\w+)", said)
    equal((status, len(set(places))), (0, 3), f"addresses: {said}")
    result = tracer.finish()
    equal(result.counts("lines").hits, 15, "hits")
    rows = [r["values"] for r in result.records]
    equal([[r["i"], r["job->number"], r["plugin_runs"]] for r in rows], [[i, 6, 1] for _ in range(3) for i in range(5)], "values")
    depths = [r.get("plugin_depth") for r in rows]
    check(depths == [*range(5)] * 3 or (dialect == "gnu2" and {r["errors"]["plugin_depth"] for r in result.records} == {"unavailable"}),
          f"thread-local variable: {depths}")


@test
def library_loaded_already():
    library = program("plugin.c", flags=("-shared", "-fPIC"), name="plugin.so")
    target = Target(program("host.c", libs=("-ldl",)), library, 50)
    target.go()
    target.wait_ready()
    tracer = Tracer(target, 'call plugin_run "{job->number} {times} {plugin_depth}" as call')
    target.go()
    target.finish()
    record, = tracer.finish().records
    equal(record["values"]["job->number"], 6, "argument")
    equal(record["return"], 300, "return value")


@test
def same_name_in_a_library():
    """A function that a library has, too, is logged there as well, where it has what is named."""
    library = program("twin.c", flags=("-shared", "-fPIC"), name="twin.so")
    target = Target(program("steps.c"), 0, 200, env={**os.environ, "LD_PRELOAD": str(library)})
    target.go()
    tracer = Tracer(target, 'entry step "{i}" as step', 'entry other "{i}" as other', armed=False)
    until(lambda: re.search(r"^logpoint: armed: other at 1 place in .*twin\.so", tracer.errors(), re.M)
          or not tracer.alive(), "the library to be armed")
    until(lambda: {"twin.c", "steps.c"} <= {pathlib.Path(r["file"]).name for r in read_records(
        tracer.records_file.read_text().rpartition("\n")[0]) if r["logpoint"] == "other"}, "records of both")
    result = tracer.finish(interrupt=True)
    for r in result.records:
        twin = pathlib.Path(r["file"]).name == "twin.c"
        equal(r["values"]["i"] < 0, twin, f"whose value: {r}")
        check(r["logpoint"] == "other" or not twin, f"no i there: {r}")
    check(re.search(r"^logpoint: step: not armed in .*twin\.so: unknown name 'i'", result.err, re.M), result.err)

    status, _, err = logpoint("-p", str(target.pid), "--max-overhead", "none", "-n", "3", 'entry step "{i}" as step')
    equal(status, 0, f"the status: {err}")
    check("not armed" not in err, f"said without -v: {err}")


@each("plain", "semaphore")
def static_probes(kind):
    """usdt: its arguments by number; with a semaphore the program sees that somebody listens."""
    flags = ("-DSEMAPHORE",) if kind == "semaphore" else ()
    target = Target(program("probes.c", flags=flags), 40)
    tracer = Tracer(target, 'usdt shop:tick "{$1} {(char *)$2:s} {$3} {$4}" as tick', 'usdt shop:bye "{$1}" if $1 == 40 as bye')
    target.go()
    status, said = target.finish()
    result = tracer.finish()
    equal(status, 0, "status")
    equal(result.counts("tick").hits, 40, "hits")
    equal(result.counts("bye").logged, 1, "bye")
    names = ("spring", "summer", "autumn", "winter")
    for i, record in enumerate(r for r in result.records if r["logpoint"] == "tick"):
        equal(record["message"], f"{i} {names[i % 4]} {-1 - i} {i << 33}", "arguments")
    equal(said.split()[-1], "40" if kind == "semaphore" else "0", "listeners that the program saw")


@each(*[(cc, opt, 1) for cc in COMPILERS for opt in ("-O0", "-O2")], ("gcc", "-O2", 20), ("clang", "-O0", 20))
def thread_local_of_library(cc, opt, copies):
    """Those of a library that is loaded late, in threads that are older and younger than it: what each prints, and before it
    has any, that. With many libraries the older threads' tables of them are too short.
    """
    library = program("local.c", cc, opt, flags=("-shared", "-fPIC"), name="local.so")
    libraries = [copy_of(library, f"other{n}.so") for n in range(copies - 1)] + [library]
    target = Target(program("locals.c", libs=("-ldl", "-lpthread")), *libraries)
    target.go()
    target.wait_ready()
    names = "counter", "place", "unset", "text"
    shown = " ".join(f"{{{name}}}" for name in names)
    tracer = Tracer(target, f'{at("local.c", "untouched")} "{{number}} {shown} {{&counter}}" as early',
                    f'{at("local.c", "touched")} "{{number}} {shown}" as late',
                    f'{at("local.c", "touched")} if counter == 100 as initial',
                    f'{at("local.c", "untouched")} if counter == 100 as none')
    target.go()
    status, said = target.finish()
    equal(status, 0, "status")
    result = tracer.finish()
    rows = [row.split(" ", 6) for row in said.splitlines() if row != "ready"]
    equal(len(rows), 12, "rows that the target prints")
    late = [r for r in result.records if r["logpoint"] == "late"]
    equal(len(late), len(rows), "records")
    for row, record in zip(rows, late):
        number, _, counter, x, y, unset = map(int, row[:6])
        equal(record["values"], {"number": number, "counter": counter, "place": {"x": x, "y": y},
                                 "unset": unset, "text": row[6]}, "values of a thread")
    early = [r for r in result.records if r["logpoint"] == "early"]
    equal(len(early), 4, "records of threads that have none yet")
    for record in early:
        equal(record["errors"], dict.fromkeys([*names, "&counter"], "unavailable"), "what a thread has none of")
    equal(result.counts("initial").logged, 3, "the initial value, in the thread that adds 0")
    equal(result.counts("none").logged, 0, "records of a condition on what is not there")


@each(*[(cc, kind) for cc in COMPILERS for kind in ("pie", "fixed", "static")])
def thread_local(cc, kind):
    """Thread-local variables, each thread its own."""
    flags = {"pie": (), "fixed": ("-no-pie",), "static": ("-static",)}[kind]
    result = trace([program("threads.c", cc, flags=flags, name=f"threads-{kind}"), 20, 0, 0, 0],
                   f'{at("threads.c", "step")} "{{mine}} {{shown.text}} {{number}}" as s')
    equal(result.counts("s"), Counts(hits=60, logged=60), "summary")
    for record in result.records:
        values = record["values"]
        equal(values["mine"], values["number"], "thread-local integer")
        equal(values["shown.text"], chr(ord("a") + (values["number"] & 0xff) - 1) * 31, "thread-local struct")
    equal(len({r["tid"] for r in result.records}), 3, "threads")


def debuglink(path):
    debug = scratch("loop.debug")
    run_tool("objcopy", "--only-keep-debug", path, debug)
    run_tool("objcopy", "--strip-all", path)
    run_tool("objcopy", f"--add-gnu-debuglink={debug}", path)


def debuglink_folder(path):
    scratch(".debug").mkdir()
    debug = scratch(".debug") / "loop.debug"
    run_tool("objcopy", "--only-keep-debug", path, debug)
    run_tool("objcopy", "--strip-all", path)
    run_tool("objcopy", f"--add-gnu-debuglink={debug}", path)


def compressed(path):
    run_tool("objcopy", "--compress-debug-sections=zlib", path)


def dwz(path):
    run_tool(tool("dwz"), path)


def dwz_alternate(path):
    other = copy_of(path, "other")
    third = copy_of(program("shop.cc"), "third")
    run_tool(tool("dwz"), "-m", scratch("common.debug"), path, other, third)


def no_ranges(path):
    run_tool("objcopy", "--remove-section=.debug_aranges", path)


FILES = {
    "pie": ((), None), "fixed": (("-no-pie",), None), "static": (("-static",), None),
    "static-pie": (("-static-pie",), None), "dwarf4": (("-gdwarf-4",), None), "dwarf5": (("-gdwarf-5",), None),
    "gz": (("-gz",), None), "objcopy-gz": ((), compressed), "debuglink": ((), debuglink),
    "debuglink-folder": ((), debuglink_folder), "dwz": (("-gdwarf-4",), dwz), "dwz5": ((), dwz),
    "dwz-alternate": (("-gdwarf-4",), dwz_alternate), "no-aranges": ((), no_ranges),
    "lto": (("-flto",), None), "split-functions": (("-ffunction-sections", "-Wl,--gc-sections"), None),
    "cf-protection": (("-fcf-protection=full",), None), "frame-pointer": (("-fno-omit-frame-pointer",), None),
    "build-id": (("-Wl,--build-id=sha1",), "build-id"),
}


@each(*[(cc, kind) for kind in FILES for cc in (COMPILERS if kind in ("pie", "dwarf4", "gz") else ("gcc",))])
def file_forms(cc, kind):
    """The same logpoints, the same records, whatever the form of file and debug information."""
    flags, change = FILES[kind]
    path = copy_of(program("steps.c", cc, flags=flags, name=f"loop-{kind}"))
    if change == "build-id":
        change = by_build_id
    if change:
        change(path)
    result = trace([path, 30], f'{at("steps.c", "step")} "{{i}} {{word}}" as line', 'entry step "{i}" as entry', "call other as call")
    words = ("red", "green", "blue")
    equal([r["message"] for r in result.records if r["logpoint"] == "line"],
          [f"{i} {words[i % 3]}" for i in range(30)], "records of the line")
    equal([r["values"]["i"] for r in result.records if r["logpoint"] == "entry"], list(range(30)), "entry")
    equal([r["values"]["i"] for r in result.records if r["logpoint"] == "call"], [0, 10, 20], "call")


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", run_tool("readelf", "-n", path))[1]


def by_build_id(path):
    """The debug information where distributions put it, for as long as the test runs."""
    name = build_id(path)
    folder = pathlib.Path("/usr/lib/debug/.build-id") / name[:2]
    if not folder.parent.is_dir():
        skip("no /usr/lib/debug/.build-id")
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    debug = folder / f"{name[2:]}.debug"
    Here.stack.callback(lambda: (debug.unlink(missing_ok=True), made and folder.rmdir()))
    run_tool("objcopy", "--only-keep-debug", path, debug)
    run_tool("objcopy", "--strip-all", path)


class DebugFiles(http.server.BaseHTTPRequestHandler):
    files, asked = {}, []

    def do_GET(self):
        self.asked.append(self.path)
        body = self.files.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args):
        pass


@test
def debuginfod():
    """The debug information comes from a debuginfod server, where its variable is set; else it is missing."""
    path = copy_of(program("steps.c", flags=("-Wl,--build-id=sha1",), name="loop-build-id"))
    debug = scratch("loop.debug")
    run_tool("objcopy", "--only-keep-debug", path, debug)
    run_tool("objcopy", "--strip-all", path)
    DebugFiles.files = {f"/buildid/{build_id(path)}/debuginfo": debug.read_bytes()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DebugFiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Here.stack.callback(server.shutdown)
    environment = {k: v for k, v in os.environ.items() if k != "DEBUGINFOD_URLS"}
    status, _, err = logpoint(f'{at("steps.c", "step")} "{{i}}"', "--", path, "5", env=environment)
    equal(status, 0, "exit status without a server: a library could still bring the line")
    check("pending" in err and "no debug information" in err, err)
    environment |= {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}", "DEBUGINFOD_CACHE_PATH": str(scratch("cache"))}
    result = trace([path, 5], f'{at("steps.c", "step")} "{{i}} {{word}}"', env=environment)
    equal([r["values"]["i"] for r in result.records], list(range(5)), "values")
    check(DebugFiles.asked, "the server was never asked")


@test
def other_root():
    """A process in another mount namespace: its own files, by its own paths."""
    root = scratch("root")
    root.mkdir()
    path = program("steps.c", flags=("-static",), name="loop-static")
    shutil.copy2(path, root / "server")
    target = Target("/usr/sbin/chroot", root, "/server", "20")
    tracer = Tracer(target, f'{at("steps.c", "step")} "{{i}}" as s')
    target.go()
    target.finish()
    result = tracer.finish()
    equal([r["values"]["i"] for r in result.records], list(range(20)), "values")


@test
def two_kinds_of_same_name():
    """Two files that end in the same name are an error that lists both; a longer path decides."""
    for folder, value in (("one", 1), ("two", 2)):
        scratch(folder).mkdir()
        (scratch(folder) / "part.c").write_text(f"int part_{folder}(int n) {{\n\treturn n + {value};\n}}\n")
    main_c = scratch("main.c")
    main_c.write_text("int part_one(int), part_two(int);\nint main(void) { return part_one(0) + part_two(0) - 3; }\n")
    path = scratch("parts")
    run_tool("gcc", "-g", "-O0", main_c, scratch("one") / "part.c", scratch("two") / "part.c", "-o", path)
    status, _, err = logpoint('part.c:2 "{n}"', "--", path)
    equal(status, 2, "exit status")
    check("one/part.c" in err and "two/part.c" in err, err)
    result = trace([path], 'two/part.c:2 "{n}"')
    equal(len(result.records), 1, "records")
    equal(result.records[0]["function"], "part_two", "function")


sys.exit(main())
