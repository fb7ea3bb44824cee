"""Ten records, from `python` to exit, in an environment that has the core alone."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Wrong, interleave, span

TITLE = "Start-up"
RUNS = 10


def run(options: Options) -> list[str]:
    """Return the table."""
    python = str(core_alone(options.work / "core"))
    loop = Contender("Python alone", [str(HERE / "loops/ten.py")], _verify, python=python, plain_env=True)
    job = Contender("raystreaming", [str(HERE / "jobs/ten.py")], _verify, python=python, plain_env=True)
    runs = interleave([loop, job], Options(RUNS, options.scale, options.servers, options.work))
    lines = [
        f"Ten records through map to print, from `python` to exit, {RUNS} times; `pip install raystreaming`, "
        "no connectors.",
        "",
        "| | seconds | peak memory, MB |",
        "|---|---|---|",
    ]
    for contender in (loop, job):
        mine = runs[contender.name]
        seconds, peak = [r.seconds for r in mine], max(r.peak for r in mine)
        lines.append(f"| {contender.name} | {span(seconds, '.3f')} | {peak:.0f} |")
    return lines


def _verify(out: Path, said: dict[str, Any]) -> None:
    if said.get("lines") != [str(x * x) for x in range(10)]:
        raise Wrong(f"ten records gave {said.get('lines')}")


def core_alone(folder: Path) -> Path:
    """Make an environment with links to the core and what it requires; return its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site = Path(paths["purelib"])
    for name in _required("raystreaming"):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            target = Path(os.fspath(distribution.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    subprocess.run([python, "-c", "import raystreaming"], check=True, env={})
    return python


def _required(name: str) -> set[str]:
    """Return a distribution and all that it requires without extras."""
    found = {name}
    for requirement in importlib.metadata.requires(name) or ():
        if "extra ==" not in requirement:
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert match is not None
            found |= _required(match[0])
    return found


if sys.platform == "win32":
    raise SystemExit("the benchmarks run on Linux and macOS")
