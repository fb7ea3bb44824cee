"""Ten records, from `python` to exit, in environments that have the core, or a peer, alone."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

from beside_peers import installed, left_out
from harness import HERE, Contender, Options, Wrong, interleave, ratios, span

TITLE = "Start-up"
RUNS = 10
PROGRAMS = {
    "bytewax": ["-m", "bytewax.run", str(HERE / "peers/bytewax_ten.py")],
    "pathway": [str(HERE / "peers/pathway_ten.py")],
}


def run(options: Options) -> list[str]:
    """Return the table."""

    def contender(name: str, distribution: str, argv: list[str]) -> Contender:
        python = str(alone(distribution, options.work / distribution))
        return Contender(name, argv, _verify, python=python, plain_env=True)

    contenders = [
        contender("Python alone", "raystreaming", [str(HERE / "loops/ten.py")]),
        contender("raystreaming", "raystreaming", [str(HERE / "jobs/ten.py")]),
        *(contender(name, p, PROGRAMS[p]) for p, name in installed().items() if p in PROGRAMS),
    ]
    runs = interleave(contenders, Options(RUNS, options.scale, options.servers, options.work))
    lines = [
        f"Ten records through map to print, from `python` to exit, {RUNS} times; `pip install raystreaming`, "
        "no connectors, and the same for each peer.",
        "",
        "| | seconds | times as long as raystreaming | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for each in contenders:
        mine = runs[each.name]
        seconds, peak = [r.seconds for r in mine], max(r.peak for r in mine)
        versus = span(ratios(runs["raystreaming"], mine), ".1f")
        lines.append(f"| {each.name} | {span(seconds, '.3f')} | {versus} | {peak:.0f} |")
    return [*lines, *left_out({"quixstreams": "which reads from Kafka only"})]


def _verify(out: Path, said: dict[str, Any]) -> None:
    if sorted(said["lines"], key=lambda line: (len(line), line)) != [str(x * x) for x in range(10)]:
        raise Wrong(f"ten records gave {said['lines']}")


def alone(distribution: str, folder: Path) -> Path:
    """Make an environment with links to a distribution and what it requires; return its Python."""
    python = folder / "bin" / "python"
    if python.exists():
        return python
    venv.create(folder, symlinks=True, with_pip=False)
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site = Path(paths["purelib"])
    for name in _required(distribution):
        found = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            target = Path(os.fspath(found.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    return python


def _required(name: str, found: set[str] | None = None) -> set[str]:
    """Return a distribution and all of what it requires without extras that is installed."""
    found = set() if found is None else found
    try:
        requirements = importlib.metadata.requires(name) or ()
    except importlib.metadata.PackageNotFoundError:  # For another platform or Python.
        return found
    if name not in found:
        found.add(name)
        for requirement in requirements:
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            if match is not None and "extra ==" not in requirement:
                _required(match[0], found)
    return found


if sys.platform == "win32":
    raise SystemExit("the benchmarks run on Linux and macOS")
