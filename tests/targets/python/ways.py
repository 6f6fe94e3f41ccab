# SPDX-License-Identifier: GPL-2.0-only
"""Calls one function in ways that the interpreter executes each by other code: ways.py CALLS [settrace]."""

import sys

from target import say, start

calls = int(sys.argv[1])
seen = []


def step(number):
    return number + 1


class Thing:
    way = staticmethod(step)


def trace(frame, event, arg):
    if event == "call" and frame.f_code is step.__code__:
        seen.append(frame.f_lineno)
    return None


def main():
    thing, stars, words = Thing(), [0], {"number": 0}
    for number in range(calls // 6):
        step(number)
        step(number=number)
        step(*stars)
        step(**words)
        thing.way(number)
        list(map(step, stars))


start()
if "settrace" in sys.argv:
    sys.settrace(trace)
main()
sys.settrace(None)
main()
say("end", seen=len(seen))
