# SPDX-License-Identifier: GPL-2.0-only
"""Imports a module after the start, loads it anew several times, and makes code from text."""

import importlib
import os
import sys
import tempfile
import time

from target import say, start

folder = tempfile.mkdtemp()
sys.path.insert(0, folder)
sys.dont_write_bytecode = True
path = os.path.join(folder, "fresh_module.py")
with open(path, "w") as file:
    file.write("def greet(name, times):\n    text = name * times\n    return text\n")

start()
import fresh_module  # noqa: E402

say("imported", path=path)
sys.stdin.readline()  # until the logpoint is armed
for number in range(10):
    fresh_module.greet("a", number)
    say("greet", number=number)
importlib.reload(fresh_module)
say("reloaded")
sys.stdin.readline()
for number in range(10, 20):
    fresh_module.greet("b", number)
    say("greet", number=number)

# the memory of code objects is used again by others; none of them is the module's
for number in range(2000):
    scope = {}
    exec(compile("def other(a, b):\n    c = a\n    return c\n", "other_%d.py" % number, "exec"), scope)
    scope["other"](number, 0)
time.sleep(0.01)
say("end")
