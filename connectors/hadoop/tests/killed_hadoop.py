"""A job that is killed: `python killed_hadoop.py FOLDER`. Slow, until there is a file FOLDER/released."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from raystreaming import StreamingContext

folder = Path(sys.argv[1])


def slow(line: str) -> str:
    if int(line) % 10 == 0 and not (folder / "released").exists():
        time.sleep(0.04)
    return line


ctx = StreamingContext(checkpoint_dir=folder / "state", checkpoint_interval="100ms")
lines = ctx.read_hadoop(folder / "in", split_bytes=3_000).set_parallelism(2)
lines.map(slow).write_hadoop(folder / "out")
ctx.execute("hadoop")
