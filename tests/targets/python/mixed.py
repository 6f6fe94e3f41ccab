# SPDX-License-Identifier: GPL-2.0-only
"""mixed.py FOLDER TIMES - Python that calls a C extension, which lies in FOLDER."""

import sys

sys.path.insert(0, sys.argv[1])
import extension  # noqa: E402


def price(number):
    total = extension.scale(number, f"item {number}")  # @call
    return total + 1  # @after


print("ready", flush=True)
sys.stdin.readline()
print(sum(price(n) for n in range(int(sys.argv[2]))), flush=True)
