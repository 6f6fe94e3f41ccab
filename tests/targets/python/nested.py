# SPDX-License-Identifier: GPL-2.0-only
"""One function in several interpreters of one process: nested.py TIMES. Each has it from a file of its own import."""

import sys
import threading

from target import say, start

try:
    import _interpreters as interpreters  # from 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters

import nested_module

times = int(sys.argv[1])
PREPARE = f"""
import sys
sys.dont_write_bytecode = True
sys.path[:0] = {sys.path[:1]!r}
import nested_module
"""


def run(interpreter, script):
    failed = interpreters.run_string(interpreter, script)
    if failed:
        raise RuntimeError(str(failed))


def work(name, first):
    """Back and forth between the two interpreters of this thread."""
    own = interpreters.create()
    run(own, PREPARE)
    for n in range(first, first + times):
        run(own, f"nested_module.step('{name}', {n})")
        nested_module.step("main", n)
    interpreters.destroy(own)


early = interpreters.create()
run(early, PREPARE)
start()
for n in range(times):
    run(early, f"nested_module.step('early', {n})")
run(early, f"nested_module.in_thread('thread', {times})")
thread = threading.Thread(target=work, args=("second", times), name="second")
thread.start()
work("first", 0)
thread.join()
interpreters.destroy(early)
say("end")
