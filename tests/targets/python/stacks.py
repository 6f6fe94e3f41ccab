# SPDX-License-Identifier: GPL-2.0-only
"""Threads that wait in known places and tasks that await each other; says where each of them is, and waits."""

import asyncio
import socket
import sys
import threading
import time

from stacks_rows import row, rows
from target import say, start

lock = threading.Lock()
never = threading.Event()
ours, theirs = socket.socketpair()
reached = threading.Barrier(6)


# --- threads ---


def locked():
    reached.wait()
    with lock:  # @locked
        pass


class Sleeper:
    def rest(self, seconds):
        password = "hunter2"
        reached.wait()
        time.sleep(seconds)  # @rest
        return password


def receive():
    buffer = bytearray(8)
    reached.wait()
    ours.recv_into(buffer)  # @receive


def nested(depth):
    names = ["a", "b"][:depth]
    if depth:
        return nested(depth - 1)
    reached.wait()
    return never.wait(), names  # @nested


def numbers(gate):
    reached.wait()
    for number in range(3):
        gate.wait()  # @numbers
        yield number


def busy():
    count = 0
    while not never.is_set():
        count += 1  # @busy
    return count


# --- tasks ---


async def leaf(delay):
    await asyncio.sleep(delay)  # @leaf


async def middle(delay):
    return await leaf(delay)  # @middle


async def waits_for_lock(mutex):
    async with mutex:  # @mutex
        pass


async def waits_for(task):
    await asyncio.wait_for(task, 1000)  # @wait_for


async def count_up():
    yield 1
    await asyncio.sleep(1000)  # @count_up
    yield 2


async def iterates():
    async for number in count_up():  # @iterates
        number += 1


async def quick():
    return 7


async def groups(ready):
    async with asyncio.TaskGroup() as group:
        group.create_task(leaf(900), name="in-group")
        ready.set()


def frames_of(task):
    """Innermost first, and what the task's coroutines are suspended in."""
    found, coro = [], task.get_coro()
    while coro is not None:
        for prefix in ("cr", "gi", "ag"):
            frame = getattr(coro, prefix + "_frame", None)
            if frame is not None:
                found.append(row(frame))
                coro = getattr(coro, prefix + "_await" if prefix != "gi" else "gi_yieldfrom")
                if coro is not None and "asend" in type(coro).__name__:
                    coro = generators.get(task.get_name())
                break
        else:
            break
    return found[::-1]


generators = {}
said = threading.Event()
awaits = {}


def make(coro, name, *others):
    task = asyncio.ensure_future(coro)
    task.set_name(name)
    awaits[name] = list(others)
    return task


async def amain():
    mutex = asyncio.Lock()
    await mutex.acquire()
    asyncio.current_task().set_name("root")
    a = make(middle(500), "a")
    b = make(waits_for_lock(mutex), "b")
    c = make(waits_for(b), "c", "b")
    d = make(iterates(), "d")
    done = make(quick(), "done")
    e = make(leaf(600), "e")
    f = make(asyncio.wait([e, d]), "f", "e", "d")
    awaits["root"] = ["a", "c", "f"]
    if sys.version_info >= (3, 11):
        ready = asyncio.Event()
        make(groups(ready), "g", "in-group")
        awaits["in-group"] = []
        await ready.wait()
    loop = asyncio.get_running_loop()
    loop.call_later(0.2, report, done, loop)
    await asyncio.gather(a, c, f)  # @gather


def report(done, loop):
    tasks = {}
    for task in asyncio.all_tasks(loop):
        tasks[task.get_name()] = {"frames": frames_of(task), "awaits": sorted(awaits[task.get_name()])}
    say("tasks", tasks=tasks, done=done.get_name(), tid=threading.get_native_id())
    said.set()


def make_thread(name, function, *args):
    thread = threading.Thread(target=function, args=args, name=name, daemon=True)
    thread.start()
    return thread


def main():
    lock.acquire()
    waits = [make_thread("locker", locked), make_thread("sleeper", Sleeper().rest, 1000), make_thread("receiver", receive),
             make_thread("nested", nested, 3), make_thread("generator", lambda: list(numbers(never)))]
    loop = make_thread("loop", lambda: asyncio.run(amain()))
    reached.wait()
    said.wait()
    last = None
    while True:  # until they have come to rest
        now = {t.name: rows(sys._current_frames()[t.ident]) for t in waits + [loop]}
        if now == last:
            break
        last = now
        time.sleep(0.1)
    for thread in waits + [loop]:
        say("thread", name=thread.name, tid=thread.native_id, frames=now[thread.name])
    spinning = make_thread("spinner", busy)
    say("busy", tid=spinning.native_id)
    start()  # @main


main()
