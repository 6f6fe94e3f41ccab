# SPDX-License-Identifier: GPL-2.0-only
"""The plot of the benchmarks: an SVG of bars, one panel for each thing that was measured, two beside each other.

A panel is {"title": ..., "bars": {WHO: [value, how it is told]}}. Lengths are in proportion; a bar that would leave no room to
the others ends at the edge, broken.
"""

import statistics
from xml.sax.saxutils import escape

WIDTH, MARGIN, COLUMNS = 1080, 24, 2
NAMES, VALUES = 190, 120  # pixels for the texts before and behind the bars
ROW, BAR, HEAD, GAP = 22, 14, 30, 22
ROOM = 4  # a bar that is longer than as many usual ones is broken
BREAK = 6

INK, PALE, GROUND = "#24292f", "#6e7781", "#ffffff"
COLOURS = {"logpoint": "#0a7f6f", "empty BPF program": "#8c959f"}
PEER = "#c69026"


def colour(who, bars):
    """Where nobody is logpoint, all are."""
    return COLOURS.get(who if "logpoint" in bars else "logpoint", PEER)


def edge(values):
    """The length that the axis is made for."""
    usual = statistics.median(values)
    return max(value for value in values if value <= ROOM * usual)


def text(x, y, content, size=12, anchor="start", fill=INK, weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-weight="{weight}">{escape(content)}</text>')


def bar(x, y, length, fill, broken):
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(length, 1):.1f}" height="{BAR}" rx="2" fill="{fill}"/>'
    if broken:
        at = x + length - 4 * BREAK
        yield (f'<path d="M{at:.1f} {y + BAR + 1} l{BREAK} -{BAR + 2} h{BREAK} l-{BREAK} {BAR + 2} z" '
               f'fill="{GROUND}"/>')


def height(panel):
    return HEAD + ROW * len(panel["bars"]) + GAP


def drawn(panel, x, y, width):
    most, room = edge([value for value, _ in panel["bars"].values()]), width - NAMES - VALUES
    yield text(x, y + 14, panel["title"], 13, weight="bold")
    for row, (who, (value, told)) in enumerate(panel["bars"].items()):
        top, length = y + HEAD + row * ROW, min(value / most, 1) * room
        yield text(x + NAMES - 8, top + BAR - 3, who.replace("`", ""), anchor="end")
        yield from bar(x + NAMES, top, length, colour(who, panel["bars"]), value > most)
        yield text(x + NAMES + length + 6, top + BAR - 3, told, 11, fill=PALE)


def svg(panels, caption):
    """Panels in rows, each as high as its highest."""
    width = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS
    y, body = MARGIN, []
    for first in range(0, len(panels), COLUMNS):
        row = panels[first:first + COLUMNS]
        for column, panel in enumerate(row):
            body += drawn(panel, MARGIN + column * (width + MARGIN), y, width)
        y += max(map(height, row))
    body.append(text(MARGIN, y + 10, caption, 11, fill=PALE))
    y += MARGIN + 6
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
                      'font-family="system-ui, -apple-system, \'Segoe UI\', \'DejaVu Sans\', sans-serif">',
                      f'<rect width="{WIDTH}" height="{y}" rx="8" fill="{GROUND}"/>', *body, "</svg>", ""])
