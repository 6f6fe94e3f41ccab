# SPDX-License-Identifier: GPL-2.0-only
"""Run by gdb: what gdb finds in every variable, at the first hit of each of some places.

Environment GDB_JOB, a JSON file {"out": FILE, ...}. With "lines_of": SOURCE it writes the lines of
a source file that have code. With "places": {KEY: [ADDRESS, ...]} it runs the program and writes {KEY:
{"address": A, "values": {NAME: VALUE}, "function": NAME, "arguments": [NAME...], "entries": [NAME...], "prologue": BOOL}}, values in the forms
of tests/targets/types.c and {"$gone": 1} optimized out, {"$string": hex}, {"$error": text}. "views": {KEY: {ADDRESS:
{NAME: LOCATION}}} are locations in readelf's words that hold for that line instead of what gdb would take ({"$unknown": 1}
where one takes more than this can do). With "entered": [ADDRESS, ...] it writes {ADDRESS: {REGISTER: NUMBER}}: what the
registers held when the function was called whose first hit of the address it is.

prologue: the frame does not stand yet, so gdb shows what lies where it will.
"""

import json
import os
import re

import gdb

ITEMS = 32
STRING = 256
DEPTH = 4


def is_char(kind):
    return kind.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR) and kind.sizeof == 1 and kind.name == "char"


def text_at(address):
    memory = gdb.selected_inferior()
    found = b""
    while len(found) <= STRING and b"\0" not in found:
        at = address + len(found)
        try:
            found += memory.read_memory(at, 64 - at % 64).tobytes()  # never beyond a page
        except gdb.error:
            return {"$error": "unreadable"} if not found else {"$string": found.hex(), "$cut": 1}
    return {"$string": found[:STRING + 1].split(b"\0")[0].hex()}


def dump_pointer(value, kind, depth):
    try:
        address = int(value)
    except gdb.error as why:
        return {"$synthetic": str(why)}
    if "synthetic" in value.format_string():  # what it points to is known, it itself exists nowhere
        return {"$synthetic": 1}
    if is_char(kind.target().strip_typedefs().unqualified()):
        return text_at(address) if address else None
    return {"$ptr": address}


def dump_array(value, kind, depth):
    low, high = kind.range()
    count = high - low + 1
    if is_char(kind.target().strip_typedefs().unqualified()):
        raw = bytes(int(value[low + i]) & 0xff for i in range(min(count, STRING + 1)))
        return {"$string": raw.split(b"\0")[0].hex()}
    items = [dump(value[low + i], depth - 1) for i in range(min(count, ITEMS))]
    return items + (["..."] if count > ITEMS else [])


def dump_struct(value, kind, depth):
    found = {}
    for field in kind.fields():
        if not hasattr(field, "bitpos") or field.artificial or (field.name or "").startswith("_vptr"):
            continue
        if field.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            inner = {"$ptr": int(value[field].referenced_value().address)}  # no pointer in a struct is followed
        else:
            inner = dump(value[field], depth - 1)
        if not field.name:
            found.update(inner if isinstance(inner, dict) else {})
        else:
            found[f"<{field.name}>" if field.is_base_class else field.name] = inner
    return found


def dump_enum(value, kind, depth):
    number = int(value)
    names = {f.name: f.enumval for f in kind.fields()}
    for name, known in names.items():
        if known == number:
            return {"$enum": name.split("::")[-1], "value": number}
    return {"$enum": None, "value": number, "$names": names}


def dump_number(value, kind, depth):
    if kind.sizeof > 8:
        return {"$wide": str(value)}
    return {"$char": int(value) & 0xff} if is_char(kind) else int(value)


def dump_float(value, kind, depth):
    return {"$float": value.format_string(), "size": kind.sizeof}


KINDS = {
    gdb.TYPE_CODE_PTR: dump_pointer, gdb.TYPE_CODE_ARRAY: dump_array, gdb.TYPE_CODE_STRUCT: dump_struct,
    gdb.TYPE_CODE_UNION: dump_struct, gdb.TYPE_CODE_ENUM: dump_enum, gdb.TYPE_CODE_INT: dump_number,
    gdb.TYPE_CODE_CHAR: dump_number, gdb.TYPE_CODE_FLT: dump_float,
    gdb.TYPE_CODE_BOOL: lambda value, kind, depth: bool(int(value)),
    gdb.TYPE_CODE_COMPLEX: lambda value, kind, depth: {"$complex": value.format_string()},
    gdb.TYPE_CODE_MEMBERPTR: lambda value, kind, depth: {"$wide": value.format_string()},
    gdb.TYPE_CODE_REF: lambda value, kind, depth: dump(value.referenced_value(), depth),
    gdb.TYPE_CODE_RVALUE_REF: lambda value, kind, depth: dump(value.referenced_value(), depth),
}


def dump(value, depth=DEPTH):
    try:
        kind = value.type.strip_typedefs().unqualified()
        parts = kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION, gdb.TYPE_CODE_ARRAY)
        if not parts and value.is_optimized_out:
            return {"$gone": 1}
        if depth == 0 and parts:
            return {"$deep": 1}
        return KINDS[kind.code](value, kind, depth)
    except (gdb.error, gdb.MemoryError, KeyError, ValueError) as why:
        return {"$gone": 1} if "optimized out" in str(why) else {"$error": str(why)}


def refused(why):
    if "generic pointer" in why:  # that of a std::nullptr_t which is not set yet: it reads none
        return {"$unknown": 1}
    return {"$gone": 1} if "optimized out" in why else {"$error": why}


def variables(address):
    """Of the innermost function, inlined or not, that holds the address; a shadowed one not."""
    frame, found = gdb.newest_frame(), {}
    block = gdb.block_for_pc(address)
    while block and not block.is_global and not block.is_static:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument) or symbol.name in found \
                    or symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                continue
            try:
                found[symbol.name] = dump(symbol.value(frame))
            except (gdb.error, ValueError) as why:
                found[symbol.name] = refused(str(why))
        if block.function:
            break
        block = block.superblock
    return found


REGISTERS = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
UNSIGNED, SIGNED = 1 << 64, 1 << 63


def register(number):
    return int(gdb.parse_and_eval(f"(unsigned long)${REGISTERS[number]}"))


def frame_address():
    """The CFA of the innermost function that is not inlined."""
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    text = gdb.execute(f"info frame level {frame.level()}", to_string=True)
    return int(re.search(r"frame at 0x([0-9a-f]+)", text)[1], 16)


def binary(operation):
    def step(stack, number):
        b, a = stack.pop(), stack.pop()
        stack.append(operation(a, b) % UNSIGNED)
    return step


def signed(number):
    return (number & UNSIGNED - 1 ^ SIGNED) - SIGNED


def deref(stack, size):
    memory = gdb.selected_inferior().read_memory(stack.pop(), size or 8)
    stack.append(int.from_bytes(memory.tobytes(), "little"))


STEPS = {
    "plus": binary(lambda a, b: a + b), "minus": binary(lambda a, b: a - b), "mul": binary(lambda a, b: a * b),
    "and": binary(lambda a, b: a & b), "or": binary(lambda a, b: a | b), "xor": binary(lambda a, b: a ^ b),
    "shl": binary(lambda a, b: a << b if b < 64 else 0), "shr": binary(lambda a, b: a >> b if b < 64 else 0),
    "shra": binary(lambda a, b: signed(a) >> min(b, 63)),
    "neg": lambda stack, number: stack.append(-stack.pop() % UNSIGNED),
    "not": lambda stack, number: stack.append(~stack.pop() % UNSIGNED),
    "dup": lambda stack, number: stack.append(stack[-1]),
    "swap": lambda stack, number: stack.insert(-1, stack.pop()),
    "plus_uconst": lambda stack, number: stack.append((stack.pop() + number) % UNSIGNED),
    "deref": deref, "deref_size": deref,
    "fbreg": lambda stack, number: stack.append((frame_address() + number) % UNSIGNED),
    **{f"const{n}": lambda stack, number: stack.append(number % UNSIGNED) for n in ("1u", "1s", "2u", "2s", "4u", "4s", "8u", "8s", "u", "s")},
}


def evaluate(text, kind):
    """A location in readelf's words as a value of a type; {"$unknown": 1} where that takes more than is known here."""
    stack, place = [], "memory"
    for operation in text.strip("()").split("; "):
        match = re.fullmatch(r"DW_OP_([a-z_0-9]+?)(\d*)(?: \((\w+)\))?(?:: (-?\d+))?", operation)
        if not match or place != "memory":
            return None
        name, index, number = match[1], int(match[2] or -1), match[4] and int(match[4])
        if name == "lit":
            stack.append(index)
        elif name == "breg":
            stack.append((register(index) + number) % UNSIGNED)
        elif name == "reg":
            stack.append(register(index))
            place = "value"
        elif name == "stack_value":
            place = "value"
        elif STEPS.get(name + match[2]):
            STEPS[name + match[2]](stack, number)
        else:
            return None
    if place == "memory":
        return gdb.Value(stack[-1]).cast(kind.pointer()).dereference()
    parts = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION, gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_FLT, gdb.TYPE_CODE_COMPLEX)
    if kind.strip_typedefs().code in parts or kind.sizeof > 8:
        return None
    raw = gdb.Value(stack[-1]).cast(gdb.lookup_type("unsigned long"))
    return raw.cast(kind)


def at_view(text, kind):
    if not text:
        return {"$gone": 1}
    try:
        value = evaluate(text, kind)
    except (gdb.error, gdb.MemoryError, IndexError) as why:
        return {"$error": str(why)}
    return {"$unknown": 1} if value is None else dump(value)


def kinds(address):
    """{name: type} of what variables() finds."""
    block, found = gdb.block_for_pc(address), {}
    while block and not block.is_global and not block.is_static:
        for symbol in block:
            if symbol.is_variable or symbol.is_argument:
                found.setdefault(symbol.name, symbol.type)
        if block.function:
            break
        block = block.superblock
    return found


def at_entry(address):
    """Names located by the value of a register at the function's entry."""
    found, name = set(), None
    try:
        scope = gdb.execute(f"info scope *{address:#x}", to_string=True)
    except gdb.error:  # gdb 13 on functions that lie in several places
        scope = ""
    for row in scope.splitlines():
        match = re.match(r"Symbol (\S+) is ", row)
        if match:
            name, inside = match[1], False
        match = re.search(r"Range 0x([0-9a-f]+)-0x([0-9a-f]+):", row)
        if match and name:
            inside = int(match[1], 16) <= address < int(match[2], 16)
        if name and inside and "entry_value" in row:
            found.add(name)
    return sorted(found)


def about(address):
    return {"entries": at_entry(address), "prologue": in_prologue(address), "arguments": sorted(arguments(address)), "function": function_of(address)}


def in_prologue(address):
    """Before the second row of the line table, where gdb itself would set a breakpoint."""
    block = gdb.block_for_pc(address)
    while block and not (block.function and not block.superblock.function and block.superblock.is_static):
        block = block.superblock
    if not block:
        return False
    match = re.search(r"ends at 0x([0-9a-f]+)", gdb.execute(f"info line *{block.start:#x}", to_string=True))
    return bool(match) and address < int(match[1], 16)


def function_of(address):
    block = gdb.block_for_pc(address)
    while block and not block.function:
        block = block.superblock
    return block.function.name if block else None


def arguments(address):
    block = gdb.block_for_pc(address)
    while block and not block.function:
        block = block.superblock
    return {symbol.name for symbol in block or () if symbol.is_argument}


def run(places, views):
    waiting, found, points = {}, {}, {}
    for key, addresses in places.items():
        for address in addresses:
            waiting.setdefault(address, set()).add(key)
    for address in waiting:
        points[address] = gdb.Breakpoint(f"*{address:#x}", internal=True)
        points[address].silent = True
    gdb.execute("run", to_string=True)
    while gdb.selected_inferior().pid and waiting:
        address = int(gdb.newest_frame().pc())
        keys = waiting.pop(address, set())
        if keys:
            values, types, where = variables(address), kinds(address), about(address)
        for key in keys:
            told = views.get(key, {}).get(str(address), {})
            seen = {name: at_view(told[name], types[name]) if name in told else value for name, value in values.items()}
            found[key] = {"address": address, "values": seen, **where}
            for other in places[key]:
                if other in waiting:
                    waiting[other].discard(key)
        for other in [a for a in points if not waiting.get(a)]:
            points.pop(other).delete()
            waiting.pop(other, None)
        if waiting:
            gdb.execute("continue", to_string=True)
    if gdb.selected_inferior().pid:
        gdb.execute("kill", to_string=True)
    return found


class Entry(gdb.Breakpoint):
    """Remembers the registers of each call of a function by its frame."""

    def __init__(self, address):
        super().__init__(f"*{address:#x}", internal=True)
        self.calls = {}

    def stop(self):
        self.calls[register(7) + 8] = {name: register(n) for n, name in enumerate(REGISTERS)}
        return False


def entered(addresses):
    """{address: the registers at the entry of the function whose first hit of the address it is}."""
    entries, points, found = {}, {}, {}
    for address in addresses:
        block = gdb.block_for_pc(address)
        while not (block.function and block.superblock.is_static):
            block = block.superblock
        start = int(block.function.value().address)
        entries[address] = entries.get(address) or next((e for e in entries.values() if e.start == start), None) or Entry(start)
        entries[address].start = start
        points[address] = gdb.Breakpoint(f"*{address:#x}", internal=True)
        points[address].silent = True
    gdb.execute("run", to_string=True)
    while gdb.selected_inferior().pid and points:
        address = int(gdb.newest_frame().pc())
        if address in points:
            found[address] = entries[address].calls.get(frame_address())
            points.pop(address).delete()
        gdb.execute("continue" if points else "kill", to_string=True)
    return found


def lines_of(source):
    """Lines with code, in any unit; gdb moves others to the next."""
    found, wanted = set(), 1
    while True:
        try:
            places = gdb.decode_line(f"{source}:{wanted}")[1] or ()
        except gdb.error:
            return sorted(found)
        lines = [place.line for place in places if place.line >= wanted]
        if not lines:
            return sorted(found)
        found.update(lines)
        wanted = min(lines) + 1


with open(os.environ["GDB_JOB"]) as job_file:
    job = json.load(job_file)
for setting in ("pagination off", "confirm off", "startup-with-shell on", "print elements 0",
                "print address off", "disable-randomization on", "breakpoint pending off"):
    gdb.execute(f"set {setting}")
if "lines_of" in job:
    answer = lines_of(job["lines_of"])
elif "entered" in job:
    answer = entered(job["entered"])
else:
    answer = run(job["places"], job.get("views", {}))
with open(job["out"], "w") as out:
    json.dump(answer, out)
