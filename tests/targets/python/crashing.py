# SPDX-License-Identifier: GPL-2.0-only
"""crashing.py LIBRARY HOW [thread]: ends within C code (crashes.c) that Python has called."""

import ctypes
import sys
import threading

from target import start

library = ctypes.CDLL(sys.argv[1])


class Order:
    def __init__(self, number, items):
        self.number = number
        self.items = items


def charge(order, factor):
    total = sum(order.items.values()) * factor
    library.crash_here(sys.argv[2].encode(), order.number)  # @crash
    return total


def handle(number):
    order = Order(number, {"apple": 2, "pear": 3})
    note = "z\u00fcrich"
    return charge(order, factor=7), note  # @handle


def main():
    if sys.argv[3:] == ["thread"]:
        worker = threading.Thread(target=handle, args=(43,), name="worker-1")
        worker.start()
        worker.join()
    else:
        handle(42)  # @main


start()
main()
