# SPDX-License-Identifier: GPL-2.0-only
"""ticking.py TIMES [MODE] - a service: tick() every 5 ms, TIMES times; -1: until its standard input ends.

MODE `fork N`: N children do so at once and their parent waits; `leave`: a child does so after its parent has
ended; `exec`: the same process runs this program again, which then ticks; `spawn`: a child does.
"""

import os
import select
import subprocess
import sys


def tick(number, who):
    return number, who  # @tick


def serve(times, who):
    number = 0
    while number != times:
        tick(number, who)
        number += 1
        ready, _, _ = select.select([0] if times < 0 else [], [], [], 0.005)
        if ready and not os.read(0, 1):
            break


def main(times, mode="", number=1):
    version = "%d.%d" % sys.version_info[:2]
    if mode == "fork":
        children = []
        for n in range(int(number)):
            pid = os.fork()
            if not pid:
                serve(times, f"{version} child {n}")
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
    elif mode == "leave":
        if os.fork():
            os._exit(0)
        serve(times, f"{version} left")
    elif mode == "exec":
        serve(3, f"{version} before")
        os.execv(sys.executable, [sys.executable, __file__, str(times)])
    elif mode == "spawn":
        subprocess.run([sys.executable, __file__, str(times)], stdin=0, check=True)
    else:
        serve(times, version)


print("ready", flush=True)
sys.stdin.buffer.raw.readline()
main(int(sys.argv[1]), *sys.argv[2:])
