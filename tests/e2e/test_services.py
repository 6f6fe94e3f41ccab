# SPDX-License-Identifier: GPL-2.0-only
"""Services under their own load, attached to while they run: what is logged is what they did."""

import json
import re
import sys

from harness import COMPILERS, Target, Tracer, at, check, each, equal, line, main, program, same, scratch, test

FAILED = f'{at("service.c", "failed")} "req {{req->id}} {{req->path}} from {{req->peer->name}}" if req->status >= 500'
MEMBERS = {
    "req->id": "id", "req->path": "path", "req->status": "status", "req->method": "method", "req->retries": "retries",
    "req->cached": "cached", "req->drift": "drift", "req->peer->name": "peer", "req->peer->port": "port",
    "req->peer->address.v4": "v4", "req->took": "took", "worker": "worker", "who": None, "req->load": None,
}


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2", "-O3")])
def c_service(cc, opt):
    """Four threads of requests; failed ones and all of them, with members through pointers."""
    target = Target(program("service.c", cc, opt), 500, 4, 100, scratch("log"))
    every = f'{at("service.c", "handle")} "' + " ".join(f"{{{m}}}" for m in MEMBERS) + ' {req->user->id}" as every'
    tracer = Tracer(target, FAILED + " as failed", every)
    target.go()
    status, said = target.finish()
    result = tracer.finish()
    requests = {r["id"]: r for r in map(json.loads, scratch("log").read_text().splitlines())}
    equal((status, len(requests)), (0, 2000), "the service itself")
    counts = result.counts("every")
    equal((counts.hits, counts.logged), (2000, 2000), "every request")
    failed = [r for r in requests.values() if r["status"] >= 500]
    equal(result.counts("failed").logged, len(failed), "failed requests")
    equal(int(re.search(r"failures (\d+)", said)[1]), len(failed), "failures that the service counted")
    messages = sorted(r["message"] for r in result.records if r["logpoint"] == "failed")
    equal(messages, sorted(f'req {r["id"]} {r["path"]} from {r["peer"]}' for r in failed), "messages")
    missing = 0
    for record in (r for r in result.records if r["logpoint"] == "every"):
        values, request = record["values"], requests[record["values"]["req->id"]]
        for member, key in MEMBERS.items():
            if member not in values:
                check(opt != "-O0" and record["errors"][member].startswith("optimized out"), f"{member}: {record}")
                missing += 1
            elif key:
                check(values[member] == request[key], f"{member} is {values[member]!r}, not {request[key]!r}")
        check(same(values["req->load"], {"$float": str(request["load"]), "size": 4}), f"load: {values}")
        if "who" in values:
            equal(values["who"], f'worker-{request["worker"]}', "string")
        equal(record["thread"] if "thread" in record else record["comm"], f'worker-{request["worker"]}', "thread's name")
        if request["user"] >= 0:
            equal(values["req->user->id"], request["user"], "user")
        else:
            check(record["errors"]["req->user->id"].startswith("unreadable 0x"), f"a null user: {record}")
    check(missing < 2 * 2000, f"{missing} values optimized out")


@test
def joined_in_the_middle():
    """Attached while the load is on: from then on every request, in order."""
    target = Target(program("service.c"), 20000, 1, 200)
    target.go()
    tracer = Tracer(target, f'{at("service.c", "handle")} "{{req->id}}" as every', options=("-n", "500"))
    result = tracer.finish()
    ids = [r["values"]["req->id"] for r in result.records]
    equal(ids, list(range(ids[0], ids[0] + 500)), "ids")
    check(target.alive(), "the service ended")


@test
def whole_request():
    """A struct with all it has, three levels deep, and the default text of a line."""
    target = Target(program("service.c", opt="-O0"), 3, 1, 0, scratch("log"))
    tracer = Tracer(target, f'{at("service.c", "handle")} "{{*req}}" as r', f'{at("service.c", "handle")} as locals',
                    "call handle as call", "entry reply as entry")
    target.go()
    target.finish()
    result = tracer.finish()
    requests = [json.loads(r) for r in scratch("log").read_text().splitlines()]
    by = {}
    for record in result.records:
        by.setdefault(record["logpoint"], []).append(record)
    for record, said in zip(by["r"], requests):
        value = record["values"]["*req"]
        equal((value["id"], value["path"], value["method"], value["drift"]),
              (said["id"], said["path"], said["method"], said["drift"]), "members")
        equal(value["body"], [(said["id"] + i) & 0xff for i in range(8)], "array of bytes")
        equal(value["grid"], [[said["id"] % 100 - (3 * r + c) * 10 for c in range(3)] for r in range(2)], "2-D array")
        equal(value["took"], said["took"], "double")
    for record, said in zip(by["locals"], requests):
        equal(set(record["values"]) | set(record.get("errors", {})), {"req", "who", "worker", "length", "result"}, "locals")
        equal((record["values"]["who"], record["values"]["worker"], record["values"]["length"]),
              ("worker-0", 0, len(said["path"].encode())), "values of locals")
    for record, said in zip(by["call"], requests):
        equal(record["return"], said["status"] // 100, "return value")
        equal(set(record["values"]), {"req", "who", "worker"}, "arguments")
    equal([r["values"]["code"] for r in by["entry"]], [r["status"] for r in requests], "arguments at entry")


@each(*[(cc, opt) for cc in COMPILERS for opt in ("-O0", "-O2")])
def cplusplus_service(cc, opt):
    target = Target(program("shop.cc", cc, opt), 300, 100)
    tracer = Tracer(target, 'call shop::Order::total "{this->label} {this->price_}" as total',
                    f'{at("shop.cc", "show")} "{{order.label}} {{order.first.sku}} {{state}}" if n % 3 == 1 as show')
    target.go()
    status, _ = target.finish()
    equal(status, 0, "the service itself")
    result = tracer.finish()
    totals = [r for r in result.records if r["logpoint"] == "total"]
    equal([r["return"] for r in totals], [(100 + i) * (i % 5 + 1) for i in range(300)], "return values")
    equal([r["values"]["this->label"] for r in totals], [("book", "pen", "lamp")[i % 3] for i in range(300)], "labels")
    shown = [r for r in result.records if r["logpoint"] == "show"]
    equal([r["message"] for r in shown], ["pen 12 Paid"] * 100, "messages")


@test
def text_form():
    """One record a line, nothing else: time, process, place, message."""
    target = Target(program("steps.c", opt="-O0"), 20)
    tracer = Tracer(target, f'{at("steps.c", "step")} "i={{i}} {{word=}}"', form="text")
    target.go()
    target.finish()
    rows = tracer.finish().raw.splitlines()
    equal(len(rows), 20, "lines")
    words = ("red", "green", "blue")
    for i, row in enumerate(rows):
        check(re.fullmatch(rf'\d\d:\d\d:\d\d\.\d{{6}} steps\[{target.pid}(:{target.pid})?\] steps\.c:{line("steps.c", "step")} '
                           rf'i={i} word="{words[i % 3]}"', row), row)


@test
def stacks():
    """`with stack`: the frames of the call, inlined ones too, innermost first; locals of each on demand."""
    target = Target(program("service.c", opt="-O0"), 2, 1)
    tracer = Tracer(target, f'{at("service.c", "handle")} "x" with stack as s', 'entry reply "x" with stack locals as l')
    target.go()
    target.finish()
    result = tracer.finish()
    by = {r["logpoint"]: r for r in result.records}
    names = [f.get("function") for f in by["s"]["stack"]]
    equal(names[:2], ["handle", "work"], f"frames ({by['s']['stack']})")
    equal(by["s"]["stack"][0]["line"], line("service.c", "handle"), "line of the first frame")
    check(len(names) > 2, f"the stack ends early: {names}")
    frames = by["l"]["stack"]
    equal([f.get("function") for f in frames[:3]], ["reply", "handle", "work"], "frames")
    check("code" in frames[0]["locals"], f"locals of the first frame: {frames[0]}")
    check("worker" in frames[1].get("locals", {}), f"locals of the second frame: {frames[1]}")


sys.exit(main())
