# SPDX-License-Identifier: GPL-2.0-only
"""Running logpoint, and what it watches, as a user with a few capabilities."""

import pathlib
import shutil
import subprocess

from harness import LOGPOINT, Here, equal, scratch, skip, tool

USER, OTHER = "65534", "65533"
LOGGING = ("bpf", "perfmon")


def for_all(path):
    """A copy that every user can read."""
    Here.folder.chmod(0o755)
    to = scratch(f"all-{pathlib.Path(path).name}")
    if not to.exists():
        shutil.copy(path, to)
        to.chmod(0o755)
    return to


def as_user(user, *capabilities):
    """Runs what follows with these capabilities and no others."""
    sets = ",".join(["-all", *(f"+{c}" for c in capabilities)])
    return [tool("setpriv"), "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps", sets, "--ambient-caps", sets,
            "--bounding-set", sets]


def logpoint_as(user, *capabilities):
    return [*as_user(user, *capabilities), for_all(LOGPOINT)]


def need_uprobes():
    """Kernels before 6.12 want CAP_SYS_ADMIN for each; `check` is asked, in the very way."""
    done = subprocess.run([*logpoint_as(USER, *LOGGING), "check"], capture_output=True, text=True)
    if done.returncode:
        equal(done.returncode, 3, f"exit status of check: {done.stdout}")
        skip("this kernel's uprobes need CAP_SYS_ADMIN")


def writable(name):
    """A file that every user can write to."""
    Here.folder.chmod(0o755)
    path = scratch(name)
    path.touch()
    path.chmod(0o666)
    return path
