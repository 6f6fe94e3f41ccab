# SPDX-License-Identifier: GPL-2.0-only
"""A child has code of its own, and goes on when the process that has forked it is gone: orphans.py TIMES"""

import os
import sys
import time

from target import say, start

times = int(sys.argv[1])


def step(number):
    total = number + 1  # @step
    return total


def fail(number):
    try:
        raise KeyError(number)
    except KeyError:
        pass


def work(first):
    for number in range(first, first + times):
        step(number)
        fail(number)


start()
work(0)
if os.fork():
    sys.stdin.readline()
    os._exit(0)
parent = os.getppid()
exec(compile("own = 1", "own.py", "exec"))
work(times)
say("forked")
while os.getppid() == parent:
    time.sleep(0.001)
sys.stdin.readline()
work(2 * times)
say("end")
