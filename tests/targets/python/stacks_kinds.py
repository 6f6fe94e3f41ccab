# SPDX-License-Identifier: GPL-2.0-only
"""Tasks of all kinds: eager ones, ones written in Python, on uvloop where that is asked for; a thread in an interpreter of its own."""

import asyncio
import sys
import threading


async def leaf():
    await asyncio.sleep(1000)  # @leaf


async def middle():
    await leaf()  # @middle


async def waits(task):
    await task  # @waits


def python_task(loop, coro, **options):
    return asyncio.tasks._PyTask(coro, loop=loop)


async def main():
    loop = asyncio.get_running_loop()
    eager = hasattr(asyncio, "eager_task_factory")
    loop.set_task_factory(asyncio.eager_task_factory if eager else None)
    first = asyncio.create_task(middle(), name="eager")
    loop.set_task_factory(python_task)
    second = loop.create_task(middle())
    second.set_name("python")
    loop.set_task_factory(None)
    third = asyncio.create_task(waits(second), name="waits")
    loop.call_later(0.1, lambda: print("ready", flush=True))
    await asyncio.gather(first, second, third)


def other_interpreter():
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _interpreters as interpreters
    run = getattr(interpreters, "run_string", None) or interpreters.exec
    run(interpreters.create(), "import time\ndef inner():\n    time.sleep(1000)\ninner()\n")  # @other


threading.Thread(target=other_interpreter, name="other", daemon=True).start()
if sys.argv[1:] == ["uvloop"]:
    import uvloop

    uvloop.install()
asyncio.run(main())
