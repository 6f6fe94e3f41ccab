# SPDX-License-Identifier: GPL-2.0-only
"""The cache of decompressed debug information: filled once, used afterwards, and values are right with it, without it, and where
it is damaged or can't be written.
"""

import json
import os
import shutil
import stat
import subprocess
import sys

from harness import LOGPOINT, at, check, copy_of, equal, main, program, run_tool, scratch, test, tool, trace

PAD = 9 << 20  # bytes of debug sections: enough to be kept
COUNT = 3

MADE = "debug information decompressed into the cache"
USED = "debug information without compression from the cache"
DAMAGED = "the copy in the cache is damaged"
NONE = "no copy without compression in the cache"


def big():
    """A program with much debug information, all compressed."""
    made = copy_of(program("service.c", flags=("-Wl,--build-id",)), "big")
    pad = scratch("pad")
    pad.write_bytes(bytes(PAD))
    run_tool(tool("objcopy"), "--add-section", f".debug_pad={pad}", made)
    run_tool(tool("objcopy"), "--compress-debug-sections", made)
    return made


def values(path, cache, **more):
    """What logpoint shows of each request, which has to be what the program says itself; and what it says with -v."""
    env = {**os.environ, **more}
    env.pop("LOGPOINT_CACHE", None)
    if cache is not None:
        env["LOGPOINT_CACHE"] = str(cache)
    truth = scratch("truth")
    result = trace([str(path), str(COUNT), "1", "0", str(truth)], f'{at("service.c", "handle")} "{{req->id}} {{req->status}} {{req->path}}"',
                   options=("-v",), env=env)
    told = [json.loads(text) for text in truth.read_text().splitlines()]
    equal([(r["values"]["req->id"], r["values"]["req->status"]) for r in result.records], [(t["id"], t["status"]) for t in told],
          "values")
    equal(len(result.records), COUNT, "records")
    return result.err


def copies(cache):
    return sorted(p for p in cache.iterdir()) if cache.exists() else []


@test
def filled_once_and_used():
    path, cache = big(), scratch("cache")
    err = values(path, cache)
    check(MADE in err, err)
    made = copies(cache)
    equal(len(made), 1, "copies")
    equal(stat.S_IMODE(cache.stat().st_mode), 0o700, "the folder's mode")
    equal(stat.S_IMODE(made[0].stat().st_mode), 0o600, "the copy's mode")
    inode = made[0].stat().st_ino
    err = values(path, cache)
    check(USED in err and MADE not in err, err)
    equal([p.stat().st_ino for p in copies(cache)], [inode], "the same copy")
    # another file with the same build-id and size: a copy of its own
    other = copy_of(path, "other")
    err = values(other, cache)
    check(MADE in err, err)
    equal(len(copies(cache)), 2, "copies")


@test
def damaged():
    """Cut off, written to, or something else altogether: made anew."""
    path, cache = big(), scratch("cache")
    values(path, cache)
    copy = copies(cache)[0]

    def written_to():
        with open(copy, "r+b") as file:
            file.seek(copy.stat().st_size // 2)
            file.write(b"damaged")

    for damage in (lambda: os.truncate(copy, 5000), written_to, lambda: copy.write_bytes(bytes(copy.stat().st_size))):
        damage()
        err = values(path, cache)
        check(DAMAGED in err and MADE in err, err)
        check(USED in values(path, cache), "the new copy is not used")
    # not ours: left alone, and not followed
    kept = scratch("kept")
    copy.rename(kept)
    copy.symlink_to(kept)
    err = values(path, cache)
    check(NONE in err and copy.is_symlink() and kept.exists(), err)


@test
def damaged_digest():
    """What stands behind the copy is not believed then; the copy itself is as good as before."""
    path, cache = big(), scratch("cache")
    values(path, cache)
    copy = copies(cache)[0]
    before = copy.stat()
    with open(copy, "r+b") as file:
        file.seek(before.st_size - 100)
        file.write(b"damaged")
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    err = values(path, cache)
    check(USED in err and MADE not in err, err)
    equal(copies(cache)[0].stat().st_ino, before.st_ino, "the same copy")


@test
def none_and_nowhere():
    """Switched off, not ours, not writable, full: nothing is written, and all else is as ever."""
    path, cache = big(), scratch("cache")
    home = scratch("home")
    home.mkdir()
    err = values(path, "", HOME=str(home))
    check("cache" not in err, err)
    equal(copies(home), [], "files in the home folder")
    check(NONE in values(path, "/proc/nowhere"), "a folder that can't be made")
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    check(NONE in values(path, cache), "a folder that others can write to")
    equal(copies(cache), [], "copies there")
    err = values(path, None, HOME="/nowhere", XDG_CACHE_HOME="")
    check(NONE in err, err)


@test
def in_the_home_folder():
    """Where nothing else is said; `check` tells."""
    path, home = big(), scratch("home")
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": ""}
    env.pop("LOGPOINT_CACHE", None)

    def asked():
        return json.loads(subprocess.run([LOGPOINT, "check", "--json"], env=env, capture_output=True, check=True).stdout)["cache"]

    equal(asked()["folder"], None, "the folder before")
    check(MADE in values(path, None, HOME=str(home), XDG_CACHE_HOME=""), "not made")
    equal(len(copies(home / ".cache" / "logpoint")), 1, "copies")
    equal((asked()["folder"], asked()["copies"]), (str(home / ".cache" / "logpoint"), 1), "what check says")
    check(asked()["bytes"] >= PAD, "its size")


@test
def on_a_full_or_read_only_disk():
    """A copy that does not fit is not made; one that is there is used where nothing can be written."""
    path, cache = big(), scratch("cache")
    script = ('set -e; mount -t tmpfs -o size=$2,mode=700 none "$1"; if [ -n "$3" ]; then cp -p "$3" "$1"; mount -o remount,ro "$1"; fi;'
              'shift 3; LOGPOINT_CACHE=$1; export LOGPOINT_CACHE; shift; "$@"')
    values(path, cache)
    copy = copies(cache)[0]
    disk = scratch("disk")
    disk.mkdir()
    for size, kept, said in (("4m", "", NONE), ("64m", str(copy), USED)):
        done = subprocess.run([tool("unshare"), "-m", "sh", "-c", script, "sh", disk, size, kept, disk, LOGPOINT, "list", "-v", "-x", path,
                               at("service.c", "handle")], capture_output=True, text=True, check=False)
        equal(done.returncode, 0, done.stderr)
        check(said in done.stderr, f"{size}: {done.stderr}")
        check("req: struct req *" in done.stdout, done.stdout)
    shutil.rmtree(disk)


sys.exit(main())
