"""Running contenders one after the other, and the table of what they took. Standard library only.

The process that runs this file stays small on purpose: Linux counts the memory of a parent at the moment it
starts a child as the child's, so whatever needs pyarrow or Kafka runs as a child of its own.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).resolve().parent
MIB = 1024 * 1024
LIMIT = 900.0
"""Seconds after which a program is killed and the benchmark fails."""


class Wrong(Exception):
    """A program failed, or its output is not what it has to be."""


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        pairs: How many times each contender runs, after one run to warm up.
        scale: Factor of the sizes; the figures of the README have 1.
        servers: A Kafka that runs already; None starts one.
        work: A folder for everything; outputs are deleted once they are verified.
    """

    pairs: int
    scale: float
    servers: str | None
    work: Path

    def size(self, full: int, least: int = 10) -> int:
        """Return a size, scaled."""
        return max(least, int(full * self.scale))


@dataclass(frozen=True)
class Contender:
    """A program that runs as a child process.

    Attributes:
        name: How the table calls it.
        argv: Its command line behind the interpreter; ``{out}`` is a fresh, empty folder.
        verify: Gets that folder and what the program printed (its lines, and the values of the JSON object
            on the last one); raises `Wrong`.
        loop: Name of the contender it is compared with; None for the loops.
        python: The interpreter.
        own_clock: Whether the program times itself: it prints ``{"seconds": ...}``.
        plain_env: Whether it must not see PYTHONPATH.
    """

    name: str
    argv: Sequence[str]
    verify: Callable[[Path, dict[str, Any]], None]
    loop: str | None = None
    python: str = sys.executable
    own_clock: bool = False
    plain_env: bool = False


@dataclass(frozen=True)
class Run:
    """What one run took."""

    seconds: float
    peak: float
    cpu: float
    said: dict[str, Any] = field(default_factory=dict)


def run_program(contender: Contender, work: Path) -> Run:
    """Run a program to its end and verify what it has made."""
    out = Path(tempfile.mkdtemp(dir=work, prefix="out-"))
    try:
        argv = [contender.python, *(a.replace("{out}", str(out)) for a in contender.argv)]
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            began = time.perf_counter()
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=work,
                env=environment(contender.plain_env),
            )
            status, usage = wait(child, LIMIT)
            seconds = time.perf_counter() - began
            said, told = text_of(stdout), text_of(stderr)
        if status != 0:
            raise Wrong(f"{contender.name}: ended with status {status}\n{said}\n{told}".rstrip())
        answer = {"lines": said.splitlines(), **last_json(said)}
        contender.verify(out, answer)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    per = 1 if sys.platform == "darwin" else 1024
    return Run(
        float(answer["seconds"]) if contender.own_clock else seconds,
        usage.ru_maxrss * per / 1e6,
        usage.ru_utime + usage.ru_stime,
        answer,
    )


def wait(child: subprocess.Popen[bytes], limit: float) -> tuple[int, Any]:
    """Wait for a child; return its exit status (minus a signal's number) and its resources."""
    before = signal.signal(signal.SIGALRM, lambda *_: child.kill())
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage


def environment(plain: bool) -> dict[str, str]:
    """Return the environment of a program."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # Else all compile themselves at every start.
    path = env.pop("PYTHONPATH", "")
    if not plain:
        env["PYTHONPATH"] = os.pathsep.join([str(HERE / "common"), *([path] if path else [])])
    return env


def ask(script: str, *arguments: object) -> dict[str, Any]:
    """Run one of our own helper programs and return the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Wrong(f"{script}: {done.stderr.strip() or done.stdout.strip()}")
    return last_json(done.stdout)


def last_json(text: str) -> dict[str, Any]:
    """Return the object on the last line of an output that has one; else an empty one."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            with suppress(ValueError):
                found = json.loads(line)
                return found if isinstance(found, dict) else {}
    return {}


def text_of(file: Any) -> str:
    """Return what a program wrote."""
    file.seek(0)
    return file.read().decode(errors="replace")


def interleave(contenders: Sequence[Contender], options: Options) -> dict[str, list[Run]]:
    """Run all contenders in turn: one round to warm up, then `pairs` rounds, every other one backwards."""
    runs: dict[str, list[Run]] = {c.name: [] for c in contenders}
    for number in range(options.pairs + 1):
        for contender in contenders if number % 2 else reversed(contenders):
            run = run_program(contender, options.work)
            what = f"round {number}" if number else "warm-up"
            print(f"  {what}: {contender.name}: {run.seconds:.3f} s", file=sys.stderr, flush=True)
            if number:
                runs[contender.name].append(run)
    return runs


def ratios(mine: Sequence[Run], loop: Sequence[Run]) -> list[float]:
    """Return how many times as fast as the loop of the same round each run was."""
    return [theirs.seconds / own.seconds for own, theirs in zip(mine, loop, strict=True)]


def span(values: Sequence[float], form: str) -> str:
    """Return the median, and the least and the greatest value."""
    middle, low, high = (format(f(values), form) for f in (statistics.median, min, max))
    return f"{middle} ({low} to {high})"


def rate_table(
    contenders: Sequence[Contender], runs: dict[str, list[Run]], records: int, unit: str
) -> list[str]:
    """Return the Markdown table of a benchmark of throughput."""
    lines = [
        f"| | seconds | {unit}/s | times the loop | peak memory, MB | CPU, s |",
        "|---|---|---|---|---|---|",
    ]
    for contender in contenders:
        mine = runs[contender.name]
        seconds = [r.seconds for r in mine]
        rate = records / statistics.median(seconds)
        versus = span(ratios(mine, runs[contender.loop]), ".2f") if contender.loop else ""
        peak, cpu = max(r.peak for r in mine), statistics.median(r.cpu for r in mine)
        lines.append(
            f"| {contender.name} | {span(seconds, '.2f')} | {rate:,.0f} | {versus} | {peak:.0f} | {cpu:.1f} |"
        )
    return lines


def beside_loop(
    program: str,
    count: int,
    unit: str,
    wanted: dict[str, Any],
    options: Options,
    further: Sequence[Contender] = (),
    ways: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Run a job in memory beside its loop, the loop with and without a tuned collector; return the table.

    Args:
        program: Name of both in `jobs` and `loops`; they time themselves.
        count: How much they take.
        unit: What they take, for the table.
        wanted: What they have to say.
        options: What the command line says.
        further: Contenders that do the same in another way.
        ways: Other ways in which the job runs: the word that tells it so, by the contender's name.
    """

    def verify(out: Path, said: dict[str, Any]) -> None:
        found = {name: said.get(name) for name in wanted}
        if found != wanted:
            raise Wrong(f"{program} gave {found} instead of {wanted}")

    tuned, defaults = "loop, collector tuned", "loop, Python's default collector"
    loop, job, size = str(HERE / f"loops/{program}.py"), str(HERE / f"jobs/{program}.py"), str(count)
    contenders = [
        Contender(tuned, [loop, size, "tuned"], verify, own_clock=True),
        Contender("raystreaming", [job, size], verify, tuned, own_clock=True),
        *(Contender(name, [job, size, way], verify, tuned, own_clock=True) for name, way in ways.items()),
        Contender(defaults, [loop, size, "defaults"], verify, tuned, own_clock=True),
        *further,
    ]
    return rate_table(contenders, interleave(contenders, options), count, unit)


def machine() -> str:
    """Return one line that names the machine: what it is, not which."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (
        f"Machine: {cores} cores ({model}), {memory:.0f} GiB of memory, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}."
    )
