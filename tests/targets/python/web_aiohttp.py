# SPDX-License-Identifier: GPL-2.0-only
"""An aiohttp service: a handler that awaits its user and its store. Prints its port, serves until ended."""

import asyncio
import socket
import sys

from aiohttp import web

if "uvloop" in sys.argv:
    import uvloop
    uvloop.install()


class Store:
    def __init__(self):
        self.orders = {}

    async def save(self, number, user):
        await asyncio.sleep(0.001)
        self.orders[number] = user
        return len(self.orders)


async def get_current_user(request):
    await asyncio.sleep(0)
    name = request.headers.get("X-User", "nobody")
    return {"name": name, "id": len(name)}  # @user


async def order(request):
    number = int(request.match_info["number"])
    user = await get_current_user(request)
    saved = await request.app["store"].save(number, user["name"])
    return web.json_response({"number": number, "user": user, "saved": saved})  # @order


def main():
    app = web.Application()
    app["store"] = Store()
    app.router.add_get("/order/{number}", order)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    print("ready", flush=True)
    print("port", sock.getsockname()[1], flush=True)
    web.run_app(app, sock=sock, print=None, access_log=None)


main()
