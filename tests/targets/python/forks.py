# SPDX-License-Identifier: GPL-2.0-only
"""A process, its children and their threads execute one line: forks.py TIMES"""

import os
import sys
import threading

from target import say, start

times = int(sys.argv[1])


def step(number, who):
    total = number + 1  # @step
    return total


def work(who):
    for number in range(times):
        step(number, who)


start()
work("parent")
for name in ("first", "second"):
    pid = os.fork()
    if pid == 0:
        work(name)
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
        os._exit(0)
    os.waitpid(pid, 0)
work("parent")
say("end")
