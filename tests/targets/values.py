# SPDX-License-Identifier: GPL-2.0-only
"""Objects of every kind: prints the address of each and what it looks like, then waits.

A line is SECTION, tab, address, tab, text; "end" ends it. In section "all" a reader without limits sees the text;
in section "limits" one that shows 64 bytes of a string, 5 items and 2 levels. What repr() doesn't
tell is spelt by show(): attributes of plain instances, where generators wait (f_lasti, as a line).
"""
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import os
import pathlib
import random
import sys
import types
import typing
import uuid

RANDOM = random.Random(7)
KEEP = []
SEEN = set()


def out(section, o, text):
    KEEP.append(o)
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    assert "\n" not in text
    sys.stdout.buffer.write(("%s\t%x\t" % (section, id(o))).encode())
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


class Plain:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Cart:
    def __init__(self, items, total):
        self.items = items
        self.total = total
        self.coupon = None


class Sub(Cart):
    def __init__(self, *args):
        super().__init__(*args)
        self.extra = "x"

    def method(self):
        return self.extra


class Empty:
    pass


class Slots:
    __slots__ = ("b", "a", "missing")

    def __init__(self, a, b):
        self.a = a
        self.b = b


class SlotsSub(Slots):
    __slots__ = ("z", "c")

    def __init__(self, *args):
        super().__init__(*args)
        self.c = [1]
        self.z = 9


class SlotsDict(Slots):
    def __init__(self, *args):
        super().__init__(*args)
        self.free = 5


@dataclasses.dataclass
class Point:
    x: int
    y: float
    name: str = "p"


if sys.version_info >= (3, 10):
    @dataclasses.dataclass(slots=True)
    class SlotPoint:
        zeta: int
        alpha: str


class Color(enum.Enum):
    RED = 1
    GREEN = "green"


class Number(enum.IntEnum):
    ONE = 1
    BIG = 1 << 70


class Perm(enum.Flag):
    R = 4
    W = 2


class Text(str, enum.Enum):
    A = "alpha"


Pair = collections.namedtuple("Pair", "left right")


class PairSub(Pair):
    pass


Login = collections.namedtuple("Login", "name password _2", rename=True)
Wide = collections.namedtuple("Wide", ["token"] + ["f%d" % n for n in range(70)])


class SubLogin(Login):
    more = 1


class Typed(typing.NamedTuple):
    api_key: object
    n: int


class Deep(enum.Enum):
    PAIR = (1, (2, 3))


class MyError(Exception):
    pass


class CodeError(Exception):
    def __init__(self, code, *args):
        super().__init__(code, *args)
        self.code = code


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyList(list):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyDeque(collections.deque):
    pass


class MyFloat(float):
    pass


class MyDate(datetime.datetime):
    pass


class MyDecimal(decimal.Decimal):
    pass


class Many:
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    def __init__(self):
        self.m = 1


def generator(n):
    yield n
    yield n + 1


async def coroutine():
    await Waiting()


class Waiting:
    def __await__(self):
        yield 1


async def agen():
    yield 1


def fields_of(o):
    if dataclasses.is_dataclass(o):
        return [f.name for f in dataclasses.fields(o)]
    names = []
    for c in reversed(type(o).__mro__):
        slots = c.__dict__.get("__slots__", ())
        names += sorted(s for s in slots if hasattr(o, s))
    names += list(getattr(o, "__dict__", ()))
    return names


def waits(kind, g, frame, code, running):
    if frame is None:
        return "<%s %s finished>" % (kind, g.__qualname__)
    where = "%s:%d" % (os.path.basename(code.co_filename),
                       code.co_firstlineno if not_started(g) else frame.f_lasti)
    state = "not started" if not_started(g) else "suspended"
    return "<%s %s %s at %s>" % (kind, g.__qualname__, state, where)


def not_started(g):
    import inspect
    if isinstance(g, types.GeneratorType):
        return inspect.getgeneratorstate(g) == "GEN_CREATED"
    if isinstance(g, types.CoroutineType):
        return inspect.getcoroutinestate(g) == "CORO_CREATED"
    return True


def dict_items(o):
    return "{" + ", ".join("%s: %s" % (show(k), show(v)) for k, v in dict.items(o)) + "}"


def show(o, inside=()):
    t = type(o)
    if isinstance(o, type):
        return repr(o) if type(o) is type else "<class '%s.%s'>" % (o.__module__, o.__qualname__)
    if any(o is i for i in inside):
        return {list: "[...]", dict: "{...}"}.get(t, "...")
    if isinstance(o, enum.Enum):
        if o._name_ is None or "|" in (o._name_ or ""):
            text = t.__name__ + ("." + o._name_ if o._name_ else "")
            return "<%s: %s>" % (text, show(o._value_))
        return "<%s.%s: %s>" % (t.__name__, o._name_, show(o._value_))
    if isinstance(o, uuid.UUID) or isinstance(o, pathlib.PurePath):
        return repr(o)
    if t is collections.OrderedDict or t is collections.Counter:
        return "%s(%s)" % (t.__name__, dict_items(o))
    if t is collections.defaultdict:
        return "defaultdict(..., %s)" % dict_items(o)
    if isinstance(o, types.ModuleType):
        return "<module '%s'>" % o.__name__
    if isinstance(o, types.GeneratorType):
        return waits("generator", o, o.gi_frame, o.gi_code, o.gi_running)
    if isinstance(o, types.CoroutineType):
        return waits("coroutine", o, o.cr_frame, o.cr_code, o.cr_running)
    if isinstance(o, types.AsyncGeneratorType):
        return waits("async_generator", o, o.ag_frame, o.ag_code, o.ag_running)
    if isinstance(o, types.MethodType):
        return "<bound method %s of %s>" % (o.__func__.__qualname__, show(o.__self__))
    inside = inside + (o,)
    if t in (list, MyList):
        return "[" + ", ".join(show(i, inside) for i in o) + "]"
    if t is tuple:
        return "(" + ", ".join(show(i, inside) for i in o) + ("," if len(o) == 1 else "") + ")"
    if t in (dict, MyDict):
        return "{" + ", ".join("%s: %s" % (show(k, inside), show(v, inside))
                               for k, v in o.items()) + "}"
    if t in (object,) or t.__flags__ & (1 << 9) == 0 or isinstance(
            o, (BaseException, set, frozenset, collections.deque, int, str, float, tuple,
                datetime.date, datetime.timedelta, decimal.Decimal)):
        return repr(o)
    if t.__module__ not in ("__main__", "fractions", "dataclasses", "builtins"):
        return repr(o)
    return "%s(%s)" % (t.__name__, ", ".join("%s=%s" % (n, show(getattr(o, n), inside))
                                            for n in fields_of(o)))


def text():
    pools = ("abcxyz _-", "a'b\"c\\d", "äöüßé", "漢字かな", "😀🐍x", "\t\r\x00\x1b\x7f", "\x80\xa0\xad\u2028")
    n = RANDOM.choice((0, 1, 2, 5, 7, 8, 9, 15, 16, 17, 40, 100, 300))
    return "".join(RANDOM.choice(RANDOM.choice(pools)) for _ in range(n))


def scalar():
    k = RANDOM.randrange(12)
    if k == 0:
        return RANDOM.choice((None, True, False))
    if k in (1, 2):
        v = RANDOM.getrandbits(RANDOM.choice((1, 8, 15, 29, 30, 31, 59, 60, 61, 62, 63, 64, 65, 90,
                                              91, 128, 300, 2000)))
        return v if RANDOM.random() < 0.5 else -v
    if k in (3, 4):
        return RANDOM.choice((RANDOM.random(), RANDOM.uniform(-1e18, 1e18), 0.0, -0.0, 1e16, 1e22,
                              123456789.0, 1e-5, 0.0001, 5e-324, 1.7976931348623157e308,
                              float("inf"), float("-inf"), float("nan"), 1e15, 12345678901234567.0,
                              RANDOM.random() * 10 ** RANDOM.randrange(-30, 30), 100.0, 0.1))
    if k == 5:
        return complex(RANDOM.choice((0.0, -0.0, 1.5, float("nan"), 1e20)),
                       RANDOM.choice((0.0, -0.0, -2.0, 3.25, float("inf"))))
    if k == 6:
        return bytes(RANDOM.getrandbits(8) for _ in range(RANDOM.choice((0, 1, 7, 20, 200))))
    if k == 7:
        return decimal.Decimal(RANDOM.randrange(-10 ** RANDOM.randrange(1, 120),
                                                10 ** RANDOM.randrange(1, 120))).scaleb(
                                                    RANDOM.randrange(-60, 60))
    if k == 8:
        return RANDOM.choice((
            datetime.datetime(2026, RANDOM.randrange(1, 13), 3, RANDOM.randrange(24), 4,
                              RANDOM.choice((0, 5)), RANDOM.choice((0, 123456))),
            datetime.date(RANDOM.randrange(1, 9999), 2, 28),
            datetime.timedelta(RANDOM.randrange(-5, 5), RANDOM.choice((0, 77)), RANDOM.choice((0, 9))),
            datetime.time(1, 2, RANDOM.choice((0, 3)), RANDOM.choice((0, 999999)))))
    return text()


def key():
    return RANDOM.choice((text, lambda: RANDOM.randrange(-9, 99), lambda: RANDOM.random(),
                          lambda: None, lambda: (RANDOM.randrange(5), text()),
                          lambda: frozenset((1, RANDOM.randrange(9)))))()


def value(depth=0):
    k = RANDOM.randrange(14) if depth < 4 else 0
    n = RANDOM.choice((0, 1, 2, 3, 5, 9, 40))
    if depth > 1:
        n = min(n, 3)
    if k in (0, 1, 2, 3, 4):
        return scalar()
    if k == 5:
        return [value(depth + 1) for _ in range(n)]
    if k == 6:
        return tuple(value(depth + 1) for _ in range(n))
    if k in (7, 8):
        d = {key(): value(depth + 1) for _ in range(n)}
        for o in list(d)[::3]:
            del d[o]
        d["added"] = 1
        return d
    if k == 9:
        return {key() for _ in range(n)}
    if k == 10:
        return Plain(**{"f%d" % i: value(depth + 1) for i in range(n)})
    if k == 11:
        return Sub([value(depth + 1)], scalar())
    if k == 12:
        return SlotsSub(value(depth + 1), scalar())
    return Point(value(depth + 1), scalar())


def every_kind():
    yield from (0, 1, -1, 2 ** 30, -2 ** 60, 2 ** 63 - 1, 2 ** 63, -2 ** 63, 10 ** 300, True, None)
    yield from ("", "a", "it's", '"', "'\"", "ä", "漢", "😀", "\ud800x", MyStr("mine"), "a" * 5000)
    yield from (b"", b"it's\x00\xff\n", bytearray(b"abc'"), bytearray(), b"'\"")
    yield from (range(5), range(1, 9, 2), range(0), slice(1, None, 2), ..., NotImplemented)
    yield from ([], (), {}, set(), frozenset(), (1,), [[]], frozenset({3}), {0}, {""}, MyList([1]))
    yield from (MyDict(a=1), MySet({1}), MyInt(7), MyFloat(2.5), MyInt(10 ** 30))
    yield from (collections.deque(), collections.deque([1, "x"], maxlen=3),
                collections.deque(range(200)), MyDeque([4]))
    d = collections.deque(range(70))
    d.rotate(40)
    d.popleft()
    yield d
    yield collections.OrderedDict([("b", 1), ("a", 2)])
    yield collections.Counter("abca")
    yield collections.defaultdict(list, x=[1])
    zones = (datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=-3)),
             datetime.timezone(datetime.timedelta(minutes=90), "X"))
    yield from zones
    for z in zones:
        yield datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=z)
        yield datetime.time(1, 2, tzinfo=z)
    yield datetime.datetime(2026, 1, 2, 3, 4, fold=1)
    yield from (datetime.timedelta(), datetime.timedelta(-1, 5, 7), MyDate(2026, 1, 2))
    if sys.version_info >= (3, 9):
        import zoneinfo
        try:
            zone = zoneinfo.ZoneInfo("Europe/Berlin")
            yield zone
            yield datetime.datetime(2026, 7, 2, tzinfo=zone)
        except zoneinfo.ZoneInfoNotFoundError:
            pass
    yield from (decimal.Decimal(t) for t in (
        "0", "-0", "1.5", "1E+5", "1E-10", "0.000001", "0.0000001", "Infinity", "-Infinity", "NaN",
        "sNaN", "NaN123", "123456789012345678901234567890.5", "1" * 200, "0E+3", "1.0E+20", "100"))
    yield MyDecimal("2.5")
    yield from (uuid.UUID(int=0), uuid.UUID(int=2 ** 128 - 1), uuid.UUID("12345678123456781234567812345678"))
    yield from (Color.RED, Color.GREEN, Number.ONE, Number.BIG, Perm.R, Text.A, [Color.RED])
    if sys.version_info >= (3, 11):
        yield Perm.R | Perm.W
    for p in ("a", "a/b", "/", "/etc/x", "//net/x", "a/./b", "", "..", "/a/../b", "it's"):
        fresh, shown = pathlib.PurePosixPath(p), pathlib.PosixPath(p)
        str(shown)
        yield from (fresh, shown)
    yield pathlib.PurePosixPath("a", "/b", "c//d/")
    shown = pathlib.PureWindowsPath("c:\\a", "b")
    str(shown)
    yield shown
    yield from (ValueError("x"), ValueError(), KeyError("k", 2), MyError([1]), CodeError(5, "y"),
                FileNotFoundError(2, "No such file"), StopIteration(1), ZeroDivisionError("z"))
    yield from (generator, every_kind, Sub.method, Sub([1], 2).method, len, [].append, math.sqrt,
                "x".join, sys.stdout.write, functools.wraps)
    yield from (int, Plain, Color, collections.OrderedDict, Sub, WithMeta, Meta, ValueError,
                type(None), decimal.Decimal, datetime.date, type)
    yield from (sys, os, math, collections, types)
    started, done, fresh = generator(1), generator(2), generator(3)
    next(started)
    list(done)
    yield from (started, done, fresh)
    waiting, idle = coroutine(), coroutine()
    waiting.send(None)
    yield from (waiting, idle, agen())
    yield from (Empty(), Plain(a=1, b="x"), Sub([1, 2], 3), Slots(1, "b"), SlotsSub(None, 2),
                SlotsDict("a", 1), Point(1, 2.5), Pair(1, "r"), PairSub([1], None), WithMeta())
    yield from (types.SimpleNamespace(a=1, b="c"), fractions.Fraction(3, 7))
    if sys.version_info >= (3, 10):
        yield SlotPoint(5, "a")
    # attributes set in another order than by other instances, removed, or very many
    for names in (("a", "b", "c"), ("c", "a"), ("b",), ("a", "b", "c", "d")):
        o = Many()
        for i, n in enumerate(names):
            setattr(o, n, i)
        yield o
    o = Many()
    o.a, o.b, o.c = 1, 2, 3
    del o.b
    yield o
    o = Many()
    o.a, o.b, o.c = 1, 2, 3
    del o.a
    o.a = 4
    yield o
    many = Many()
    for i in range(100):
        setattr(many, "n%d" % i, i)
    yield many
    seen = Sub([], 1)
    yield seen.__dict__
    yield seen
    assigned = Cart([1], 2)
    assigned.__dict__ = {"other": 1}
    yield assigned
    loop = [1]
    loop.append(loop)
    yield loop
    loop = {}
    loop["self"] = [loop]
    yield loop
    node = Plain(n=1)
    node.me = node
    yield node


def limits():
    # two levels, five items, 64 bytes
    yield "a" * 64, repr("a" * 64)
    yield "a" * 65, repr("a" * 64) + "..."
    yield "ä" * 70, repr("ä" * 64) + "..."
    yield "漢" * 40, repr("漢" * 32) + "..."
    yield b"x" * 70, repr(b"x" * 64) + "..."
    yield bytearray(b"x" * 70), "bytearray(" + repr(b"x" * 64) + "...)"
    yield list(range(5)), "[0, 1, 2, 3, 4]"
    yield list(range(6)), "[0, 1, 2, 3, 4, ...]"
    yield tuple(range(600)), "(0, 1, 2, 3, 4, ...)"
    yield {i: i for i in range(6)}, "{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, ...}"
    big = {i: i for i in range(2000)}
    for i in range(1000):
        del big[i]
    yield big, "{1000: 1000, 1001: 1001, 1002: 1002, 1003: 1003, 1004: 1004, ...}"
    yield set(range(1000)), "{0, 1, 2, 3, 4, ...}"
    yield collections.deque(range(100)), "deque([0, 1, 2, 3, 4, ...])"
    yield [[1, [2]]], "[[1, ...]]"
    yield {"a": {"b": {"c": 1}}}, "{'a': {'b': ...}}"
    yield Plain(a=Plain(b=Plain(c=1))), "Plain(a=Plain(b=...))"
    yield [ValueError("x", [[1]])], "[ValueError('x', ...)]"
    yield Pair(Pair(1, Pair(2, 3)), 4), "Pair(left=Pair(left=1, right=...), right=4)"
    yield {"Pass_Word": "hidden1", "user": "u", "api-key": ["hidden2"]}, \
        "{'Pass_Word': <redacted>, 'user': 'u', 'api-key': <redacted>}"
    yield Plain(password="hidden3", n=1), "Plain(password=<redacted>, n=1)"
    yield Plain(pass_wort="hidden4"), "Plain(pass_wort=<redacted>)"
    yield Keyed("hidden6"), "Keyed(open=1, token=<redacted>)"
    yield {"größe": "hidden7"}, "{'größe': <redacted>}"
    yield {MyStr("TOKEN"): "hidden8", 1: 2}, "{'TOKEN': <redacted>, 1: 2}"
    yield collections.OrderedDict(pass__word="hidden9"), "OrderedDict({'pass__word': <redacted>})"
    yield Slotted("hidden0"), "Slotted(cookie=1, password=<redacted>)"
    yield Login("n", "hiddenA", 1), "Login(name='n', password=<redacted>, _2=1)"
    yield SubLogin(["n"], "hiddenB", 2), "SubLogin(name=['n'], password=<redacted>, _2=2)"
    yield Typed(["hiddenC"], 3), "Typed(api_key=<redacted>, n=3)"
    yield [Typed("hiddenD", 4)], "[Typed(api_key=<redacted>, n=4)]"
    yield Wide(*(["hiddenE"] + list(range(70)))), "Wide(token=<redacted>, f0=0, f1=1, f2=2, f3=3, ...)"
    yield [[1, [2], Color.RED, Number.ONE, Text.A]], "[[1, ..., <Color.RED: 1>, <Number.ONE: 1>, <Text.A: 'alpha'>]]"
    yield [(uuid.UUID(int=5), pathlib.PurePosixPath("/srv", "a/b.py"), pathlib.PurePosixPath("x"), pathlib.PurePosixPath("."))], \
        "[(UUID('00000000-0000-0000-0000-000000000005'), PurePosixPath('/srv/a/b.py'), PurePosixPath('x'), PurePosixPath('.'))]"
    yield Plain(a=Plain(b=Deep.PAIR, c=datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc), d=decimal.Decimal("1.50"))), \
        "Plain(a=Plain(b=<Deep.PAIR: ...>, c=datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc), d=Decimal('1.50')))"
    yield {"a": {"b": pathlib.PosixPath("/etc"), "c": Plain(x=1)}}, "{'a': {'b': PosixPath('/etc'), 'c': ...}}"


def slices():
    """In section "slice" the text is what items 3 to 8 of a sequence look like, or all there are."""
    for o in (list(range(20)), tuple(range(20)), list(range(5)), "abcdefghijkl", "ä漢abcdefghij",
              "x😀abcdefghij", b"abcdefghijkl", [], "", MyStr("abcdefghij"), MyList(range(9))):
        yield o, repr(o[3:8])
    yield bytearray(b"abcdefghijkl"), "bytearray(b'defgh')"


def common():
    """In section "reads" the text is in how many reads of memory an object is to be had."""
    yield from ((12345, 1), (2 ** 100, 1), (1.5, 1), ("short", 1), (b"bytes", 1), (None, 0), (True, 0),
                ("x" * 100, 2), ("ä" * 30, 2), ([], 1), ((1001,), 3), ([1001, 1002], 4),
                ({"key": 1003}, 6), (2 ** 1000, 2))


class Slotted:
    __slots__ = ("cookie", "password", "__dict__")

    def __init__(self, token):
        self.password = token
        self.cookie = 1


class Keyed:
    __slots__ = ("token", "open")

    def __init__(self, token):
        self.token = token
        self.open = 1


def churn():
    """Changes what section "moving" has told, for good."""
    d, l, o, s = {}, [], Many(), set()
    q = collections.deque()
    for x in (d, l, o, s, q, o.__dict__, [d, o, l]):
        out("moving", x, "")
    print("end", flush=True)
    while True:
        for i in range(3000):
            d[i] = [i]
            l.append({i: str(i)})
            s.add((i,))
            q.append((i,))
            setattr(o, "a%d" % (i % 50), [d])
        d.clear()
        del l[:]
        s.clear()
        q.clear()
        o.__dict__.clear()
        d.update(dict.fromkeys(map(str, range(50)), l))


def main():
    for o in every_kind():
        out("all", o, show(o))
    for _ in range(int(os.environ.get("LOGPOINT_OBJECTS", "1000"))):
        o = value()
        out("all", o, show(o))
    for o, wanted in limits():
        out("limits", o, wanted)
    for o, wanted in slices():
        out("slice", o, wanted)
    for o, wanted in common():
        out("reads", o, str(wanted))
    print("end", flush=True)
    for line in sys.stdin:
        if line.strip() == "churn":
            churn()


main()
