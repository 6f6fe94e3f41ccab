# SPDX-License-Identifier: GPL-2.0-only
"""Threads that wait where frames outside of them have not got to their first line: a collection while a coroutine is
being made, for Python or for C; an instance that the interpreter makes without C. Says where each is, and waits; then
once more, without waiting.
"""

import gc
import sys
import threading

from stacks_rows import rows
from target import say, start

never = threading.Event()
waiting = {}


def rest():
    waiting[threading.current_thread().name].set()
    never.wait()  # @rest


async def coroutine(number):
    return number


# --- a collection at the next object that is made ---


def collected(phase, info):
    gc.disable()  # @collected
    gc.callbacks.remove(collected)
    rest()


def arm():
    gc.callbacks.append(collected)
    gc.set_threshold(1)
    gc.enable()


def armed():
    arm()
    yield 1


def by_python():
    gc.disable()
    return [coroutine(number) for number in armed()]


def by_c():
    gc.disable()
    return list(map(coroutine, armed()))


# --- an instance ---


class Made:
    def __init__(self, is_last):
        if is_last:  # @made
            rest()


def instances():
    for number in range(100):
        Made(number == 99)


def run(function):
    """The thread, which has come to rest."""
    waiting[function.__name__] = threading.Event()
    thread = threading.Thread(target=function, name=function.__name__, daemon=True)
    thread.start()
    waiting[function.__name__].wait()
    return thread


def main():
    """One collection at a time is all that there is: of the function that is named."""
    functions = (instances, globals()[sys.argv[1]])
    threads = [run(function) for function in functions]
    for thread in threads:
        say("thread", name=thread.name, frames=rows(sys._current_frames()[thread.ident]))
    start()
    never.set()
    for thread in threads:
        thread.join()
    for function in functions:
        run(function).join()
    start()


main()
