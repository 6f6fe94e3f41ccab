# SPDX-License-Identifier: GPL-2.0-only
"""A FastAPI service with dependency injection under uvicorn. Prints its port, serves until ended."""

import asyncio
import socket

import fastapi
import uvicorn

app = fastapi.FastAPI()


class Session:
    def __init__(self, number):
        self.number = number
        self.closed = False


class Sessions:
    made = 0


async def get_db():
    Sessions.made += 1
    session = Session(Sessions.made)
    try:
        yield session  # @db
    finally:
        session.closed = True


async def get_current_user(x_user: str = fastapi.Header("nobody")):
    await asyncio.sleep(0)
    return {"name": x_user, "admin": x_user.startswith("root")}  # @user


@app.get("/item/{number}")
async def read_item(number: int, db: Session = fastapi.Depends(get_db), user: dict = fastapi.Depends(get_current_user)):
    answer = {"number": number, "session": db.number, "user": user["name"]}
    return answer  # @item


@app.get("/sync/{number}")
def read_sync(number: int, user: dict = fastapi.Depends(get_current_user)):
    return {"number": number, "user": user["name"]}  # @sync


def main():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    print("ready", flush=True)
    print("port", sock.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_keep_alive=600)
    uvicorn.Server(config).run(sockets=[sock])


main()
