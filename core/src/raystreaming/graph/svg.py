"""A picture as SVG: boxes in columns, from the sources on the left to the sinks on the right."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from raystreaming.graph.picture import Box, Picture

_LETTER = 7.5
_LINE = 18
_PAD = 12
_BESIDE = 150
_BELOW = 28
_COLOURS = {"source": "#d9ead3", "operator": "#e8eef7", "sink": "#fce5cd"}


class _Place(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def svg(drawn: Picture) -> str:
    """Return the picture as the text of an SVG file."""
    places, width, height = _placed(drawn)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="sans-serif" font-size="13">',
        '<defs><marker id="end" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="#555"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    said: set[tuple[str, str]] = set()
    for arrow in drawn.arrows:
        start, end = places[arrow.start], places[arrow.end]
        x1, y1 = start.x + start.width, start.y + start.height / 2
        x2, y2 = end.x, end.y + end.height / 2
        middle = (x1 + x2) / 2
        curve = f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
        parts.append(f'<path d="{curve}" fill="none" stroke="#555" marker-end="url(#end)"/>')
        if (arrow.start, arrow.text) not in said:  # once for all channels of an edge
            said.add((arrow.start, arrow.text))
            at = f'x="{x1 + 8:.1f}" y="{y1 - 6:.1f}"'
            parts.append(f'<text {at} font-size="11" fill="#555">{escape(arrow.text)}</text>')
    for box in drawn.boxes:
        parts += _box(box, places[box.id])
    return "\n".join([*parts, "</svg>"])


def _box(box: Box, place: _Place) -> list[str]:
    round_ = 14 if box.kind != "operator" else 3
    parts = [
        f'<rect x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" '
        f'rx="{round_}" fill="{_COLOURS[box.kind]}" stroke="#555"/>'
    ]
    for i, line in enumerate(box.lines):
        y = place.y + _PAD + _LINE * i + 11
        parts.append(f'<text x="{place.x + _PAD:.1f}" y="{y:.1f}">{escape(line)}</text>')
    return parts


def _placed(drawn: Picture) -> tuple[dict[str, _Place], float, float]:
    """Return where each box is, and the size of all."""
    column: dict[str, int] = {}
    for box in drawn.boxes:  # those that point to it come first
        before = [column[a.start] for a in drawn.arrows if a.end == box.id]
        column[box.id] = max(before, default=-1) + 1
    places: dict[str, _Place] = {}
    x, height = 20.0, 0.0
    for number in range(max(column.values(), default=-1) + 1):
        here = [box for box in drawn.boxes if column[box.id] == number]
        width = max(2 * _PAD + _LETTER * max(map(len, box.lines)) for box in here)
        y = 20.0
        for box in here:
            tall = 2 * _PAD + _LINE * len(box.lines) - 4
            places[box.id] = _Place(x, y, width, tall)
            y += tall + _BELOW
        height = max(height, y)
        x += width + _BESIDE
    return places, x - _BESIDE + 20, height
