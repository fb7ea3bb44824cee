"""Frames between processes, beside the same between Ray actors by calls: rates, and latency of two hops."""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Run, Wrong, interleave, span

TITLE = "Transport"
CALLS = "Ray actor calls"


def run(options: Options) -> list[str]:
    """Return the tables."""
    lines = [
        "Frames from one process to another. A frame holds Python `bytes` of 1 KB, or Arrow rows of 100 "
        "bytes. By default, small frames are merged for up to 5 ms; with 0 each is sent at once.",
        "",
        "| | frames/s | MB/s | times the calls |",
        "|---|---|---|---|",
    ]
    for kind, size in (("bytes", 65_536), ("arrow", 65_536), ("bytes", 1_024)):
        lines += _rates(options, kind, size)
    lines += [
        "",
        "Two hops, three processes, a record each millisecond. From when the source gives it to when the "
        "third process has it. Milliseconds; the first two seconds are left out.",
        "",
        "| | median | p99 | p99.9 |",
        "|---|---|---|---|",
        *_hops(options),
    ]
    return lines if _has_ray() else [*lines, "", "Ray is not installed: nothing to compare with."]


def _rates(options: Options, kind: str, size: int) -> list[str]:
    what = f"{size // 1024} KB, {'Arrow' if kind == 'arrow' else 'bytes'}"
    frames = options.size(20_000 if size > 10_000 else 200_000)
    calls = options.size(2_000 if size > 10_000 else 10_000)

    def contender(name: str, *argv: object) -> Contender:
        return Contender(
            f"{what}: {name}", [str(HERE / str(argv[0])), *map(str, argv[1:])], _right, own_clock=True
        )

    contenders = [
        contender("transport", "jobs/transport.py", "rate", kind, size, frames, 0.005),
        contender("transport, buffer_timeout=0", "jobs/transport.py", "rate", kind, size, frames, 0),
    ]
    counts = [frames, frames]
    if _has_ray():
        contenders.append(contender(CALLS, "peers/ray_calls.py", "rate", kind, size, calls))
        counts.append(calls)
    runs = interleave(contenders, options)
    rates = {
        c.name: [count / r.seconds for r in runs[c.name]] for c, count in zip(contenders, counts, strict=True)
    }
    lines: list[str] = []
    for c in contenders:
        mine = rates[c.name]
        versus = ""
        if _has_ray() and c is not contenders[-1]:
            theirs = rates[contenders[-1].name]
            versus = span([a / b for a, b in zip(mine, theirs, strict=True)], ".0f")
        megabytes = statistics.median(mine) * size / 1e6
        lines.append(f"| {c.name} | {span(mine, ',.0f')} | {megabytes:,.0f} | {versus} |")
    return lines


def _hops(options: Options) -> list[str]:
    count = options.size(20_000, least=5_000)

    def verify(out: Path, said: dict[str, Any]) -> None:
        if said.get("records") != count:
            raise Wrong(f"two hops: {said.get('records')} records instead of {count}")

    def contender(name: str, program: str, *argv: object) -> Contender:
        return Contender(name, [str(HERE / program), "hops", str(count), *map(str, argv)], verify)

    contenders = [
        contender("transport", "jobs/transport.py", 0.005),
        contender("transport, buffer_timeout=0", "jobs/transport.py", 0),
    ]
    if _has_ray():
        contenders.append(contender(CALLS, "peers/ray_calls.py"))
    runs = interleave(contenders, options)
    lines: list[str] = []
    for c in contenders:
        mine = runs[c.name]
        cells = [_of(mine, name) for name in ("given_50", "given_99", "given_99.9")]
        lines.append(f"| {c.name} | {' | '.join(cells)} |")
    return lines


def _right(out: Path, said: dict[str, Any]) -> None:
    if not said.get("right"):
        raise Wrong(f"records were lost or repeated: {said}")


def _of(runs: Sequence[Run], name: str) -> str:
    return span([r.said[name] for r in runs], ",.2f")


def _has_ray() -> bool:
    return importlib.util.find_spec("ray") is not None
