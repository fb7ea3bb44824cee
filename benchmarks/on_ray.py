"""Jobs on Ray beside the same embedded and beside Ray actor calls; each cluster is fresh and runs already."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Wrong, interleave, span

TITLE = "On Ray"
CALLS = "Ray actor calls"


def run(options: Options) -> list[str]:
    """Return the tables."""
    if importlib.util.find_spec("ray") is None:
        return ["Ray is not installed."]
    return [*_hops(options), "", *_rates(options), "", *_start(options)]


def _job(
    name: str, runtime: str, mode: str, count: int, right: dict[str, Any], *argv: object, given: str = "{out}"
) -> Contender:
    def verify(out: Path, said: dict[str, Any]) -> None:
        found = {k: said.get(k) for k in right}
        if found != right:
            raise Wrong(f"{name}: {found} instead of {right}")

    program = [str(HERE / "jobs/on_ray.py"), runtime, given, mode, str(count), *map(str, argv)]
    return Contender(name, program, verify, own_clock=True)


def _hops(options: Options) -> list[str]:
    count = options.size(20_000, least=5_000)
    right = {"records": count}
    job = "source, map, sink in three workers"
    contenders = [
        _job(job, "ray", "hops", count, right),
        _job(f"{job}, buffer_timeout=0", "ray", "hops", count, right, 0),
        Contender(CALLS, [str(HERE / "peers/ray_calls.py"), "hops", str(count)], _nothing),
    ]
    runs = interleave(contenders, options)
    lines = [
        "Two hops, a record each millisecond, from when the source gives it to when the sink has it. "
        "Milliseconds; the first two seconds are left out.",
        "",
        "| | median | p99 | p99.9 |",
        "|---|---|---|---|",
    ]
    for c in contenders:
        cells = [
            span([r.said[n] for r in runs[c.name]], ",.2f") for n in ("given_50", "given_99", "given_99.9")
        ]
        lines.append(f"| {c.name} | {' | '.join(cells)} |")
    return lines


def _rates(options: Options) -> list[str]:
    small, calls = options.size(400_000), options.size(10_000)
    lines = [
        "Records a second, from when all tasks run to the end of the job.",
        "",
        "| | records/s | times the other |",
        "|---|---|---|",
    ]
    frames = _job("1 KB records, source to sink, two workers", "ray", "frames", small, {"records": small})
    peer = Contender(
        f"1 KB, {CALLS}",
        [str(HERE / "peers/ray_calls.py"), "rate", "bytes", "1024", str(calls)],
        _nothing,
        own_clock=True,
    )
    lines += _beside([frames], small, peer, calls, options)
    for mode, unit, count in (("cpu", "20 us of Python each", 400_000), ("words", "word count", 16_000_000)):
        size = options.size(count) // 20 * 20
        folder = options.work / mode
        _write_words(folder / "in", size if mode == "words" else size * 10)
        right = {"records": size, "total": size if mode == "words" else 0}
        on_ray = [_job(f"{unit}, Ray, parallelism 2", "ray", mode, size, right, given=str(folder))]
        if mode == "words":  # half of the words stay in the worker that split them
            two = f"{unit}, Ray, parallelism 2, workers=2"
            on_ray.append(_job(two, "ray", mode, size, right, 0.005, 2, given=str(folder)))
        embedded = _job(f"{unit}, embedded", "embedded", mode, size, right, given=str(folder))
        lines += _beside(on_ray, size, embedded, size, options)
    return lines


def _beside(jobs: list[Contender], count: int, other: Contender, others: int, options: Options) -> list[str]:
    runs = interleave([*jobs, other], options)
    theirs = [others / r.seconds for r in runs[other.name]]
    lines: list[str] = []
    for job in jobs:
        mine = [count / r.seconds for r in runs[job.name]]
        versus = span([a / b for a, b in zip(mine, theirs, strict=True)], ".2f")
        lines.append(f"| {job.name} | {span(mine, ',.0f')} | {versus} |")
    return [*lines, f"| {other.name} | {span(theirs, ',.0f')} | |"]


def _start(options: Options) -> list[str]:
    right = {"records": 10, "records_from_python": 10}
    ten = _job("ten records, three tasks", "ray", "ten", 10, right)
    runs = interleave([ten], options)[ten.name]
    from_submit = span([r.seconds for r in runs], ".2f")
    from_python = span([r.said["from_python"] for r in runs], ".2f")
    return [
        "Ten records through three workers on a running cluster, without spares, to the end: from `submit` "
        f"in a program that has joined it {from_submit} s, from `python` to its exit {from_python} s."
    ]


def _write_words(folder: Path, words: int) -> None:
    """Write lines of ten words into two files."""
    sys.path.insert(0, str(HERE / "common"))
    from word_data import lines

    folder.mkdir(parents=True)
    text = lines(words)
    for name, part in (("a", text[: len(text) // 2]), ("b", text[len(text) // 2 :])):
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in part))


def _nothing(out: Path, said: dict[str, Any]) -> None:
    """The peer verifies itself."""
