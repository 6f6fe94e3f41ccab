# SPDX-License-Identifier: GPL-2.0-only
"""Objects of classes that live for one call, in memory that other threads turn over: changing.py COUNT."""

import dataclasses
import gc
import sys
import threading
import time

from target import say, start

shared = {}
ended = threading.Event()


def resize():
    """A dict that grows and shrinks."""
    while not ended.is_set():
        for number in range(300):
            shared[number] = [number]
        time.sleep(0.001)
        shared.clear()


def define():
    """Code and classes that come and go."""
    while not ended.is_set():
        scope = {}
        exec("def f(x):\n    return x\nclass C:\n    def g(self): return f(self)\n", scope)
        scope["C"]().g()
        time.sleep(0.001)


def visit(thing):
    del thing  # @changing


def plain(number):
    thing = type(f"Kind{number}", (), {})()
    thing.number = number
    return thing, f"Kind{number}(number={number})"


def slotted(number):
    name = "right" if number % 2 else "other"
    thing = type("Slotted", (), {"__slots__": ("left", name)})()
    thing.left = number
    setattr(thing, name, "r")
    return thing, f"Slotted(left={number}, {name}='r')"


def data(number):
    kind = dataclasses.make_dataclass(f"Data{number}", ["b", "a"] if number % 2 else ["a", "b"])
    thing = kind(number, [number])
    return thing, repr(thing)


start()
threads = [threading.Thread(target=work, daemon=True) for work in (resize, resize, define)]
for thread in threads:
    thread.start()
for number in range(int(sys.argv[1])):
    thing, text = (plain, slotted, data)[number % 3](number)
    visit(thing)
    say("changing", text=text)
    del thing
    gc.collect()  # the next class comes to lie where this one was
ended.set()
for thread in threads:
    thread.join()
