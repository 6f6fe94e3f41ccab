# SPDX-License-Identifier: GPL-2.0-only
"""Measures itself: what a call of a function with a logpoint in it costs, and of others without.

Prints, for each batch, which function it was, and ns a call of its thread's CPU: "hit" has the logpoint, "other" is the
same without, "plain" has no statement like that of the logpoint. With a number as argument it holds that
many MiB of live objects, and is idle but for a call now and then.
"""

import gc
import sys
import time


class User:
    def __init__(self, number):
        self.id = number  # @made
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


    def plain(self, request, number):
        count = self.handled + 1
        return number if count else request.user


CALLS = 200


def hit(service, request):
    for number in range(CALLS):
        service.step(request, number)


def other(service, request):
    for number in range(CALLS):
        service.other(request, number)


def plain(service, request):
    for number in range(CALLS):
        service.plain(request, number)


def heap(mib):
    """Objects as services have them: about 1 KiB each group of these."""
    return [{"user": User(n), "tags": [n, str(n), (n, n + 1)], "text": "x" * 200, "more": {"a": n, "b": [n] * 10}}
            for n in range(mib * 1024)]


def main():
    gc.disable()  # while so much is made
    ballast = heap(int(sys.argv[1])) if len(sys.argv) > 1 else []
    gc.enable()
    service, request = Service(), Request(len(ballast))
    print("ready", flush=True)
    while ballast:
        service.step(request, 1)
        time.sleep(0.01)
    while True:
        for function in (hit, other, plain):
            start = time.thread_time_ns()
            function(service, request)
            print(function.__name__, (time.thread_time_ns() - start) / CALLS, flush=True)


main()
