# SPDX-License-Identifier: GPL-2.0-only
"""Is busy with one kind of instruction, then executes a line that has it and another: rarely.py HITS locals|negatives."""

import sys
import threading

from target import say

hits, busy_with = int(sys.argv[1]), sys.argv[2]
told = threading.Event()
is_told = told.is_set


def step(value):
    result = -value  # @step
    return result


def locals_only(rounds):
    one, other = 1, 2
    for one in rounds:
        other = one  # @busy
        one = other


# names of a module are no locals
NEGATIVES = compile("""
for _ in rounds:
    number = -number; number = -number; number = -number; number = -number
""", "negatives", "exec")


def be_busy():
    if busy_with == "locals":
        locals_only(range(1000))
    else:
        exec(NEGATIVES, {"rounds": range(1000), "number": 1})


def wait():
    sys.stdin.readline()
    told.set()


be_busy()
threading.Thread(target=wait).start()
print("ready", flush=True)
while not is_told():
    be_busy()
for number in range(hits):
    step(number)
say("end")
