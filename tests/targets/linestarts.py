# SPDX-License-Identifier: GPL-2.0-only
"""Runs programs made at random and says what happened, for test_python_flow.c.

    linestarts.py SEED COUNT
    linestarts.py statements

    code ID MINOR FIRSTLINENO UNITS LINETABLE HANDLERS  (hex, "-": empty)
    line FRAME ID LINE                                  a `line` event
    unit FRAME ID OFFSET                                an `opcode` event: f_lasti
    text PROGRAM LINE TEXT                              the source, for messages
    most CODE LINE UNITS TEXT                           of `statements`: a line and how many units it may need
"""
import dis
import random
import sys

MINOR = sys.version_info[1]
PRELUDE = '''
class Ctx:
    def __init__(self, eat=False): self.eat = eat
    def __enter__(self): return self
    def __exit__(self, kind, value, tb): return self.eat
    async def __aenter__(self): return self
    async def __aexit__(self, kind, value, tb): return self.eat
class Later:
    def __await__(self):
        yield 1
        return 2
class Count:
    def __init__(self, n): self.n = n
    def __aiter__(self): return self
    async def __anext__(self):
        if self.n <= 0: raise StopAsyncIteration
        self.n -= 1
        await Later()
        return self.n
def drive(c):
    try:
        while True: c.send(None)
    except StopIteration as e:
        return e.value
def bad(x): raise ValueError(x)
def maybe(x):
    if x % 3 == 0: raise KeyError(x)
    return x
def deco(f): return f
def same(*x): return x[0] if x else 0
'''


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines = []
        self.n = 0
        self.loop = 0
        self.kind = "def"  # of the function that is written

    def name(self):
        self.n += 1
        return "v%d" % self.n

    def put(self, depth, text):
        self.lines.append("    " * depth + text)

    def value(self):
        r = self.r
        return r.choice(["1", "a", "b", "a + b", "same(a, b)", "len(xs)", "a if b else 3", "(a and b or 4)", "maybe(a)",
                         "[x + a for x in xs]", "sum(x for x in xs if x)", "(lambda q: q + a)(b)", "{x: a for x in xs}",
                         "[x for y in (xs, xs) for x in y]", "not a", "1 < a < 9", "-b", "f'{a}{b!r}'", "a % 5",
                         "{*xs}", "[*xs, a]", "(w := a)" if MINOR >= 8 and self.kind != "class" else "a"])

    def wide(self, depth):
        """An expression over several lines."""
        pad = "\n" + "    " * (depth + 2)
        r = self.r
        return r.choice(["same(" + self.value() + "," + pad + self.value() + "," + pad + self.value() + ")",
                         "(" + self.value() + pad + "if b else" + pad + self.value() + ")",
                         "(" + self.value() + " and" + pad + self.value() + " or" + pad + self.value() + ")",
                         "[x" + pad + "for x in xs" + pad + "if x" + pad + "]",
                         "[same(x)" + pad + "for y in [xs," + pad + "xs] for x in y]",
                         "same(same(a)," + pad + "b).__class__(" + pad + "3)"])

    def test(self):
        return self.r.choice(["a", "b > 2", "a % 2", "a and b", "a or b", "not (a and b)", "xs", "a is None",
                              "a in xs", "len(xs) > 3", "a < b < 4", "False", "True", "0"])

    def body(self, depth, n=None, loop=False):
        outer = self.loop
        if loop is not None:
            self.loop = loop
        for _ in range(n or self.r.randint(1, 3)):
            self.statement(depth)
        self.loop = outer

    def suite(self, depth, loop=None):
        self.body(depth, None, self.loop if loop is None else loop)

    def statement(self, depth):
        deep = depth >= 6
        kinds = [self.plain] * 6 + [self.jump, self.one_line]
        if not deep:
            kinds += [self.s_if, self.s_for, self.s_while, self.s_with, self.s_try, self.s_try, self.s_for]
            if depth < 4:
                kinds += [self.s_def, self.s_class, self.s_gen, self.s_async]
            if self.kind == "async":
                kinds += [self.s_async_for, self.s_async_with, self.s_await] * 2
            if MINOR >= 10:
                kinds += [self.s_match]
        self.r.choice(kinds)(depth)

    def plain(self, depth):
        r = self.r
        what = r.randint(0, 9)
        if what < 3:
            self.put(depth, r.choice("ab") + " = " + self.wide(depth))
        elif what == 3:
            self.put(depth, "assert True, a")
        elif what == 4:
            self.put(depth, "a, b = b, " + self.value())
        elif what == 5:
            self.put(depth, "a = 1; b = 2")
        elif what == 6:
            self.put(depth, "pass")
        elif what == 7 and self.kind in ("gen", "async gen"):
            self.put(depth, "b = yield a" if self.kind == "gen" else "yield a")
        else:
            self.put(depth, r.choice("ab") + " = " + self.value())
        if r.random() < 0.3:
            self.put(depth, "a = len(xs)" if r.random() < 0.5 else "b = 3")

    def one_line(self, depth):
        self.put(depth, self.r.choice(["for q in xs: a = q", "for q in range(3): b = q", "if a: b = 1",
                                       "with Ctx(): a = 1", "while a and isinstance(a, int) and 0 < a < 9: a -= 1",
                                       "[maybe(q) for q in [1, 2, 4]]", "for q in xs: pass",
                                       "with Ctx(True): bad(1)", "x = [q for q in xs]; y = [q for q in xs]"]))

    def jump(self, depth):
        what = self.r.randint(0, 5)
        if what == 0 and self.loop:
            self.put(depth, "if " + self.test() + ": break")
        elif what == 1 and self.loop:
            self.put(depth, "if " + self.test() + ":")
            self.put(depth + 1, "continue")
        elif what == 2 and self.kind in ("def", "gen") and self.r.random() < 0.4:
            self.put(depth, "if " + self.test() + ": return" + (" a" if self.kind == "def" else ""))
        elif what == 3:
            self.put(depth, "if " + self.test() + ": bad(a)")
        else:
            self.put(depth, "b = 5")

    def s_if(self, depth):
        self.put(depth, "if " + self.test() + ":")
        self.suite(depth + 1)
        if self.r.random() < 0.4:
            self.put(depth, "elif " + self.test() + ":")
            self.suite(depth + 1)
        if self.r.random() < 0.5:
            self.put(depth, "else:")
            self.suite(depth + 1)

    def s_for(self, depth):
        over = self.r.choice(["xs", "range(3)", "[1, 2]", "enumerate(xs)", "same(xs,\n%sa)" % ("    " * (depth + 2)), "()",
                              "[q for q in xs]", "(q for q in xs)"])
        self.put(depth, "for %s in %s:" % (self.name(), over))
        self.suite(depth + 1, True)
        if self.r.random() < 0.3:
            self.put(depth, "else:")
            self.suite(depth + 1)

    def s_while(self, depth):
        n = self.name()
        self.put(depth, n + " = 3")
        self.put(depth, "while %s > 0%s:" % (n, self.r.choice(["", " and (a or True)", " and\\\n        True"])))
        self.put(depth + 1, n + " -= 1")
        self.suite(depth + 1, True)
        if self.r.random() < 0.3:
            self.put(depth, "else:")
            self.suite(depth + 1)

    def s_with(self, depth):
        self.put(depth, "with " + self.r.choice(["Ctx()", "Ctx(True)", "Ctx() as c", "Ctx(True) as c, Ctx() as d",
                                                 "Ctx(\n%sTrue)" % ("    " * (depth + 2))]) + ":")
        self.suite(depth + 1)

    def s_try(self, depth):
        r = self.r
        self.put(depth, "try:")
        self.suite(depth + 1)
        if r.random() < 0.6:
            self.put(depth + 1, r.choice(["bad(a)", "maybe(3)", "maybe(a)", "raise KeyError"]))
        caught = r.random() < 0.75
        if caught:
            if r.random() < 0.5:
                self.put(depth, "except KeyError:")
                self.suite(depth + 1)
            self.put(depth, r.choice(["except Exception:", "except Exception as e:", "except (ValueError,\n%sException):" %
                                      ("    " * (depth + 2))]))
            self.suite(depth + 1)
            if r.random() < 0.3:
                self.put(depth, "else:")
                self.suite(depth + 1)
        if not caught or r.random() < 0.4:
            self.put(depth, "finally:")
            self.suite(depth + 1, False if MINOR < 8 else self.loop)

    def nested(self, depth, head, kind, call):
        outer, self.kind = self.kind, kind
        f = self.name()
        if self.r.random() < 0.3:
            self.put(depth, "@deco")
        self.put(depth, head % f)
        if self.r.random() < 0.3:
            self.put(depth + 1, "'''text'''")
        self.put(depth + 1, "b = 2")
        self.body(depth + 1, None, False)
        if "gen" in kind:
            self.put(depth + 1, "yield a")
        self.kind = outer
        self.put(depth, "try:")
        self.put(depth + 1, call % f)
        self.put(depth, "except Exception: pass")

    def s_def(self, depth):
        self.nested(depth, self.r.choice(["def %s(a=1, xs=(1, 2)):", "def %s(a=1,\n        xs=(1, 2)):"]), "def", "%s()")

    def s_gen(self, depth):
        self.nested(depth, "def %s(a=1, xs=[1, 2]):", "gen", "for z in %s(): a = z")

    def s_async(self, depth):
        self.nested(depth, "async def %s(a=1, xs=[1, 2]):", "async", "drive(%s())")

    def s_class(self, depth):
        outer, self.kind = self.kind, "class"
        f = self.name()
        self.put(depth, "class %s:" % f)
        self.put(depth + 1, "a = 1; b = 2; xs = [1, 2]")
        self.put(depth + 1, "c = 1")
        self.put(depth + 1, "def m(self): return 1")
        self.put(depth + 1, "def n(self):")
        self.put(depth + 2, "return 2")
        self.put(depth + 1, "for k in xs:")
        self.put(depth + 2, "c += k")
        self.kind = outer
        self.put(depth, "%s().m(); %s().n()" % (f, f))

    def s_async_for(self, depth):
        self.put(depth, "async for k in Count(2):")
        self.suite(depth + 1, True)

    def s_async_with(self, depth):
        self.put(depth, "async with Ctx(" + self.r.choice(["", "True"]) + "):")
        self.suite(depth + 1)

    def s_await(self, depth):
        self.put(depth, self.r.choice(["a = await Later()", "await Later()", "a = [k async for k in Count(2)]",
                                       "a = [await Later() for k in xs]", "a = same(await Later(),\n%sb)" % ("    " * (depth + 1))]))

    def s_match(self, depth):
        self.put(depth, "match a:")
        self.put(depth + 1, "case 1 | 2:")
        self.suite(depth + 2)
        self.put(depth + 1, "case [x, *_]:")
        self.suite(depth + 2)
        if self.r.random() < 0.5:
            self.put(depth + 1, "case _:")
            self.suite(depth + 2)

    def program(self):
        if self.r.random() < 0.15:  # more names and constants than a byte can number
            self.put(0, "def many(): return (" + ", ".join("x%d" % i for i in range(300)) + ",)")
        self.put(0, "def top(a, b, xs):")
        if self.r.random() < 0.2:
            self.put(1, "big = [" + ", ".join(str(i * 7 + 1000) for i in range(270)) + ", a]")
            self.put(1, "q = (" + ", ".join("%d.5" % i for i in range(260)) + ").__len__() if a else 0")
        self.body(1, self.r.randint(3, 7))
        self.put(1, "return a")
        self.put(0, "for args in ((1, 2, [1, 2, 3]), (0, 0, []), (3, 1, [5])):")
        self.put(1, "try: top(*args)")
        self.put(1, "except Exception: pass")
        return "\n".join(self.lines) + "\n"


STATEMENTS = '''
def f(a, b, xs):
    a = b                                    # 1
    with a:                                  # 1
        b()                                  # 1, 2 in 3.9: where a handler begins
    with open(a) as x, open(b) as y:         # 1
        b()
        b()
    a = b(xs,                                # 1
          b.c,                               # 1
          xs())                              # 1
    a = (b.c and                             # 1
         xs.c or                             # 1
         b.d)                                # 1
    for x in b():                            # 2
        a()                                  # 1
    while b():                               # 2
        a()
        a()                                  # 1
    try:
        a()                                  # 1
    except ValueError as e:                  # 1
        b(e)                                 # 1
    try:
        a()
    finally:
        b()                                  # 2
    try:
        with a:                              # 1
            if b():                          # 1
                return xs()                  # 1
            a()
    finally:
        b.c()                                # 3
    a = [x.c for x in xs()]                  # 3
    a = [x.c                                 # 2
         for x in xs]                        # 2
    @a.c                                     # 1
    @b.c                                     # 1
    def g(x=1,                               # 1
          y=a()):                            # 1
        return x                             # 1
    assert a(), b                            # 1
    if a.c: return b()                       # 1
    return {                                 # 1
        "a": a.c,                            # 1
        "b": b.c,                            # 1
    }

async def g(a, b):
    async with a:                            # 1
        await b()                            # 1, 2 in 3.9
    async for x in a.c():                    # 2
        await x
    a = b(await a,                           # 1
          await b)                           # 1
    yield a.c()                              # 1
'''


def statements():
    """Of each line with a number: how many units it may need."""
    code = compile(STATEMENTS, "<statements>", "exec")
    todo, number = [code], 0
    lines = STATEMENTS.split("\n")
    while todo:
        code = todo.pop()
        out = []
        Tracer(out).code(code, number)
        for line in sorted({line for _, line in dis.findlinestarts(code) if line}):
            text, _, most = lines[line - 1].partition("#")
            most = most[:2] if "in 3.9" not in most or MINOR != 9 else "2"
            if most and code.co_name != "<module>":
                out.append("most %d %d %s %s" % (number, line, most, text.strip()))
        print("\n".join(out))
        todo += [const for const in code.co_consts if isinstance(const, type(code))]
        number += 1
    print("end 0")


def hexed(data):
    return bytes(data).hex() or "-"


class Tracer:
    def __init__(self, out):
        self.codes, self.frames, self.out, self.left = {}, {}, out, 0

    def code(self, code, first=0):
        number = self.codes.get(code)
        if number is None:
            # two that are equal are not one
            number = self.codes[code] = first + len(self.codes)
            table = code.co_linetable if MINOR >= 10 else code.co_lnotab
            handlers = code.co_exceptiontable if MINOR >= 11 else b""
            self.out.append("code %d %d %d %s %s %s" % (number, MINOR, code.co_firstlineno, hexed(code.co_code), hexed(table),
                                                        hexed(handlers)))
        return number

    def frame(self, frame):
        entry = self.frames.get(id(frame))
        if entry is None:
            entry = self.frames[id(frame)] = (len(self.frames), frame)
        return entry[0]

    def __call__(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith("<made"):
            return None
        if event == "call":
            frame.f_trace_opcodes = MINOR < 12
        elif event == "line":
            self.out.append("line %d %d %d" % (self.frame(frame), self.code(frame.f_code), frame.f_lineno))
        elif event == "opcode":
            self.unit(frame, frame.f_lasti)
        return self

    def unit(self, frame, offset):
        if self.left < 0:  # from 3.12 on it is called on, while frames end
            raise SystemExit
        self.out.append("unit %d %d %d" % (self.frame(frame), self.code(frame.f_code), offset))
        self.left -= 1
        if self.left < 0:  # all of its line's events have been seen
            raise SystemExit

    def instruction(self, code, offset):
        """From 3.12 on: f_trace_opcodes misses a function's first run."""
        if code.co_filename.startswith("<made"):
            self.unit(sys._getframe(1), offset)

    def start(self):
        sys.settrace(self)
        if MINOR >= 12:
            tool, events = sys.monitoring, sys.monitoring.events
            tool.use_tool_id(3, "test")
            tool.register_callback(3, events.INSTRUCTION, self.instruction)
            tool.set_events(3, events.INSTRUCTION)

    def stop(self):
        if MINOR >= 12:
            sys.monitoring.set_events(3, 0)
            sys.monitoring.free_tool_id(3)
        sys.settrace(None)


def run(seed, program, out):
    text = Maker(seed).program()
    for number, line in enumerate(text.split("\n"), 1):
        out.append("text %d %d %s" % (program, number, line))
    space = {}
    exec(compile(PRELUDE, "<prelude>", "exec"), space)
    code = compile(text, "<made %d>" % program, "exec")
    tracer = Tracer(out)
    tracer.left = 6000
    tracer.start()
    try:
        exec(code, space)
    except SystemExit:
        pass
    finally:
        tracer.stop()
    out.append("end %d" % program)


def main():
    if sys.argv[1] == "statements":
        return statements()
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for i in range(count):
        out = []
        try:
            run(seed + i, i, out)
        except SyntaxError as e:
            out = ["skip %d %s" % (i, e)]
        print("\n".join(out))


main()
