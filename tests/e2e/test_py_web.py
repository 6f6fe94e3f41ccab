# SPDX-License-Identifier: GPL-2.0-only
"""Real web frameworks under load: every request is logged, none fails, none waits."""

import asyncio
import collections
import concurrent.futures
import http.client
import json
import os
import re
import sys
import threading

from harness import TIMEOUT, Process, Tracer, check, each, equal, main, test, tool, until
from interpreters import FOLDER, need, values, where

PYTHON = "/usr/bin/python3"
REQUESTS = int(os.environ.get("TEST_REQUESTS", "400"))  # an emulated machine is slow
CLIENTS = 8


class Service(Process):
    """A program that prints "port N" and serves there."""

    def __init__(self, *command, module, port=None, **options):
        need(module, PYTHON)
        super().__init__(command, **options)
        self.port = port or int(until(self.printed_port, f"{command[1]} to say its port"))
        until(self.answers, f"{command[1]} to listen")

    def printed_port(self):
        check(self.alive(), f"it ended early: {self.errors()[-2000:]}")
        found = re.search(r"^port (\d+)$", self.text(), re.M)
        return found and found[1]

    def answers(self):
        check(self.alive(), f"it ended early: {self.errors()[-2000:]}")
        try:
            self.get("/")
            return True
        except OSError:
            return False

    def get(self, path, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def load(self, paths, headers=lambda number: {}):
        """All paths, several at once, by clients that keep their connections: the answers in order."""
        local = threading.local()

        def get(job):
            number, path = job
            if not hasattr(local, "connection"):
                local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            local.connection.request("GET", path, headers=headers(number))
            answer = local.connection.getresponse()
            body = answer.read()
            equal(answer.status, 200, f"status of {path} ({body[:200]})")
            return json.loads(body)

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(get, enumerate(paths)))


def sorted_values(result, logpoint):
    return sorted([list(v.values()) for v in values(result, logpoint)], key=repr)


@each("asyncio", "uvloop")
def aiohttp(loop):
    """A handler and what it awaits, on both event loops."""
    if loop == "uvloop":
        need("uvloop", PYTHON)
    service = Service(PYTHON, FOLDER / "web_aiohttp.py", loop, module="aiohttp")
    tracer = Tracer(service, where("web_aiohttp.py", "order") + ' "{number} {user[\'name\']} {saved}" as order',
                    where("web_aiohttp.py", "user") + ' "{name} {request.path}" as user')
    answers = service.load([f"/order/{n}" for n in range(REQUESTS)], lambda n: {"X-User": f"user{n % 5}"})
    result = tracer.finish(interrupt=True)
    equal(sorted_values(result, "order"), sorted([[a["number"], a["user"]["name"], a["saved"]] for a in answers], key=repr),
          "orders")
    # aiohttp's own property is not run
    want = [[f"user{n % 5}", "<would run code: path>"] for n in range(REQUESTS)]
    equal(sorted_values(result, "user"), sorted(want, key=repr), "users")
    for name in ("order", "user"):
        counts = result.counts(name)
        equal((counts.hits, counts.lost), (REQUESTS, 0), name)
    check(all(r.get("task", "").startswith("Task-") for r in result.records), "every record names its task")


@test
def fastapi():
    """Dependencies and endpoints, also one that runs in a thread of the pool."""
    service = Service(PYTHON, FOLDER / "web_fastapi.py", module="fastapi")
    tracer = Tracer(service, where("web_fastapi.py", "db") + ' "{session.number} {session.closed}" as db',
                    where("web_fastapi.py", "user") + ' "{x_user}" as user',
                    where("web_fastapi.py", "item") + ' "{answer} {user[\'admin\']}" as item',
                    where("web_fastapi.py", "sync") + ' "{number} {user[\'name\']}" as sync')
    answers = service.load([f"/item/{n}" for n in range(REQUESTS)], lambda n: {"X-User": "root" if n % 3 else "guest"})
    threaded = REQUESTS // 4
    service.load([f"/sync/{n}" for n in range(threaded)], lambda n: {"X-User": "pool"})
    result = tracer.finish(interrupt=True)
    equal(sorted_values(result, "item"), sorted([[a, a["user"] == "root"] for a in answers], key=repr), "items")
    equal(sorted_values(result, "db"), sorted([[a["session"], False] for a in answers], key=repr), "sessions")
    equal(sorted_values(result, "sync"), sorted([[n, "pool"] for n in range(threaded)], key=repr), "in threads")
    equal(result.counts("user").hits, REQUESTS + threaded, "users")
    check(all(result.counts(n).lost == 0 for n in ("db", "user", "item", "sync")), "nothing lost")


@test
def django_under_gunicorn():
    """Worker processes that were forked from one master: each is a target."""
    need("django", PYTHON)
    tool("gunicorn")
    command = ["gunicorn", "-w", "2", "-t", TIMEOUT, "-b", "127.0.0.1:0", "--chdir", FOLDER, "web_django:application"]
    service = Process(command)
    port = int(until(lambda: re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", service.errors()), "gunicorn")[1])
    until(lambda: service.errors().count("Booting worker") >= 2, "its workers")
    workers = [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", service.errors())]
    service.port = port
    until(lambda: Service.get(service, "/cart/warm/1")[0] == 200, "the application")
    tracer = Tracer([service.pid, *workers],
                    where("web_django.py", "cart") + ' "{owner} {basket.size=} {len(basket.lines)} {total:.2f}" as cart',
                    'call Cart.total "{self.owner} {$return}" as total')
    answers = Service.load(service, [f"/cart/owner{n}/{n % 9}" for n in range(REQUESTS)])
    result = tracer.finish(interrupt=True)
    equal(sorted([v["owner"], v["len(basket.lines)"], v["total"]] for v in values(result, "cart")),
          sorted([a["owner"], a["count"], a["total"]] for a in answers), "carts")
    check(all("property" in v["basket.size"] or "run" in v["basket.size"] for v in values(result, "cart")),
          "a property is not run, and says so")
    equal(sorted([v["self.owner"], v["$return"]] for v in values(result, "total")),
          sorted([a["owner"], a["total"]] for a in answers), "totals")
    by_process = collections.Counter(r["pid"] for r in result.records)
    check(set(by_process) <= set(workers), f"of the workers: {by_process}")


@test
def websockets():
    """Messages of many connections at once; no client is disconnected."""
    need("websockets", PYTHON)
    import websockets as ws
    service = Process([PYTHON, FOLDER / "web_sockets.py"])
    port = int(until(lambda: re.search(r"^port (\d+)$", service.text(), re.M), "its port")[1])
    tracer = Tracer(service, where("web_sockets.py", "message")
                    + ' "{name} {message[\'number\']} {len(room.members)}" as message',
                    'call answer "{message[\'text\']} {$return}" as answer')

    messages = REQUESTS // 8

    async def client(number):
        async with ws.connect(f"ws://127.0.0.1:{port}", open_timeout=TIMEOUT, ping_interval=None) as connection:
            for i in range(messages):
                await connection.send(json.dumps({"name": f"client{number}", "number": i, "text": f"text {i}"}))
                got = json.loads(await connection.recv())
                equal(got, {"number": i, "echo": f"TEXT {i}"}, "answer")
            return True

    async def clients():
        return await asyncio.gather(*(client(n) for n in range(10)))

    equal(asyncio.run(clients()), [True] * 10, "clients that stayed to the end")
    result = tracer.finish(interrupt=True)
    for number in range(10):
        mine = [v["message['number']"] for v in values(result, "message") if v["name"] == f"client{number}"]
        equal(mine, list(range(messages)), f"messages of client {number}")
    equal(sorted(v["$return"] for v in values(result, "answer")), list(range(1, 10 * messages + 1)), "answers")
    equal((result.counts("message").lost, result.counts("answer").lost), (0, 0), "nothing lost")


sys.exit(main())
