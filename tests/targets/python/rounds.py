# SPDX-License-Identifier: GPL-2.0-only
"""Functions that begin with a loop: rounds.py CALLS THREADS [settrace|profile|busy]."""

import sys
import threading

from target import say, start

calls, threads = int(sys.argv[1]), int(sys.argv[2])
mode = sys.argv[3] if len(sys.argv) > 3 else ""
seen = []


def spin(n, rounds):
    while rounds:
        rounds -= 1
        if rounds % 2:
            continue
        rounds -= rounds > 3
    return n


def dive(n, rounds):
    while True:
        if rounds > 3:
            rounds -= 1
            continue
        if rounds == 0:
            return n
        rounds -= 1
        if rounds == 2:
            dive(-1, 1)


def fail(n, rounds):
    while True:
        rounds -= 1
        try:
            [][rounds]
        except IndexError:
            if rounds < 0:
                raise


def flow(n, rounds):
    while True:
        if rounds < 0:
            return n
        rounds -= 1
        yield n


async def wait(n, rounds):
    while True:
        if rounds < 0:
            return n
        rounds -= 1


def enough(n):
    while True:
        if n < 0:
            continue
        enough(n + 1)


def work(first, last):
    for n in range(first, last):
        spin(n, n % 7)
        dive(n, 4)
        try:
            fail(n, n % 3)
        except IndexError:
            pass
        for _ in flow(n, n % 4):
            pass
        flow(n, 1)  # never begins
        try:
            flow(n, 1).throw(KeyError())  # ends where it begins
        except KeyError:
            pass
        try:
            wait(n, n % 2).send(None)
        except StopIteration:
            pass


def trace(frame, event, arg):
    if event == "call" and frame.f_code is spin.__code__:
        seen.append(frame)
    return trace


start()
if mode == "settrace":
    threading.settrace(trace)
    sys.settrace(trace)
elif mode == "profile":
    sys.setprofile(lambda frame, event, arg: None)
if mode == "deep":
    try:
        enough(0)
    except RecursionError as error:
        depth = 0
        frame = error.__traceback__
        while frame.tb_next:
            frame = frame.tb_next
            depth += frame.tb_frame.f_code is enough.__code__
        say("deep", depth=depth)
share = calls // threads
workers = [threading.Thread(target=work, args=(i * share, (i + 1) * share)) for i in range(1, threads)]
for worker in workers:
    worker.start()
work(0, share)
for worker in workers:
    worker.join()
sys.settrace(None)
say("end", seen=len(seen))
