# SPDX-License-Identifier: GPL-2.0-only
"""Threads with names, some there before the start, some made later; a hit each with its thread's name."""

import threading

from target import say, start

HITS = 200
gate = threading.Event()
lock = threading.Lock()


def step(worker, number):
    square = number * number
    return square  # @step


def work(worker):
    gate.wait()
    for number in range(HITS):
        step(worker, number)
    with lock:
        say("worker", worker=worker, thread=threading.current_thread().name, tid=threading.get_native_id())


def make(first, last):
    threads = [threading.Thread(target=work, args=(n,), name="worker-%d" % n) for n in range(first, last)]
    for thread in threads:
        thread.start()
    return threads


early = make(0, 3)
start()
late = make(3, 6)
gate.set()
for thread in early + late:
    thread.join()
for number in range(HITS):
    step(-1, number)
say("worker", worker=-1, thread=threading.current_thread().name, tid=threading.get_native_id())
