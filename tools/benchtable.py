# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: a tool's results as JSON, and the tables and the plot that are made from them.

A tool writes build/bench/NAME.json; tools/bench makes one document and one plot of all that are there.

    {"tool": NAME, "title": ..., "rounds": N, "failed": [...],
     "parts": [{"name": ..., "text": ...} or {"name": ..., "columns": [...], "rows": [[cell, ...], ...]}],
     "plot": [a panel of benchplot.py, ...]}

A cell is null, a text, or a figure: {"samples": [what each round found], "digits": N, "unit": ..., "base": null
or the samples of which the table tells how many times it is}.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(os.environ.get("BENCH_OUT", ROOT / "build" / "bench"))
ROUNDS = 3
EXPECTED = (RuntimeError, OSError, subprocess.SubprocessError, LookupError, ValueError, TypeError,
            AttributeError, ArithmeticError)


def figure(samples, digits=0, base=None, unit=""):
    """base: another figure."""
    found = [s for s in samples if s is not None]
    return {"samples": found, "digits": digits, "unit": unit, "base": base and base["samples"]} if found else None


def median(cell):
    """Of a figure; of others None."""
    return statistics.median(cell["samples"]) if isinstance(cell, dict) else None


def times(cell):
    """How many times its base a figure is: the median of the rounds, as a machine's speed changes between them."""
    samples, base = cell["samples"], cell["base"]
    if len(samples) != len(base):
        return statistics.median(samples) / statistics.median(base)
    return statistics.median(s / b for s, b in zip(samples, base) if b)


def shown(cell):
    if not isinstance(cell, dict):
        return cell or ""
    text = f"{median(cell):,.{cell['digits']}f}{cell['unit']}"
    return f"{text} ({times(cell):.2f})" if cell["base"] else text


def spread(rows):
    """How far the rounds are from the medians that the table shows."""
    figures = [cell for row in rows for cell in row if isinstance(cell, dict) and len(cell["samples"]) > 1 and median(cell)]
    if not figures:
        return ""
    widths = [(max(c["samples"]) - min(c["samples"])) / 2 / abs(median(c)) * 100 for c in figures]
    most = max(len(c["samples"]) for c in figures)
    return (f"Medians of {most} rounds, which are within ±{statistics.median(widths):.1f} % for half of the figures, "
            f"±{max(widths):.0f} % for all.")


def table_lines(part):
    yield f"| {' | '.join(part['columns'])} |"
    yield "|---" * len(part["columns"]) + "|"
    for row in part["rows"]:
        yield f"| {' | '.join(shown(cell) for cell in row)} |"


def part_text(part):
    return part["text"] if "text" in part else "\n".join(table_lines(part))


def markdown(found):
    """The section of one tool."""
    lines = [f"## {found['title']}", ""]
    for part in found["parts"]:
        lines += [part_text(part), ""]
        said = spread(part.get("rows", []))
        lines += [said, ""] if said else []
    for why in found["failed"]:
        lines += [f"Failed: {why}", ""]
    return "\n".join(lines)


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"Linux {platform.release().partition('-')[0]}, {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} CPUs"


class Results:
    def __init__(self, tool, title, rounds):
        self.found = {"tool": tool, "title": title, "rounds": rounds, "failed": [], "parts": [], "plot": []}
        self.failed = self.found["failed"]

    def say(self, text, name="about"):
        self.found["parts"].append({"name": name, "text": text})

    def table(self, name, columns, rows):
        rows = [[*row, *[None] * (len(columns) - len(row))] for row in rows]
        self.found["parts"].append({"name": name, "columns": columns, "rows": rows})

    def plot(self, title, cells):
        """A panel of figures, {WHO: cell}; who has none has no bar."""
        bars = {who: [median(cell), shown(cell)] for who, cell in cells.items() if median(cell)}
        if bars:
            self.found["plot"].append({"title": title, "bars": bars})

    def write(self):
        """And prints it: the exit status."""
        (OUT / f"{self.found['tool']}.json").write_text(json.dumps(self.found, indent=1) + "\n")
        print(markdown(self.found), flush=True)
        return 1 if self.failed else 0


def begin(tool):
    """Before anything is measured. SIGTERM then ends what was started, too, as Ctrl-C does."""
    if os.geteuid() != 0:
        sys.exit(f"bench_{tool}: needs root, as the other tracers do")
    OUT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda signo, _: sys.exit(128 + signo))


def run_parts(tool, title, about, parts, options=()):
    """A tool's main(): its exit status. about() has the arguments and says what was measured where; a part is called with
    the results and the arguments, but for what another one looks for in `--only` (None).
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="a figure is the median of as many")
    parser.add_argument("--only", default=",".join(parts), metavar="PART,...", help="of " + ", ".join(parts))
    for name, settings in options:
        parser.add_argument(name, **settings)
    args = parser.parse_args()
    begin(tool)
    results = Results(tool, title, args.rounds)
    results.say(about(args))
    for name, measure in parts.items():
        if measure and name in args.only.split(","):
            tried(results.failed, name, measure, results, args)
    return results.write()


def tried(failed, what, work, *args):
    """What it returns; or why it can't is noted, and None."""
    try:
        return work(*args)
    except EXPECTED as why:
        failed.append(f"{what}: {type(why).__name__}: {why}")
        return None


def read_results(tools, folder=OUT):
    """Of those that have run; of one that only writes Markdown, its text."""
    results = []
    for tool in tools:
        figures, text = folder / f"{tool}.json", folder / f"{tool}.md"
        if figures.exists():
            results.append(json.loads(figures.read_text()))
        elif text.exists():
            results.append({"tool": tool, "title": tool.capitalize(), "failed": [], "parts": [{"name": "all", "text": text.read_text()}], "plot": []})
    return results


# --- README ---

MARK = re.compile(r"(<!-- bench (\w+)/(\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text, results):
    """A text with the parts that its marks name, as they were found; one that isn't there stays as it is."""
    parts = {(found["tool"], part["name"]): part for found in results for part in found["parts"]}

    def replaced(mark):
        part = parts.get((mark[2], mark[3]))
        return f"{mark[1]}{part_text(part)}\n{mark[4]}" if part else mark[0]
    return MARK.sub(replaced, text)
