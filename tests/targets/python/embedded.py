# SPDX-License-Identifier: GPL-2.0-only
"""Run by an interpreter inside of another program."""

import json
import os
import sys


class Shop:
    def __init__(self, name):
        self.name = name

    def order(self, number):
        total = number * 3  # @total
        return total


def main():
    print("ready", flush=True)
    sys.stdin.readline()
    shop = Shop("b\u00fccher")
    for number in range(100):
        shop.order(number)
    print(json.dumps({"at": "orders", "pid": os.getpid(), "count": 100, "sum": sum(n * 3 for n in range(100))}), flush=True)


main()
