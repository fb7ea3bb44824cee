"""A job with Java in every position: `python killed_java.py CLASSES FOLDER COUNT`.

Among it a source with positions in three splits, state by key, and a sink with two phases. It is slow, some
500 records a second, until there is a file FOLDER/released.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from raystreaming import StreamingContext

FNS = "com.acme.Fns$"

classes, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])


def slow(n: int) -> int:
    if n % 10 == 0 and not (folder / "released").exists():
        time.sleep(0.02)
    return n


ctx = StreamingContext(
    checkpoint_dir=folder / "state",
    checkpoint_interval="100ms",
    java_classpath=[classes],
    java_memory="128MB",
)
running = (
    ctx.from_java("com.acme.Ranges", 3, count // 3)
    .set_parallelism(2)
    .as_python_stream()
    .map(lambda pair: slow(pair[1]))
    .as_java_stream()
    .map(FNS + "Identity")
    .key_by(FNS + "Mod", 7)
    .process(FNS + "Running")
    .set_parallelism(2)
)
running.map(FNS + "Line").sink("com.acme.Staged", str(folder / "java")).uid("java")
running.as_python_stream().write_files(folder / "out", format="jsonl")
ctx.execute("java")
