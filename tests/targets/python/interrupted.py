# SPDX-License-Identifier: GPL-2.0-only
"""A loop into which signals and another thread break all the time: interrupted.py ITERATIONS"""

import signal
import sys
import threading

from target import say, start

iterations = int(sys.argv[1])
seen = []
over = False


def spin(n):
    while n > 0:  # @condition
        n -= 1  # @body


def other():
    while not over:
        pass


start()
sys.setswitchinterval(1e-4)
signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
thread = threading.Thread(target=other)
thread.start()
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
for _ in range(iterations // 100):
    spin(100)
signal.setitimer(signal.ITIMER_REAL, 0)
over = True
thread.join()
say("end", seen=len(seen))
