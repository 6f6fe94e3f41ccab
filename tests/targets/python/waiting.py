# SPDX-License-Identifier: GPL-2.0-only
"""Waits, then calls something."""
import start_module
from target import start

start()
start_module.assist(1)
