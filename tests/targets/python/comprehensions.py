# SPDX-License-Identifier: GPL-2.0-only
"""Comprehensions of every kind, each on lines of its own."""

from target import say, start


def is_odd(number):
    return number % 2 == 1


def run(numbers, factor):
    squares = [
        number * factor  # @list
        for number in numbers
        if is_odd(number)
    ]
    table = {
        number:
            number + factor  # @dict
        for number in numbers
    }
    kinds = {
        number % 3  # @set
        for number in numbers
    }
    total = sum(
        number - factor  # @generator
        for number in numbers
    )
    matrix = [
        [
            row * column  # @nested
            for column in range(3)
        ]
        for row in range(4)
    ]
    return squares, table, kinds, total, matrix


start()
run(list(range(10)), 7)
say("end", done=True)
