# SPDX-License-Identifier: GPL-2.0-only
"""awaits.py WAY... - for each way to wait for a task: a task that is awaited by one that is awaited by main().

They end at once. `python`: by tasks and futures that are not of asyncio's C module.
"""

import asyncio
import sys

from target import say, start

LINES = {text.split("# @")[1].strip(): number for number, text in enumerate(open(__file__), 1) if "# @" in text and "text.split" not in text}


def say_leaf(way, by="", *more):
    say("leaf", way=way, awaited=[
        f"task leaf-{way} awaited by {way}{by}", *(more or [["middle", LINES[way]]]),
        f"task {way} awaited by Task-1", ["main", LINES["main"]]])


async def leaf(way, *said):
    await asyncio.sleep(0)
    say_leaf(way, *said)
    done = True  # @leaf
    return done


async def inner(task):
    async with Held():
        return await task  # @inner


class Held:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        return None


async def values(task):
    yield 1
    yield await task  # @yields


class Deep:
    def __init__(self, task):
        self.task = task

    def __await__(self):
        return self.wait().__await__()

    async def wait(self):
        return [value async for value in values(self.task)]  # @wait_deep


def made(way, *said):
    task = asyncio.ensure_future(leaf(way, *said))
    task.set_name("leaf-" + way)
    return task


async def unrelated(future):
    await future


async def middle(way):
    if way == "task":
        await made(way)  # @task
    elif way == "gather":
        await asyncio.gather(made(way))  # @gather
    elif way == "wait_for":
        await asyncio.wait_for(made(way), 3600)  # @wait_for
    elif way == "wait":
        await asyncio.wait([made(way)])  # @wait
    elif way == "shield":
        await asyncio.shield(made(way))  # @shield
    elif way == "both":
        await asyncio.wait_for(asyncio.shield(asyncio.gather(made(way), asyncio.sleep(0))), 3600)  # @both
    elif way == "others":
        task = made(way, " and 2 others")
        late = [asyncio.ensure_future(unrelated(task)) for _ in range(2)]
        await task  # @others
        await asyncio.gather(*late)
    elif way == "coroutines":
        task = made(way, "", ["inner", LINES["inner"]], ["middle", LINES[way]])
        await inner(task)  # @coroutines
    elif way == "deep":
        task = made(way, "", ["values", LINES["yields"]], *LISTED, ["wait", LINES["wait_deep"]], ["middle", LINES[way]])
        await Deep(task)  # @deep
    elif way == "stranger":
        # its callback knows a future that somebody waits for, for another reason
        task, future = made(way), asyncio.get_running_loop().create_future()
        other = asyncio.ensure_future(unrelated(future))
        await asyncio.sleep(0)
        task.add_done_callback(lambda _: future.done() or future.set_result(None))
        await asyncio.gather(task)  # @stranger
        await other
    else:
        async with asyncio.TaskGroup() as group:  # @group
            group.create_task(leaf(way), name="leaf-" + way)


async def main(ways):
    tasks = []
    for way in ways:
        tasks.append(asyncio.ensure_future(middle(way)))
        tasks[-1].set_name(way)
    await asyncio.gather(*tasks)  # @main


# a comprehension is a coroutine of its own, up to 3.11
LISTED = [["<listcomp>", LINES["wait_deep"]]] if sys.version_info < (3, 12) else []

if "python" in sys.argv:
    asyncio.Task = asyncio.tasks.Task = asyncio.tasks._PyTask
    asyncio.Future = asyncio.futures.Future = asyncio.futures._PyFuture
start()
asyncio.run(main([way for way in sys.argv[1:] if way != "python"]))
