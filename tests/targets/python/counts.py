# SPDX-License-Identifier: GPL-2.0-only
"""Executes one line an exact number of times: counts.py HITS THREADS [settrace|monitoring|gc|profile]."""

import gc
import sys
import threading

from target import say, start

hits, threads = int(sys.argv[1]), int(sys.argv[2])
mode = sys.argv[3] if len(sys.argv) > 3 else ""
seen = []  # append() is one step for all threads


class Node:
    def __init__(self):
        self.me = self


def step(number, table):
    if mode == "gc":
        Node()
    value = table.get(number, number)
    total = value + number  # @step
    return total


LINE = next(n for n, text in enumerate(open(__file__), 1) if text.rstrip().endswith("@step"))


def work(share):
    table = {7: 7}
    for number in range(share):
        step(number, table)


def trace(frame, event, arg):
    if event == "line" and frame.f_lineno == LINE and frame.f_code is step.__code__:
        seen.append(LINE)
    return trace


def count_lines(code, line):
    if line == LINE and code is step.__code__:
        seen.append(LINE)


start()
if mode == "gc":
    gc.set_threshold(1)
elif mode == "settrace":
    threading.settrace(trace)
    sys.settrace(trace)
elif mode == "profile":
    sys.setprofile(lambda frame, event, arg: None)
elif mode == "monitoring":
    sys.monitoring.use_tool_id(0, "counts")
    sys.monitoring.register_callback(0, sys.monitoring.events.LINE, count_lines)
    sys.monitoring.set_events(0, sys.monitoring.events.LINE)
if threads == 1:
    work(hits)
else:
    workers = [threading.Thread(target=work, args=(hits // threads,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
sys.settrace(None)
say("end", seen=len(seen))
