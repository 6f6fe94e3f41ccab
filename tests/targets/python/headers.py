# SPDX-License-Identifier: GPL-2.0-only
"""Loops whose headers take several lines: how often each line starts is known."""

from target import say, start


def pick(values):
    return values


def loop(first, second):
    total = 0
    for value in pick(  # @for
            first + second):  # @items
        total += value
    return total


start()
for number in range(20):
    loop([number], [1, 2])
say("end", loops=20, turns=60)
