# SPDX-License-Identifier: GPL-2.0-only
"""A websockets service that answers each message. Prints its port, serves until ended."""

import asyncio
import json

import websockets


class Room:
    def __init__(self):
        self.members = set()
        self.messages = 0


room = Room()


async def answer(connection, message):
    room.messages += 1
    text = message["text"]
    await connection.send(json.dumps({"number": message["number"], "echo": text.upper()}))
    return room.messages  # @answer


async def serve(connection):
    room.members.add(connection)
    name = "?"
    try:
        async for raw in connection:
            message = json.loads(raw)
            name = message["name"]
            await answer(connection, message)  # @message
    finally:
        room.members.discard(connection)


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, ping_interval=None) as server:
        print("ready", flush=True)
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
