# SPDX-License-Identifier: GPL-2.0-only
"""Measures itself: what a call of a function with a logpoint in it costs, and of one without.

Prints, for each batch, the time, whether it was the "hit" or the "other" function, and ns a call. With
a number as argument it holds that many MiB of live objects.
"""

import sys
import time


class User:
    def __init__(self, number):
        self.id = number
        self.name = "user-%d" % number


class Request:
    def __init__(self, number):
        self.user = User(number)
        self.path = "/api/items/%d" % number


class Service:
    def __init__(self):
        self.handled = 0

    def step(self, request, number):
        count = self.handled + 1
        self.handled = count  # @hit
        return number

    def other(self, request, number):
        count = self.handled + 1
        self.handled = count
        return number


CALLS = 2000


def hit(service, request):
    for number in range(CALLS):
        service.step(request, number)


def other(service, request):
    for number in range(CALLS):
        service.other(request, number)


def heap(mib):
    """Objects as services have them: about 1 KiB each group of these."""
    return [{"user": User(n), "tags": [n, str(n), (n, n + 1)], "text": "x" * 200, "more": {"a": n, "b": [n] * 10}}
            for n in range(mib * 1024)]


def main():
    ballast = heap(int(sys.argv[1])) if len(sys.argv) > 1 else []
    service, request = Service(), Request(len(ballast))
    print("ready", flush=True)
    while True:
        for function in (hit, other):
            start = time.perf_counter_ns()
            function(service, request)
            end = time.perf_counter_ns()
            print(time.monotonic(), function.__name__, (end - start) / CALLS, flush=True)


main()
