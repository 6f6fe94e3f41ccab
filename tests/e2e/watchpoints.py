# SPDX-License-Identifier: GPL-2.0-only
"""Hardware watchpoints that are somebody else's, so that logpoint has to do without."""

import ctypes
import os
import platform
import struct

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
NEVER = 8  # an address that nothing touches


def take(pid):
    """All that a process's threads have, and those that start later; descriptors. They are never switched on."""
    kernel, taken = ctypes.CDLL(None, use_errno=True), []
    # struct perf_event_attr: PERF_TYPE_BREAKPOINT, 72 bytes, disabled | inherit | exclude_kernel | exclude_hv, HW_BREAKPOINT_RW, length 1
    attr = struct.pack("=IIQQQQQIIQQ", 5, 72, 0, 1, 0, 0, 0b1100011, 0, 3, NEVER, 1)
    for tid in os.listdir(f"/proc/{pid}/task"):
        for _ in range(16):
            fd = kernel.syscall(PERF_EVENT_OPEN[platform.machine()], attr, int(tid), -1, -1, 8)
            if fd < 0:
                break
            taken.append(fd)
    return taken
