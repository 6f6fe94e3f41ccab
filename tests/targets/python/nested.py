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


def make(is_own):
    """With everything of its own, where that is possible; threads are allowed."""
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated" if is_own else "legacy")
    if sys.version_info >= (3, 9):
        return interpreters.create(isolated=is_own and sys.version_info >= (3, 12))
    return interpreters.create()


def run(interpreter, script):
    failed = interpreters.run_string(interpreter, script)
    if failed:
        raise RuntimeError(str(failed))


def work(name, first, is_own):
    """Back and forth between the two interpreters of this thread."""
    own = make(is_own)
    run(own, PREPARE)
    prepared.wait()
    armed.wait()
    for n in range(first, first + times):
        run(own, f"nested_module.step('{name}', {n})")
        nested_module.step("main", n)
    interpreters.destroy(own)


early = make(True)
run(early, PREPARE)
prepared, armed = threading.Barrier(3), threading.Event()
start()
for n in range(times):
    run(early, f"nested_module.step('early', {n})")
run(early, f"nested_module.in_thread('thread', {times})")
threads = [threading.Thread(target=work, args=("first", 0, True)), threading.Thread(target=work, args=("second", times, False))]
for thread in threads:
    thread.start()
prepared.wait()
say("prepared")
sys.stdin.readline()
armed.set()
for thread in threads:
    thread.join()
interpreters.destroy(early)
say("end")
