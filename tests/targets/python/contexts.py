# SPDX-License-Identifier: GPL-2.0-only
"""Context managers, left with and without an exception."""

import contextlib

from target import say, start


class Connection:
    def __init__(self, name):
        self.name = name
        self.open = False

    def __enter__(self):
        self.open = True
        return self  # @enter

    def __exit__(self, kind, value, trace):
        self.open = False
        say("exit", name=self.name, kind=kind.__name__ if kind else None, value=str(value) if value else None)
        return kind is ValueError  # @exit


@contextlib.contextmanager
def transaction(name):
    log = ["begin"]
    try:
        yield log
        log.append("commit")  # @commit
    except KeyError:
        log.append("rollback")  # @rollback
    finally:
        log.append("end")  # @finally


start()
for number in range(4):
    with Connection("c%d" % number) as connection:
        if number % 2:
            raise ValueError("bad %d" % number)
for number in range(5):
    with transaction("t%d" % number) as log:
        if number == 3:
            raise KeyError(number)
