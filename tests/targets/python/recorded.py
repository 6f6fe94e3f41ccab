# SPDX-License-Identifier: GPL-2.0-only
"""Does what its standard input says, a line each, and says "done" after it: `step N` is so many calls, `fail`
one that goes wrong; `gone` calls functions of their own with objects of classes of their own, in threads of
their own, of which nothing is left afterwards.
"""

import gc
import sys
import threading

number = 100000
MADE = """
class Kind{n}:
    def __init__(self, value):
        self.value = value

def made(item):
    return item.value
"""


def make(n):
    scope = {}
    exec(compile("\n" * n * 10 + MADE.format(n=n), "recorded_made.py", "exec"), scope)
    return scope


kept = [make(n) for n in range(3)]


def step(i):
    return i  # @step


def fail(i):
    return -i  # @fail


def gone():
    for n, scope in enumerate(kept):
        thread = threading.Thread(target=lambda: scope["made"](scope[f"Kind{n}"](n)), name=f"maker-{n}")
        thread.start()
        thread.join()
        scope.clear()
    kept.clear()
    gc.collect()


print("ready", flush=True)
sys.stdin.readline()
for line in sys.stdin:
    what, *count = line.split()
    if what == "gone":
        gone()
    if what == "fail":
        fail(number)
    for _ in range(int((count or [0])[0])):
        step(number)
        number += 1
    print("done", flush=True)
