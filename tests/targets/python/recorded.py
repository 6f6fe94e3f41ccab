# SPDX-License-Identifier: GPL-2.0-only
"""Does what its standard input says, a line each, and says "done" after it: `step N` is so many calls, `fail`
one that goes wrong, `gone N` so many of functions of their own with objects of classes of their own, in
threads of their own, of which nothing is left afterwards.
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
    return item.value  # line {line}
"""


def step(i):
    return i  # @step


def fail(i):
    return -i  # @fail


def make(n):
    scope = {}
    text = "\n" * (n % 10 * 10) + MADE
    exec(compile(text.format(n=n, line=n % 10 * 10 + 7), "recorded_made.py", "exec"), scope)
    call = lambda: scope["made"](scope[f"Kind{n}"](n))
    thread = threading.Thread(target=call, name=f"maker-{n}")
    thread.start()
    thread.join()


print("ready", flush=True)
for line in sys.stdin:
    what, *count = line.split() or [""]
    for _ in range(int((count or [what == "fail"])[0])):
        {"step": step, "fail": fail, "gone": make}[what](number)
        number += what != "fail"
    gc.collect()
    print("done", flush=True)
