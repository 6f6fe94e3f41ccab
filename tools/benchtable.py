# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: a tool's results as JSON, and the tables and the plot that are made from them.

A tool writes build/bench/NAME.json; tools/bench makes one document and one plot of all that are there.

    {"tool": NAME, "title": ..., "rounds": N, "failed": [...],
     "parts": [{"text": ...} or {"table": NAME, "columns": [...], "rows": [[cell, ...], ...]}],
     "bars": [{"panel": ..., "group": ..., "bars": {WHO: value}}]}

A cell is null, a text, or a figure: {"samples": [what each round found], "digits": N, "unit": ..., "base": null
or that of which the table tells how many times it is}.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(os.environ.get("BENCH_OUT", ROOT / "build" / "bench"))
ROUNDS = 3
EXPECTED = (RuntimeError, OSError, subprocess.SubprocessError, LookupError, ValueError, TypeError, AttributeError)

PANEL = 1240, 330  # pixels
BAR = 0.8  # of its room


def figure(samples, digits=0, base=None, unit=""):
    found = [s for s in samples if s is not None]
    return {"samples": found, "digits": digits, "unit": unit, "base": base} if found else None


def median(cell):
    """Of a figure; of others None."""
    return statistics.median(cell["samples"]) if isinstance(cell, dict) else None


def shown(cell):
    if not isinstance(cell, dict):
        return cell or ""
    text = f"{median(cell):,.{cell['digits']}f}{cell['unit']}"
    return f"{text} ({median(cell) / cell['base']:.2f})" if cell["base"] else text


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
    said = spread(part["rows"])
    if said:
        yield ""
        yield said


def markdown(found):
    """The section of one tool."""
    lines = [f"## {found['title']}", ""]
    for part in found["parts"]:
        lines += [part["text"]] if "text" in part else table_lines(part)
        lines.append("")
    for why in found["failed"]:
        lines += [f"Failed: {why}", ""]
    return "\n".join(lines)


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"Linux {platform.release()}, {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} CPUs"


class Results:
    def __init__(self, tool, title, rounds):
        self.found = {"tool": tool, "title": title, "rounds": rounds, "failed": [], "parts": [], "bars": []}
        self.failed = self.found["failed"]

    def say(self, text):
        self.found["parts"].append({"text": text})

    def table(self, name, columns, rows):
        rows = [[*row, *[None] * (len(columns) - len(row))] for row in rows]
        self.found["parts"].append({"table": name, "columns": columns, "rows": rows})

    def bars(self, panel, group, bars):
        """Bars beside each other; who has no value has none."""
        bars = {who: value for who, value in bars.items() if value}
        if bars:
            self.found["bars"].append({"panel": panel, "group": group, "bars": bars})

    def write(self):
        """And prints it: the exit status."""
        (OUT / f"{self.found['tool']}.json").write_text(json.dumps(self.found, indent=1) + "\n")
        print(markdown(self.found), flush=True)
        return 1 if self.failed else 0


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
    if os.geteuid() != 0:
        sys.exit(f"bench_{tool}: needs root")
    OUT.mkdir(parents=True, exist_ok=True)
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
            results.append({"tool": tool, "title": tool.capitalize(), "failed": [], "parts": [{"text": text.read_text()}], "bars": []})
    return results


# --- README ---

MARK = re.compile(r"(<!-- bench (\w+)/(\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def filled(text, results):
    """A text with the tables that its marks name, as they were found; a table that isn't there stays as it is."""
    tables = {(found["tool"], part["table"]): part for found in results for part in found["parts"] if "table" in part}

    def replaced(mark):
        part = tables.get((mark[2], mark[3]))
        return mark[1] + "\n".join(table_lines(part)) + mark[4] if part else mark[0]
    return MARK.sub(replaced, text)


# --- the plot ---


def laid_out(groups):
    """(the middles of groups, {who: [(x, value)]}): bars of a group side by side, a bar's room between groups."""
    middles, bars, x = [], {}, 0
    for group in groups:
        middles.append((group["group"], x + (len(group["bars"]) - 1) / 2))
        for who, value in group["bars"].items():
            bars.setdefault(who, []).append((x, value))
            x += 1
        x += 1
    return middles, bars


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def panel_commands(panel, groups, colours):
    middles, bars = laid_out(groups)
    values = [value for each in bars.values() for _, value in each]
    end = max(x for each in bars.values() for x, _ in each)
    yield f"set title {quoted(panel)}"
    yield f"set xrange [-1:{end + 1}]"
    yield f"set yrange [{min(values) / 2:g}:{max(values) * 4:g}]"
    yield "set xtics (" + ", ".join(f"{quoted(name)} {x:g}" for name, x in middles) + ")"
    for number, each in enumerate(bars.values()):
        yield f"$data{number} << EOD"
        yield from (f"{x} {value:.4g}" for x, value in each)
        yield "EOD"
    drawn = [f"$data{number} using 1:2 with boxes title {quoted(who)} linecolor {colours[who]}"
             for number, who in enumerate(bars)]
    drawn += [f'$data{number} using 1:2:(sprintf($2 < 100 ? "%.3g" : "%.0f", $2)) with labels offset 0,0.6 notitle'
              for number in range(len(bars))]
    yield "plot " + ", ".join(drawn)


def plot_commands(results, path):
    panels = {}
    for found in results:
        for group in found["bars"]:
            panels.setdefault(group["panel"], []).append(group)
    everyone = [who for groups in panels.values() for group in groups for who in group["bars"]]
    colours = {who: number + 1 for number, who in enumerate(dict.fromkeys(everyone))}
    yield f"set terminal svg size {PANEL[0]},{PANEL[1] * len(panels)} font 'sans,12' background 'white'"
    yield f"set output {quoted(str(path))}"
    yield f"set boxwidth {BAR}\nset style fill solid\nset logscale y\nset grid ytics\nset key outside right"
    yield "set tics nomirror\nset xtics scale 0"
    yield f"set multiplot layout {len(panels)},1"
    for panel, groups in panels.items():
        yield from panel_commands(panel, groups, colours)


def plot(results, path):
    """By gnuplot. A RuntimeError where it can't."""
    if not any(found["bars"] for found in results):
        raise RuntimeError("nothing was found to be plotted")
    try:
        done = subprocess.run(["gnuplot"], input="\n".join(plot_commands(results, path)) + "\n", text=True,
                              capture_output=True, check=False)
    except FileNotFoundError:
        raise RuntimeError("gnuplot is not installed") from None
    if done.returncode or done.stderr.strip():
        raise RuntimeError(f"gnuplot: {done.stderr.strip()[-300:]}")
