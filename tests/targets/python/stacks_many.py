# SPDX-License-Identifier: GPL-2.0-only
"""A service with 100 threads and 1,000 tasks; with "changing", all of them come and go all the time; with "working", one
thread more says how many ns of a CPU each of its batches has taken.
"""

import asyncio
import sys
import threading
import time

from target import say, start

THREADS, TASKS = 100, 1000
end = threading.Event()


def work(number):
    wait(number)


def wait(number):
    end.wait()  # @wait


async def handle(number):
    await step(number)


async def step(number):
    await asyncio.sleep(1000)  # @step


async def serve(ready):
    tasks = [asyncio.ensure_future(handle(n)) for n in range(TASKS)]
    await asyncio.sleep(0.1)
    ready.set()
    await asyncio.gather(*tasks)


# --- changing ---


def short(depth):
    return short(depth - 1) if depth else depth


def spawn():
    while not end.is_set():
        threads = [threading.Thread(target=short, args=(n,), name="short") for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def hop(depth):
    if depth:
        return await hop(depth - 1)
    await asyncio.sleep(0)
    return 0


async def churn():
    while not end.is_set():
        await asyncio.gather(*[hop(n % 5) for n in range(20)])


def compute():
    while not end.is_set():
        began, total = time.thread_time_ns(), 0
        for n in range(50000):
            total += n % 7
        print(time.thread_time_ns() - began, flush=True)


def main():
    if sys.argv[1:] == ["changing"]:
        threads = [threading.Thread(target=spawn, name="spawn")]
        threads.append(threading.Thread(target=lambda: asyncio.run(churn()), name="churn"))
        for thread in threads:
            thread.start()
        start()
        end.set()
        return
    ready = threading.Event()
    for number in range(THREADS):
        threading.Thread(target=work, args=(number,), name="worker-%d" % number, daemon=True).start()
    threading.Thread(target=lambda: asyncio.run(serve(ready)), name="server", daemon=True).start()
    ready.wait()
    if sys.argv[1:] == ["working"]:
        threading.Thread(target=compute, name="compute", daemon=True).start()
    start()
    say("done")


main()
