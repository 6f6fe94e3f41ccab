# SPDX-License-Identifier: GPL-2.0-only
"""bench_stack.py FOLDER [PAUSE] - calls a C function below 20 frames of its own, of Python and C in turns; extension.so lies in FOLDER.

Prints for each batch "call" and ns each takes of its thread's CPU, and rests PAUSE seconds behind it.
"""

import sys
import time

sys.path.insert(0, sys.argv[1])
import extension  # noqa: E402

CALLS = 100
LEVELS = 4


def down(level):
    name = "level-%d" % level
    if level:
        return extension.apply(down, level - 1)
    return extension.scale(len(name), name)


def handle(number):
    order = {"number": number, "items": ["tea", "milk"]}
    return down(LEVELS) + len(order)


def request(number):
    path = "/order/7"
    return handle(number) + len(path)


def batch():
    start = time.thread_time_ns()
    for number in range(CALLS):
        request(number)
    return (time.thread_time_ns() - start) / CALLS


def main():
    pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    print("ready", flush=True)
    while True:
        print("call", batch(), flush=True)
        time.sleep(pause)


main()
