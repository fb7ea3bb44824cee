"""Graphs as text, Mermaid, Graphviz' dot, and SVG."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Literal, TypeAlias, get_args

from raystreaming.errors import GraphError, nearest
from raystreaming.graph.logical import LogicalGraph
from raystreaming.graph.picture import Level, Picture, picture
from raystreaming.graph.svg import svg

Format: TypeAlias = Literal["text", "mermaid", "dot", "svg"]
FORMATS: tuple[str, ...] = get_args(Format)


def draw(graph: LogicalGraph, level: Level, form: Format) -> str:
    """Return a graph that has been identified in one of the formats.

    Raises:
        GraphError: There is no such graph or format.
    """
    if level not in ("logical", "physical"):
        raise GraphError(f"the graph is 'logical' or 'physical', got {level!r}")
    if form not in FORMATS:
        known = ", ".join(map(repr, FORMATS))
        raise GraphError(f"the format is one of {known}, got {form!r}{nearest(str(form), FORMATS)}")
    return _DRAWN[form](picture(graph, level))


def _text(drawn: Picture) -> str:
    names = {box.id: " -> ".join(box.lines) for box in drawn.boxes}
    lines: list[str] = []
    for box in drawn.boxes:
        lines.append(names[box.id])
        lines += [f"    {a.text} --> {names[a.end]}" for a in drawn.arrows if a.start == box.id]
    return "\n".join(lines)


_MERMAID = {"source": ("([", "])"), "operator": ("[", "]"), "sink": ("[(", ")]")}


def _mermaid(drawn: Picture) -> str:
    lines = ["flowchart LR"]
    for box in drawn.boxes:
        left, right = _MERMAID[box.kind]
        text = "<br/>".join(escape(line).replace('"', "#quot;") for line in box.lines)
        lines.append(f'    {box.id}{left}"{text}"{right}')
    for arrow in drawn.arrows:
        lines.append(f'    {arrow.start} -->|"{escape(arrow.text)}"| {arrow.end}')
    return "\n".join(lines)


_SHAPES = {"source": "ellipse", "operator": "box", "sink": "cylinder"}


def _dot(drawn: Picture) -> str:
    lines = ["digraph job {", "    rankdir=LR;"]
    for box in drawn.boxes:
        label = json.dumps("\n".join(box.lines), ensure_ascii=False)
        lines.append(f"    {box.id} [label={label}, shape={_SHAPES[box.kind]}];")
    for arrow in drawn.arrows:
        lines.append(
            f"    {arrow.start} -> {arrow.end} [label={json.dumps(arrow.text, ensure_ascii=False)}];"
        )
    return "\n".join([*lines, "}"])


_DRAWN: dict[str, Callable[[Picture], str]] = {"text": _text, "mermaid": _mermaid, "dot": _dot, "svg": svg}
