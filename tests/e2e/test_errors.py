# SPDX-License-Identifier: GPL-2.0-only
"""What is wrong is said before anything is attached: exit status, message, where in the text."""

import os
import re
import subprocess
import sys

from harness import (LOGPOINT, Failed, Target, check, equal, line, logpoint, main, program, scratch, test)

STEP = line("steps.c", "step")

# logpoint, words that the message has, what the caret points at (None: no caret wanted)
POINTS = [
    (f'steps.c:{STEP} "{{cuont}}"', ["unknown name 'cuont'", "square", "word"], "cuont"),
    (f'steps.c:{STEP} "a {{i}} b {{square + nix}}"', ["unknown name 'nix'"], "nix"),
    (f'steps.c:{STEP} "{{i}}" if squar > 3', ["unknown name 'squar'", "square"], "squar"),
    (f'steps.c:{STEP} "{{i->x}}"', ["no struct"], "x"),
    (f'steps.c:{STEP} "{{*i}}"', [], None),
    (f'steps.c:{STEP} "{{i[0]}}"', [], None),
    (f'steps.c:{STEP} "{{i.x}}"', [], None),
    (f'steps.c:{STEP} "{{i +}}"', [], None),
    (f'steps.c:{STEP} "{{(i}}"', [], None),
    (f'steps.c:{STEP} "{{}}"', [], None),
    (f'steps.c:{STEP} "{{i"', [], None),
    (f'steps.c:{STEP} "i}}"', [], None),
    (f'steps.c:{STEP} "{{i:y}}"', [], None),
    (f'steps.c:{STEP} "{{i}}', [], None),
    (f'steps.c:{STEP} "{{i}}" iff i', ["iff"], "iff"),
    (f'steps.c:{STEP} "{{i}}" if', [], None),
    (f'steps.c:{STEP} "{{i}}" hit', [], None),
    (f'steps.c:{STEP} "{{i}}" hit x', [], "x"),
    (f'steps.c:{STEP} "{{i}}" max', [], None),
    (f'steps.c:{STEP} "{{i}}" max 0', [], None),
    (f'steps.c:{STEP} "{{i}}" rate 5', ["rate"], None),
    (f'steps.c:{STEP} "{{i}}" after nobody', ["nobody"], "nobody"),
    (f'steps.c:{STEP} "{{i}}" with foo', ["foo"], "foo"),
    (f'steps.c:{STEP} "{{i}}" if i max 1 max 2', ["max"], None),
    (f'steps.c:{STEP} count', ["not supported yet"], "count"),
    (f'steps.c:{STEP} sum i', ["not supported yet"], "sum"),
    (f'steps.c:{STEP} hist i by word', ["not supported yet"], "hist"),
    ("watch checksum", ["not supported yet"], "watch"),
    ("crash SIGNOT", ["SIGINT"], "SIGNOT"),
    ('crash "{i}"', ["unknown name"], "i"),
    ("raise ValueError", ["no target runs CPython"], "raise"),
    ("raise Value-Error", ["name of an exception's class"], "Value-Error"),
    (f'steps.c:{STEP} "{{$return}}"', ["$return"], "$return"),
    (f'steps.c:{STEP} "{{$nonsense}}"', ["$nonsense"], "$nonsense"),
    (f'steps.c:{STEP} "{{(struct nosuch *)i}}"', ["nosuch"], None),
    (f'steps.c:{STEP} "{{step(i)}}"', ["step"], None),
    (f'steps.c:{STEP} "{{i = 5}}"', [], None),
    (f'steps.c:{STEP} "{{i++}}"', [], None),
    (f'steps.c:{STEP} "{{i}}" if word.total()', [], None),
    (f'steps.c:{STEP} "{{i}}" if i * 1.5 > 2', [], None),
    ("steps.c:1 \"x\"", ["steps.c", "line 1"], None),
    ("steps.c:9999 \"x\"", ["steps.c", "9999"], None),
    ("lop.c:5 \"x\"", ["lop.c"], None),
    ("steps.c:abc", [], None),
    ("steps.c", [], None),
    ("entry stepp", ["stepp"], None),
    ("entry", [], None),
    ("return", [], None),
    ("usdt shop:tick", ["shop:tick"], None),
    ("usdt shop", [], None),
    ("step+3", ["instruction"], None),
    ("step+99999", ["step"], None),
    ("0x10", ["0x10"], None),
    ("", [], None),
    ('entry step "{i}" "{i}"', [], None),
    ('call step "{i}" if $return > 5 and nix', ["nix"], "nix"),
]


def caret_points_at(err, token):
    rows = err.splitlines()
    for above, row in zip(rows, rows[1:]):
        if set(row.strip()) == {"^"}:
            return above[row.index("^"):].startswith(token), above
    return False, "no caret"


@test
def wrong_logpoints():
    """Each: status 2, the message, the caret; and the command was not run."""
    # static: nothing can be loaded later that would have what is missing
    path, wrong = program("steps.c", opt="-O0", flags=("-static",), name="steps-static"), []
    for point, words, token in POINTS:
        status, out, err = logpoint(point, "--", path, "1", timeout=20)
        problems = []
        if status != 2:
            problems.append(f"status {status}")
        if "steps" in out:
            problems.append("the command was run")
        problems += [f"no {word!r}" for word in words if word not in err]
        if not err.startswith("logpoint: "):
            problems.append("no message")
        if token:
            good, where = caret_points_at(err, token)
            if not good:
                problems.append(f"the caret is not at {token!r} ({where!r})")
        if problems:
            wrong.append(f"{point}: {', '.join(problems)}: {err.strip()[:400]}")
    if wrong:
        raise Failed(f"{len(wrong)} of {len(POINTS)}:\n" + "\n".join(wrong))


COMMANDS = [
    ([], 2, []),
    (["-p"], 2, []),
    (["-p", "1", "--nonsense", "x.c:1"], 2, ["--nonsense"]),
    (["-p", "abc", "x.c:1"], 2, ["abc"]),
    (["-p", "0", "x.c:1"], 2, []),
    (["-p", "-5", "x.c:1"], 2, []),
    (["-p", "4194999", "x.c:1"], None, ["4194999"]),
    (["x.c:1"], 2, []),
    (["-p", str(os.getpid())], 2, []),
    (["-n", "x", "entry main", "--", "/bin/true"], 2, ["x"]),
    (["-n", "-1", "entry main", "--", "/bin/true"], 2, []),
    (["-d", "5y", "entry main", "--", "/bin/true"], 2, ["5y"]),
    (["-d", "", "entry main", "--", "/bin/true"], 2, []),
    (["--max-overhead", "lots", "entry main", "--", "/bin/true"], 2, ["lots"]),
    (["--format", "xml", "entry main", "--", "/bin/true"], 2, ["xml", "json"]),
    (["-f", "/no/such/file", "--", "/bin/true"], None, ["/no/such/file"]),
    (["-o", "/no/such/dir/file", "entry main", "--", "/bin/true"], None, ["/no/such/dir/file"]),
    (["entry main", "--"], 2, []),
    (["entry main", "--", "/no/such/program"], None, ["/no/such/program"]),
    (["entry main", "--", "/etc/passwd"], None, ["/etc/passwd"]),
    (["-x", "/no/such/program", "entry main"], None, ["/no/such/program"]),
    (["--cgroup", "/no/such/cgroup", "entry main"], None, ["/no/such/cgroup"]),
    (["nonsense"], 2, []),
    (["list"], 2, []),
    (["stacks", "-p", "1", "extra"], 2, ["extra"]),
    (["dap"], 2, ["not supported yet"]),
    (["report", "x"], 2, ["not supported yet"]),
]


@test
def wrong_command_lines():
    wrong = []
    for args, want, words in COMMANDS:
        status, out, err = logpoint(*args, timeout=20)
        problems = [f"no {word!r}" for word in words if word not in err]
        if want is None and status not in (1, 2) or want is not None and status != want:
            problems.append(f"status {status}")
        if not err.strip():
            problems.append("no message")
        if out.strip():
            problems.append(f"on standard output: {out[:100]}")
        if problems:
            wrong.append(f"{args}: {', '.join(problems)}: {err.strip()[:300]}")
    if wrong:
        raise Failed(f"{len(wrong)} of {len(COMMANDS)}:\n" + "\n".join(wrong))


@test
def help_and_version():
    status, out, err = logpoint("--help")
    equal((status, err), (0, ""), "--help")
    for word in ("trace", "list", "check", "--pid", "--follow", "--max-overhead", "--format", "--output"):
        check(word in out, f"--help says nothing of {word}")
    status, out, err = logpoint("--version")
    equal((status, err), (0, ""), "--version")
    check(re.match(r"^logpoint \d+\.\d+", out), out)
    for command in ("trace", "list", "check"):
        status, out, err = logpoint(command, "--help")
        equal((status, err), (0, ""), f"{command} --help")
        check(command in out, out)


@test
def wrong_line_of_a_file():
    """In a file of logpoints the message has the file's name and line."""
    points = scratch("points.lp")
    points.write_text(f'# comment\nsteps.c:{STEP} "{{i}}"\n\nsteps.c:{STEP} \\\n "{{nix}}"\n')
    status, _, err = logpoint("-f", points, "--", program("steps.c"), "1")
    equal(status, 2, "exit status")
    check("points.lp:4" in err or "points.lp:5" in err, err)
    check("nix" in err, err)


@test
def one_wrong_attaches_none():
    """One wrong logpoint among right ones: none is attached, the target runs on."""
    target = Target(program("steps.c"), 3)
    status, _, err = logpoint("-p", str(target.pid), f'steps.c:{STEP} "{{i}}"', f'steps.c:{STEP} "{{nix}}"')
    equal(status, 2, f"exit status ({err})")
    target.go()
    equal(target.finish()[0], 0, "the target's status")


@test
def nearest_lines():
    """A line without code names its neighbours that have some."""
    status, _, err = logpoint(f'steps.c:{STEP - 2} "x"', "--", program("steps.c", opt="-O0"), "1")
    equal(status, 2, "exit status")
    numbers = [int(n) for n in re.findall(r"\b\d+\b", err.split(f"{STEP - 2}", 1)[-1])]
    check(any(n < STEP - 2 for n in numbers) and any(n > STEP - 2 for n in numbers), err)


@test
def names_that_come_near():
    """An unknown function names those that come near."""
    status, _, err = logpoint('entry stpe "x"', "--",
                              program("steps.c", opt="-O0", flags=("-static",), name="steps-static"), "1")
    equal(status, 2, f"exit status ({err})")
    check("step" in err, err)


@test
def not_permitted():
    """Without privileges: status 3, and what is missing."""
    path = program("steps.c")
    command = [LOGPOINT, "entry step", "--", str(path), "1"]
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)
    equal(done.returncode, 3, f"exit status ({done.stderr})")
    check("CAP_" in done.stderr, done.stderr)
    check("steps" not in done.stdout, "the command was run")


@test
def instruction_that_cannot_be_probed():
    """The kernel refuses some instructions (here: one with a lock prefix): said, not silently never hit."""
    place = line("service.c", "locked")
    status, out, err = logpoint(f'service.c:{place} "{{req->id}}"', "--", program("service.c"), "3")
    check(status != 0 and "instruction" in err, f"status {status}: {err}")
    check("served" not in out, "the command was run")


@test
def terminal_escapes():
    """Control characters from the target stay on their line and reach no terminal."""
    source = scratch("evil.c")
    source.write_text('#include <stdio.h>\nvoid f(const char *s) {\n\tputs(s);\n}\nint main(void) { f("a\\033[31m\\nb\\x9b\\xff\\r"); }\n')
    path = scratch("evil")
    subprocess.run(["gcc", "-g", "-O0", source, "-o", path], check=True)
    status, _, err = logpoint("-o", scratch("text"), 'evil.c:3 "{s}"', "--", path)
    equal(status, 0, err)
    raw = scratch("text").read_bytes()
    equal(raw.count(b"\n"), 1, "lines")
    check(not any(byte < 32 and byte != 10 or byte in (0x9b, 0x7f) for byte in raw), repr(raw))


sys.exit(main())
