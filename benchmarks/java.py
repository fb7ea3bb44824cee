"""Java and Python in one job, beside PyFlink, and what a JVM adds to the start of a job."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Run, Wrong, interleave, span

from raystreaming_java.jvm import our_jars
from raystreaming_test_support.cache import cache_root, made_once

TITLE = "Java and Python in one job"
PYFLINK = "2.3.0"
PYTHONS = ("python3.11", "python3.10")
"""Those that PyFlink has packages for."""


@dataclass(frozen=True)
class Shape:
    """A job: the contender, what its records are (`pairs` or `numbers`), and how many."""

    contender: Contender
    kind: str
    records: int


def run(options: Options) -> list[str]:
    """Return the tables."""
    classes = compiled(options.work / "classes")
    ours = [
        _ours("Python -> Java map -> Java filter -> Python", "python_java_python", classes, options, times=4),
        _ours("Java source -> Python map -> Java sink", "java_python_java", classes, options, times=5),
        _ours("Java source -> Java map -> Java sink", "java_alone", classes, options, times=10),
    ]
    try:
        python, missing = str(pyflink()), ""
    except (OSError, subprocess.CalledProcessError) as error:
        python, missing = "", f"PyFlink {PYFLINK} could not be installed here: {error}"
    # Jobs of seconds, ours and theirs: the first half second of any goes by in code not compiled yet.
    theirs = [
        _pyflink("streams, process mode", "stream", "numbers", python, options.size(200_000, 100_000)),
        _pyflink("tables, process mode", "process", "numbers", python, options.size(500_000, 100_000)),
        _pyflink("tables, thread mode", "thread", "numbers", python, options.size(10_000_000, 200_000)),
        _pyflink("tables, process mode", "process", "pairs", python, options.size(500_000, 100_000)),
        _pyflink("tables, thread mode", "thread", "pairs", python, options.size(2_000_000, 200_000)),
    ]
    shapes = [*ours, *(theirs if python else ())]
    runs = interleave([s.contender for s in shapes], options)
    return [
        "Pairs of a text and a number where Python is at the ends, numbers where Java is; one task. The "
        "clock runs from the job's start to its end, packages loaded and the JVM up; PyFlink's is net of the "
        "start of a job that finds everything loaded. PyFlink: JVM source -> Python map -> JVM sink.",
        "",
        *_rates(shapes, runs, len(ours)),
        "",
        missing
        or f"PyFlink is {PYFLINK}, of PyPI. Each round of ours is divided by the best of its own "
        "with the same kind of records.",
        "",
        *_start_up(classes, options),
    ]


def compiled(folder: Path) -> Path:
    """Compile the Java half."""
    javac = shutil.which("javac")
    if javac is None:
        raise Wrong("the benchmark needs a JDK: apt-get install openjdk-17-jdk-headless")
    path = os.pathsep.join(map(str, our_jars()))
    sources = map(str, (HERE / "jvm").glob("*.java"))
    subprocess.run([javac, "--release", "17", "-cp", path, "-d", folder, *sources], check=True)
    return folder


def pyflink() -> Path:
    """Return the Python of an environment with PyFlink, which is made once.

    Raises:
        OSError: There is no Python that PyFlink has packages for.
        subprocess.CalledProcessError: It could not be installed.
    """
    made = made_once(cache_root() / f"pyflink-{PYFLINK}", _install_pyflink)
    return made / "bin" / "python"


def _install_pyflink(folder: Path) -> None:
    base = next((path for name in PYTHONS if (path := shutil.which(name))), None)
    if base is None:
        raise OSError(f"it needs {' or '.join(PYTHONS)} on the PATH")
    subprocess.run([base, "-m", "venv", folder], check=True)
    requirements = [f"apache-flink=={PYFLINK}", "setuptools<81"]
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements], check=True)


def _ours(name: str, shape: str, classes: Path, options: Options, times: int = 1) -> Shape:
    records = options.size(2_000_000 * times)
    results = range(2, records + 2)
    left_out = range(3, records + 2, 3) if shape == "python_java_python" else range(0)
    argv = [str(HERE / "jobs/both_languages.py"), shape, str(classes), str(records)]
    verify = _adds_up(name, len(results) - len(left_out), sum(results) - sum(left_out))
    kind = "pairs" if shape == "python_java_python" else "numbers"
    return Shape(Contender(name, argv, verify, own_clock=True), kind, records)


def _pyflink(api: str, how: str, kind: str, python: str, records: int) -> Shape:
    name = f"PyFlink {api}, {kind}"
    argv = [str(HERE / "peers/flink_boundary.py"), how, kind, str(records), "{out}"]
    verify = _adds_up(name, records, sum(range(2, records + 2)))
    return Shape(Contender(name, argv, verify, python=python, own_clock=True, plain_env=True), kind, records)


def _adds_up(name: str, count: int, total: int) -> Callable[[Path, dict[str, Any]], None]:
    def verify(out: Path, said: dict[str, Any]) -> None:
        found = said.get("count"), said.get("total")
        if found != (count, total):
            raise Wrong(f"{name} gave {found} instead of {(count, total)}")

    return verify


def _rates(shapes: Sequence[Shape], runs: dict[str, list[Run]], ours: int) -> list[str]:
    rates = {s.contender.name: [s.records / run.seconds for run in runs[s.contender.name]] for s in shapes}
    lines = ["| | records | records/s | times PyFlink's best | peak memory, MB |", "|---|---|---|---|---|"]
    for number, shape in enumerate(shapes):
        name = shape.contender.name
        theirs = [rates[s.contender.name] for s in shapes[ours:] if s.kind == shape.kind]
        versus = ""
        if theirs and number < ours:
            best = (max(of_round) for of_round in zip(*theirs, strict=True))
            versus = span([rate / peer for rate, peer in zip(rates[name], best, strict=True)], ".1f")
        peak = max(run.peak for run in runs[name])
        lines.append(f"| {name} | {shape.records:,} | {span(rates[name], ',.0f')} | {versus} | {peak:.0f} |")
    return lines


def _start_up(classes: Path, options: Options) -> list[str]:
    def verify(out: Path, said: dict[str, Any]) -> None:
        if said.get("lines") != [str(x * x) for x in range(10)]:
            raise Wrong(f"ten records gave {said.get('lines')}")

    alone = Contender("Python alone", [str(HERE / "jobs/ten.py")], verify)
    mixed = Contender("with a map in Java", [str(HERE / "jobs/ten_java.py"), str(classes)], verify)
    runs = interleave([alone, mixed], Options(10, options.scale, options.servers, options.work))
    lines = [
        "Ten records, from `python` to exit, 10 times.",
        "",
        "| | seconds | peak memory, MB |",
        "|---|---|---|",
    ]
    for contender in (alone, mixed):
        mine = runs[contender.name]
        peak = max(r.peak for r in mine)
        lines.append(f"| {contender.name} | {span([r.seconds for r in mine], '.3f')} | {peak:.0f} |")
    pairs = zip(runs[mixed.name], runs[alone.name], strict=True)
    added = statistics.median(a.seconds - b.seconds for a, b in pairs)
    return [*lines, "", f"Java adds {added:.2f} s."]


if sys.platform == "win32":
    raise SystemExit("the benchmarks run on Linux and macOS")
