"""Runs the benchmarks and prints their tables as Markdown: `python benchmarks [NAME ...]`.

Exit status 1 means that a program failed or that its output was wrong. How fast anything was never fails.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

from harness import Options, Wrong, machine

NAMES = [
    "kafka_to_parquet",
    "word_count",
    "stateless",
    "startup",
    "latency",
    "kafka_peers",
    "word_count_peers",
    "stateless_peers",
    "restart",
    "transport",
    "on_ray",
    "java",
]


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NAMES)}; all if none")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each contender (default: %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="factor of all sizes; 0.05 for a quick look (default: 1)"
    )
    parser.add_argument("--servers", metavar="HOST:PORT", help="a Kafka that runs; else one is started")
    parser.add_argument("--work", type=Path, help="folder to write below (default: the temporary folder)")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if given.pairs < 1 or given.scale <= 0:
        parser.error("--pairs must be at least 1, and --scale more than 0")
    work = Path(tempfile.mkdtemp(prefix="raystreaming-bench-", dir=given.work)).resolve()
    options = Options(given.pairs, given.scale, given.servers, work)
    failed = False
    print(f"{machine()} {given.pairs} runs each, in turn; medians, (least to greatest).", flush=True)
    try:
        for name in given.names or NAMES:
            benchmark = importlib.import_module(name)
            print(f"{name}:", file=sys.stderr, flush=True)
            try:
                lines = benchmark.run(options)
            except Wrong as wrong:
                failed = True
                lines = [f"FAILED: {wrong}"]
            print(f"\n### {benchmark.TITLE}\n", *lines, sep="\n", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
