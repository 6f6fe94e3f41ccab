# SPDX-License-Identifier: GPL-2.0-only
"""Layers of decorators around one function."""

import functools
import time

from target import say, start


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            wrapper.spent = time.perf_counter() - began
    return wrapper


def retry(times):
    def decorate(function):
        @functools.wraps(function)
        def attempt(*args, **kwargs):
            for number in range(times):
                try:
                    return function(*args, **kwargs)  # @attempt
                except ValueError as why:
                    last = why
            raise last
        return attempt
    return decorate


def rate_limit(limit):
    def decorate(function):
        calls = []

        @functools.wraps(function)
        def limited(*args, **kwargs):
            calls.append(args)
            if len(calls) > limit:
                raise RuntimeError("too many")
            return function(*args, **kwargs)  # @limited
        return limited
    return decorate


@rate_limit(100)
@retry(3)
@timed
def transfer(account, amount, currency="EUR"):
    if amount < 0:
        raise ValueError(amount)
    total = amount * 2
    return {"account": account, "total": total}  # @inner


start()
for n in range(4):
    result = transfer("acc-%d" % n, n, currency="CHF")
    say("transfer", account="acc-%d" % n, amount=n, currency="CHF", result=result)
try:
    transfer("bad", -1)
except ValueError:
    say("failed", account="bad", amount=-1)
