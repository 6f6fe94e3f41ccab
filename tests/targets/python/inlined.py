# SPDX-License-Identifier: GPL-2.0-only
"""Variables of comprehensions that are called as globals and locals are."""

from target import say, start

key, value = "global key", "global value"


def run(items, own):
    same = [own for own in items]  # @own
    keys = [key for key in items]
    table = {key: value for key, value in zip(items, items)}
    real = 5
    later = [(lambda: key)() for key in items] + [real for real in items]
    wide = [
        key + 1  # @inside
        for key in items
    ]
    return key, value, real, own  # @end


start()
run([1, 2], "own")
say("end", done=True)
