# SPDX-License-Identifier: GPL-2.0-only
"""bench_raise.py [WORK] - raises and catches an exception after each piece of work, 100,000 a second where nothing watches.

Prints how much work that is, then for each batch "raise" and ns each takes of its thread's CPU. Once in a while, between
batches, it raises one that is rare.
"""

import sys
import time

CALLS = 500
RATE = 100_000  # a second
RARELY = 50  # batches


class Rare(Exception):
    pass


class Missing(LookupError):
    pass


def lookup(number, work):
    for _ in range(work):
        number += 1
    raise Missing(number)


def caught(number, work):
    try:
        return lookup(number, work)
    except Missing as missing:
        return missing.args[0]


def rarely():
    try:
        raise Rare("at last")
    except Rare:
        pass


def batch(work):
    start = time.thread_time_ns()
    for number in range(CALLS):
        caught(number, work)
    return (time.thread_time_ns() - start) / CALLS


def work_for(rate):
    """So much that each takes its share of a second."""
    few = min(batch(0) for _ in range(20))
    many = min(batch(1000) for _ in range(20))
    return max(0, round((1e9 / rate - few) / ((many - few) / 1000)))


def main():
    work = int(sys.argv[1]) if len(sys.argv) > 1 else work_for(RATE)
    print("ready", work, flush=True)
    done = 0
    while True:
        print("raise", batch(work), flush=True)
        done += 1
        if done % RARELY == 0:
            rarely()


main()
