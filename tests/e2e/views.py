# SPDX-License-Identifier: GPL-2.0-only
"""Location views: where a variable is on each of the lines that begin at one address.

The rule (DWARF 6 draft, "location views"; gcc's DW_AT_GNU_locviews): the lines that begin at an address
are numbered from 0, in the order of the line table. An entry of a location list begins and ends at
an address and the number of a line there. Of two lines at one address only the one that lies in
[begin, end) by address and number has the entry's location; so a line before an assignment
still has the old value, or none, though no instruction lies between. gdb and libdw compare
addresses alone. Read here from readelf, which shares no code with either.
"""

import collections
import dataclasses
import functools
import pathlib
import re
import shutil
import subprocess

LAST = 1 << 62  # of an address where the line asked for does not begin


@dataclasses.dataclass
class Entry:
    begin: tuple  # (address, view)
    end: tuple
    expression: str


def readelf(path, *what):
    process = subprocess.Popen([shutil.which("readelf"), "-W", *what, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    with process.stdout as rows:
        yield from rows
    process.wait()


def location_lists(path):
    """{offset: [Entry]} of those that have views."""
    found, first, entries, pair = {}, None, [], None
    for row in readelf(path, "--debug-dump=loc"):
        words = row.split()
        if len(words) < 3:
            if entries:
                found[first] = entries
            first, entries, pair = None, [], None
        elif row.endswith("location view pair\n"):
            pass
        elif "End" in row and "<End of list>" in row:
            pass
        else:
            if re.fullmatch(r"[0-9a-f]{8}", words[0]):
                first = int(words[0], 16) if first is None else first
                words = words[1:]
            if "views" in words:
                pair = int(words[0][1:], 16), int(words[1][1:], 16)
            elif len(words) > 2 and re.fullmatch(r"[0-9a-f]{16}", words[1]):
                views, pair = pair or (0, 0), None
                entries.append(Entry((int(words[0], 16), views[0]), (int(words[1], 16), views[1]), " ".join(words[2:]).removesuffix(" (start == end)")))
    return found


FUNCTIONS = "DW_TAG_subprogram", "DW_TAG_inlined_subroutine"
VARIABLES = "DW_TAG_formal_parameter", "DW_TAG_variable"


def names_of_lists(path):
    """{offset of a location list: (name of its variable, name of its function)}."""
    lists, names, origins, die, within = {}, {}, {}, 0, []
    for row in readelf(path, "--debug-dump=info"):
        if row.startswith(" <"):
            end = row.index(">")
            level, die = int(row[2:end], 16), 0
            while within and within[-1][0] >= level:
                within.pop()
            is_function = any(tag in row for tag in FUNCTIONS)
            if is_function or any(tag in row for tag in VARIABLES):
                die = int(row[end + 2:row.index(">", end + 2)], 16)
            if is_function:
                within.append((level, die))
        elif not die:
            continue
        elif "DW_AT_name " in row:
            names[die] = re.sub(r"^\([^)]*\)(: | )?", "", row.split("DW_AT_name", 1)[1].lstrip(" :")).rsplit("): ", 1)[-1].strip()
        elif "DW_AT_abstract_origin" in row or "DW_AT_specification" in row:
            origin = re.search(r"<0x([0-9a-f]+)>", row)  # not of 64-bit DWARF
            origins[die] = int(origin[1], 16) if origin else None
        elif "(location list)" in row:
            lists[int(re.search(r" 0x([0-9a-f]+) \(location list\)", row)[1], 16)] = die, within[-1][1] if within else 0

    def name_of(die):
        for _ in range(4):
            if die in names:
                return re.sub(r"[<(].*", "", names[die])  # no arguments of a template
            die = origins.get(die)
        return None

    return {offset: (name_of(die), name_of(function)) for offset, (die, function) in lists.items()}


def line_views(path):
    """{(base name of the file, line, address): the first view of it that is a statement}."""
    found = {}
    for row in readelf(path, "--debug-dump=decodedline"):
        words = row.split()
        if len(words) >= 4 and words[-1] == "x" and words[2].startswith("0x") and words[1].isdigit():
            view = int(words[3]) if len(words) > 4 else 0
            found.setdefault((words[0].split("/")[-1], int(words[1]), int(words[2], 16)), view)
    return found


class Views:
    def __init__(self, path):
        self.lines = line_views(path)
        names = names_of_lists(path)
        self.lists = collections.defaultdict(list)  # {(name, function): [(first address, last address, entries)]}
        self.edges = collections.defaultdict(set)  # {address: names}
        for offset, entries in location_lists(path).items():
            name = names.get(offset)
            ends = [a for e in entries for a in (e.begin[0], e.end[0])]
            if name and name[0]:
                self.lists[name].append((min(ends), max(ends), entries))
                for address in ends:
                    self.edges[address].add(name)

    def place(self, source, line, address):
        return address, self.lines.get((source.split("/")[-1], line, address), LAST)

    def entries(self, place, name, function):
        """Of the one variable that has a location at the address, else that one's whose location begins or ends there; where
        that are several, of the one that has a location on this line. []: not known.
        """
        address = place[0]
        near = [entries for first, last, entries in self.lists.get((name, function), ()) if first <= address <= last]
        here = [entries for entries in near if any(e.begin[0] <= address < e.end[0] for e in entries)]
        here = here or [entries for entries in near if any(e.begin[0] <= address <= e.end[0] for e in entries)]
        if len(here) > 1:
            here = [entries for entries in here if any(e.begin <= place < e.end for e in entries)]
        return here[0] if len(here) == 1 else []

    def expression(self, source, line, address, name, function):
        """The location on this line; "": none, or not known."""
        place = self.place(source, line, address)
        return next((e.expression for e in self.entries(place, name, function) if e.begin <= place < e.end), "")

    def differing(self, source, line, address, function):
        """{name: location} of those variables of a function that are elsewhere ("": nowhere) on this line than addresses
        alone say.
        """
        found = {}
        for name, owner in self.edges.get(address, ()):
            if owner != function:
                continue
            entries = self.entries(self.place(source, line, address), name, function)
            usual = next((e.expression for e in entries if e.begin[0] <= address < e.end[0]), "")
            text = self.expression(source, line, address, name, function)
            if entries and text != usual:
                found[name] = text
        return found


@functools.cache
def views_of(path):
    return Views(path)


@functools.cache
def debug_file(path):
    """The file that has the debug information of a program."""
    found = next((m for row in readelf(path, "-n") if (m := re.search(r"Build ID: ([0-9a-f]{2})([0-9a-f]+)", row))), None)
    separate = pathlib.Path(f"/usr/lib/debug/.build-id/{found[1]}/{found[2]}.debug") if found else None
    return separate if separate and separate.exists() else path
