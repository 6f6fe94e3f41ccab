# SPDX-License-Identifier: GPL-2.0-only
"""What an instruction stores last: results of all kinds, and what the line before has changed. late.py TIMES"""

import sys

from target import say, start

TIMES = int(sys.argv[1])
SHARED = 0


class Thing:
    def __init__(self):
        self.value = 0

    def method(self):
        return self.value


def give_attribute(thing, items, n):
    return thing.value


def give_item(thing, items, n):
    return items[0]


def give_shared(thing, items, n):
    return SHARED


def give_sum(thing, items, n):
    return n + items[0]


def give_product(thing, items, n):
    return n * 0.5


def give_length(thing, items, n):
    return len(items)


def give_method(thing, items, n):
    return thing.method()


def give_slice(thing, items, n):
    return items[1:]


def give_negation(thing, items, n):
    return not n % 2


def give_text(thing, items, n):
    return f"{n}"


def give_string(thing, items, n):
    return f"{n} of {TIMES}"


def give_tuple(thing, items, n):
    return (n, n)


def give_dict(thing, items, n):
    return {"n": n}


def give_empty(thing, items, n):
    return []


def give_identity(thing, items, n):
    return thing is None


def give_choice(thing, items, n):
    return n or items


GIVE = {name: what for name, what in globals().items() if name.startswith("give_")}


def change(thing, items, n):
    cell = n
    local = n + 1000
    thing.value = local  # @local
    items[0] = local  # @attribute
    items.append(local)  # @item
    cell = local  # @append
    thing.other = cell  # @cell
    a, b = n, local  # @other
    a, b = b, a  # @pair
    items.pop()  # @swap
    return lambda: cell


def main():
    global SHARED
    start()
    for n in range(TIMES):
        SHARED = n
        thing, items = Thing(), [n, n]
        thing.value = n
        for name, what in GIVE.items():
            say(name, value=what(thing, items, n))
        change(thing, items, n)


main()
