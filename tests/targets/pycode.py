# SPDX-License-Identifier: GPL-2.0-only
"""Says what its code objects are, then waits: for test_python_code.c.

    code ADDRESS FIRSTLINE QUALNAME
    lines ADDRESS LINE...
    names ADDRESS NAME=INDEX... (of the frame's localsplus; cells with "*")
    hidden ADDRESS NAME=INDEX... (the same, bound only while a comprehension runs)
    private ADDRESS NAME=INDEX... (the same, as written in a class)
    ready
"""
import dis
import importlib.util
import os
import sys
import tempfile
import types

TEXT = '''import functools
LIMIT = 7

def deco(f):
    @functools.wraps(f)
    def wrapper(*args, **kw):
        return f(*args, **kw)
    return wrapper

class Cart:
    size = 3
    def __init__(self, items):
        self.items = items
    @deco
    def total(self, rate=2, *more, flag=False, **rest):
        n = 0
        for item in self.items:
            n += item * rate
        return n
    @property
    def empty(self):
        return not self.items
    @staticmethod
    def make(n):
        return Cart([k for k in range(n)])
    class Inner:
        def deep(self): return (lambda q: q + 1)(2)

def outer(a, b):
    c = a + b
    def inner(d):
        nonlocal c
        c += d
        def never(e):
            return a + c + e
        return lambda: never
    class Local:
        def method(self):
            return b
    return inner, Local

def numbers(n):
    while n > 0:
        n -= 1
        yield n

async def later(x):
    return x

def constant(): return None

def f(x):
    return x

def decorate(g):
    def limited(x):
        return g(x)
    return limited

def make():
    def total(): return 0
    def f(): return 1
    def mkdtemp(): return 2
    class Box:
        def lid(self): return 3
    return total, f, mkdtemp, Box

def spin():
    while True:
        f(1)

def steps(n):
    n += 1
    yield n

class _Safe:
    def open(self, __key):
        def turn(a): return __key + a
        return turn

kept = {"one": deco(lambda z: z), "two": outer(1, 2)[0]}
'''
NAMES = {}


def walk(code, name, found):
    found[code] = getattr(code, "co_qualname", name)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            inner = "<locals>." if code.co_flags & 1 else ""
            walk(const, (name + "." if name else "") + (inner if name else "") + const.co_name, found)


def functions(value, seen, found):
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, types.FunctionType):
        # functools.wraps() gives a function another's name
        if value.__qualname__.split(".")[-1] == value.__code__.co_name:
            walk(value.__code__, value.__qualname__, found)
        for cell in value.__closure__ or ():
            functions(cell.cell_contents, seen, found)
        functions(getattr(value, "__wrapped__", None), seen, found)
    elif isinstance(value, (staticmethod, classmethod)):
        functions(value.__func__, seen, found)
    elif isinstance(value, property):
        functions(value.fget, seen, found)
    elif isinstance(value, type) and value.__module__ == "shop.cart":
        for item in list(vars(value).values()):
            functions(item, seen, found)
    elif isinstance(value, dict):
        for item in list(value.values()):
            functions(item, seen, found)


def places(code):
    """Index of each name in a frame's localsplus."""
    names = {}
    for i, name in enumerate(code.co_varnames):
        names[name] = str(i)
    if sys.version_info < (3, 11):
        for i, name in enumerate(code.co_cellvars + code.co_freevars):
            names[name] = "%d*" % (len(code.co_varnames) + i)
    else:
        extra = [name for name in code.co_cellvars if name not in code.co_varnames]
        for name in code.co_cellvars:
            if name in names:
                names[name] += "*"
        for i, name in enumerate(extra + list(code.co_freevars)):
            names[name] = "%d*" % (len(code.co_varnames) + i)
    return names


def main():
    folder = tempfile.mkdtemp()
    os.mkdir(os.path.join(folder, "shop"))
    path = os.path.join(folder, "shop", "cart.py")
    with open(path, "w") as f:
        f.write(TEXT)
    spec = importlib.util.spec_from_file_location("shop.cart", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["shop.cart"] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    found = {}
    for value in list(vars(module).values()):
        functions(value, set(), found)
    for code, name in found.items():
        if code.co_filename != path:
            continue
        print("code", id(code), code.co_firstlineno, name)
        print("lines", id(code), *sorted({line for _, line in dis.findlinestarts(code) if line}))
        print("names", id(code), *("%s=%s" % item for item in places(code).items() if item[0][0] != "."))
        private = [item for item in places(code).items() if item[0].startswith("_Safe__")]
        if private:
            print("private", id(code), *("%s=%s" % (name[5:], index) for name, index in private))
    held = compile("kept = [(k, len) for k in ()]\nlast = [lambda: q for q in ()]\nLIMIT = 7\n", "<held>", "exec")
    if sys.version_info >= (3, 12):
        print("hidden", id(held), *("%s=%s" % item for item in places(held).items()))
    print("ready", flush=True)
    os.unlink(path)
    os.rmdir(os.path.dirname(path))
    os.rmdir(folder)
    input()


main()
