# SPDX-License-Identifier: GPL-2.0-only
"""What the programs to be traced share."""

import json
import sys


def start():
    """Ready for logpoints; goes on when told to."""
    print("ready", flush=True)
    sys.stdin.readline()


def say(mark, **values):
    """What a logpoint at the line marked @MARK should have shown."""
    print(json.dumps({"at": mark, **values}), flush=True)
