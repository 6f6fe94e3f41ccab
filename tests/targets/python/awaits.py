# SPDX-License-Identifier: GPL-2.0-only
"""awaits.py WAY... - for each way to wait for a task: a task that is awaited by one that is awaited by main().

They stay so until a line comes in.
"""

import asyncio
import sys

from target import say, start

LINES = {text.split("# @")[1].strip(): number for number, text in enumerate(open(__file__), 1) if "# @" in text and "text.split" not in text}


async def leaf(way, release):
    await asyncio.sleep(0)
    say("leaf", way=way, awaited=[
        f"task leaf-{way} awaited by {way}", *[["middle", LINES[way]]],
        f"task {way} awaited by Task-1", ["main", LINES["main"]]])
    done = True  # @leaf
    await release.wait()
    return done


async def middle(way, release):
    task = asyncio.ensure_future(leaf(way, release))
    task.set_name("leaf-" + way)
    if way == "task":
        await task  # @task
    elif way == "gather":
        await asyncio.gather(task)  # @gather
    elif way == "wait_for":
        await asyncio.wait_for(task, 3600)  # @wait_for
    elif way == "wait":
        await asyncio.wait([task])  # @wait
    else:
        task.cancel()
        async with asyncio.TaskGroup() as group:  # @group
            group.create_task(leaf(way, release), name="leaf-" + way)


async def main():
    release = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, release.set)
    tasks = []
    for way in sys.argv[1:]:
        tasks.append(asyncio.ensure_future(middle(way, release)))
        tasks[-1].set_name(way)
    await asyncio.gather(*tasks)  # @main


start()
asyncio.run(main())
