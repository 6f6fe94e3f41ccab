# SPDX-License-Identifier: GPL-2.0-only
"""Tasks that run one coroutine at the same time, and race for a cache: with `locked` one after the other."""

import asyncio
import sys

from target import say, start


LINES = {text.split("# @")[1].strip(): number for number, text in enumerate(open(__file__), 1) if "# @" in text and "text.split" not in text}
AWAITED = ["Task-1", "main", LINES["gather"]]


class Users:
    def __init__(self):
        self.cache = {}
        self.lock = asyncio.Lock()
        self.loads = 0

    async def load(self, user_id):
        self.loads += 1
        await asyncio.sleep(0.01)
        return {"id": user_id, "name": "user%d" % user_id}

    async def get(self, user_id):
        hit = user_id in self.cache
        say("look", user_id=user_id, hit=hit, size=len(self.cache), task=task_name(), awaited=AWAITED)
        if user_id in self.cache:  # @look
            return self.cache[user_id]
        data = await self.load(user_id)
        self.cache[user_id] = data
        return data

    async def get_locked(self, user_id):
        async with self.lock:
            return await self.get(user_id)


async def fetch_user_data(users, user_id, way):
    delay = 0.001 * (user_id % 7)
    say("before", user_id=user_id, delay=delay, task=task_name())
    await asyncio.sleep(delay)  # @before
    data = await getattr(users, way)(user_id)
    say("after", user_id=user_id, name=data["name"], task=task_name())
    return data["name"]  # @after


def task_name():
    return asyncio.current_task().get_name()


async def main():
    users = Users()
    way = "get_locked" if "locked" in sys.argv else "get"
    ids = [7, 7, 7] if "race" in sys.argv else [5, 123, 42, 123, 9]
    tasks = [asyncio.ensure_future(fetch_user_data(users, user_id, way)) for user_id in ids]
    for number, task in enumerate(tasks):
        if number % 2:
            task.set_name("fetch-%d" % number)
    await asyncio.gather(*tasks)  # @gather
    say("end", loads=users.loads)


start()
asyncio.run(main())
