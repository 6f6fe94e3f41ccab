# SPDX-License-Identifier: GPL-2.0-only
"""A service under load that checks itself: ends when its input does, and says what it did."""

import sys
import threading

from target import say


class Counter:
    def __init__(self):
        self.done = 0
        self.sum = 0


def serve(counter, number):
    counter.done += 1
    counter.sum += number  # @serve
    return counter.sum


def work(counter):
    number = 0
    while not stop.is_set():
        number += 1
        before = counter.sum
        if serve(counter, number) != before + number:
            wrong.append(number)


stop, wrong = threading.Event(), []
counters = [Counter() for _ in range(3)]
workers = [threading.Thread(target=work, args=(counter,)) for counter in counters]
for worker in workers:
    worker.start()
print("ready", flush=True)
sys.stdin.read()
stop.set()
for worker in workers:
    worker.join()
say("end", wrong=len(wrong), right=all(c.sum == c.done * (c.done + 1) // 2 for c in counters),
    done=[c.done for c in counters])
