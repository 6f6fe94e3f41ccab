# SPDX-License-Identifier: GPL-2.0-only
"""Measures itself: what a call of a function with a logpoint in it costs, and of others without.

Prints, for each batch, which function it was, and ns a call of its thread's CPU: "hit" has the logpoint, "other" is the
same without, "plain" has no statement like that of the logpoint. With a number as argument it holds that
many MiB of live objects, and is idle but for a call now and then. "beside": short batches of "hit", "floor" and
"rare", which are the same, each between two of "other". "twins FILE": "plain" alone, in two processes,
of which the second one prints into the file; the first one says who that is.
"""

import gc
import os
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

    def floor(self, request, number):
        count = self.handled + 1
        self.handled = count  # @floor
        return number

    def rare(self, request, number):
        count = self.handled + 1
        self.handled = count  # @rare
        return number

    def other(self, request, number):
        count = self.handled + 1
        self.handled = count
        return number

    def plain(self, request, number):
        count = self.handled + 1
        return number if count else request.user


def hit(service, request, calls):
    for number in range(calls):
        service.step(request, number)


def floor(service, request, calls):
    for number in range(calls):
        service.floor(request, number)


def rare(service, request, calls):
    for number in range(calls):
        service.rare(request, number)


def other(service, request, calls):
    for number in range(calls):
        service.other(request, number)


def plain(service, request, calls):
    for number in range(calls):
        service.plain(request, number)


# what runs in turns, calls of each, batches that are said at once
MODES = {
    None: ((hit, other, plain), 500, 1),
    "beside": ((other, floor, other, rare, other, hit), 50, 30),
    "twins": ((plain,), 500, 300),
}


def heap(mib):
    """Objects as services have them: about 1 KiB each group of these."""
    return [{"user": User(n), "tags": [n, str(n), (n, n + 1)], "text": "x" * 200, "more": {"a": n, "b": [n] * 10}}
            for n in range(mib * 1024)]


def fork(path):
    """Says who the child is, which goes on with its own output."""
    child = os.fork()
    if child:
        print(child, flush=True)
    else:
        sys.stdout = open(path, "w")


def measure(service, request, functions, calls, batches):
    now, said = time.thread_time_ns, []
    while True:
        for function in functions:
            start = now()
            function(service, request, calls)
            said.append((function.__name__, now() - start))
        if len(said) >= batches:
            print("\n".join(f"{name} {ns / calls}" for name, ns in said), flush=True)
            said.clear()


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else None
    gc.disable()  # while so much is made
    ballast = heap(int(mode)) if mode not in MODES else []
    gc.enable()
    service, request = Service(), Request(len(ballast))
    if mode == "twins":
        fork(sys.argv[2])
    print("ready", flush=True)
    while ballast:
        service.step(request, 1)
        time.sleep(0.01)
    measure(service, request, *MODES[mode])


main()
