"""Jobs on Ray, or embedded: on_ray.py ray|embedded|joined FOLDER MODE COUNT [TIMEOUT [WORKERS]].

`ray` brings a cluster up, and `joined` joins the one of RAY_ADDRESS.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from paced import Meter
from paced_source import PacedSource
from word_data import key, pair, reduce, split

from raystreaming import StreamingContext

SIZE = 1_024
"""Bytes of a small frame."""


class Tells:
    """A sink that leaves what it has seen in a file."""

    def __init__(self, folder):
        self.folder = folder

    def open(self, ctx):
        self.file = Path(self.folder, f"told-{ctx.task}.json")

    def close(self):
        self.file.write_text(json.dumps(self.told()))


class Latencies(Tells):
    def open(self, ctx):
        super().open(ctx)
        self.meter = Meter()

    def __call__(self, record):
        self.meter.take((0, 1, record[1], record[2]))

    def told(self):
        return self.meter.told()


class Counts(Tells):
    """Counts records, and keeps the last value of each key of pairs."""

    def open(self, ctx):
        super().open(ctx)
        self.records = 0
        self.last = {}

    def __call__(self, record):
        self.records += 1
        if type(record) is tuple:
            self.last[record[0]] = record[1]

    def told(self):
        return {"records": self.records, "total": sum(self.last.values())}


def heavy(line):
    """About 20 microseconds of Python."""
    total = 0
    for i in range(400):
        total += i
    return total


def hops(ctx, tasks):
    ctx.source(PacedSource(records=count)).map(lambda r: r).disable_chain().sink(Latencies(folder))


def frames(ctx, tasks):
    payloads = [bytes([i]) * SIZE for i in range(256)]
    records = list(islice(cycle(payloads), count))
    ctx.from_collection(records).sink(Counts(folder)).start_new_chain()


def ten(ctx, tasks):
    ctx.from_collection(range(10)).map(lambda r: r).disable_chain().sink(Counts(folder))


def cpu(ctx, tasks):
    lines = ctx.read_files(f"{folder}/in", format="text").set_parallelism(tasks)
    lines.map(heavy).set_parallelism(tasks).sink(Counts(folder)).set_parallelism(tasks)


def words(ctx, tasks):
    lines = ctx.read_files(f"{folder}/in", format="text").set_parallelism(tasks)
    pairs = lines.flat_map(split).set_parallelism(tasks).map(pair).set_parallelism(tasks)
    counts = pairs.key_by(key).set_parallelism(tasks).reduce(reduce).set_parallelism(tasks)
    counts.sink(Counts(folder)).set_parallelism(tasks)


def from_python(address):
    """Run the job once more, as a program of its own; return its seconds to its exit, and its records."""
    argv = [sys.executable, __file__, "joined", *sys.argv[2:]]
    began = time.perf_counter()
    done = subprocess.run(
        argv, env={**os.environ, "RAY_ADDRESS": address}, stdout=subprocess.PIPE, check=True
    )
    seconds = time.perf_counter() - began
    return {"from_python": seconds, "records_from_python": json.loads(done.stdout)["records"]}


MODES = {"hops": hops, "frames": frames, "ten": ten, "cpu": cpu, "words": words}

runtime, folder, mode, count = *sys.argv[1:4], int(sys.argv[4])
timeout = float(sys.argv[5]) if len(sys.argv) > 5 else 0.005
workers = int(sys.argv[6]) if len(sys.argv) > 6 else None
for old in Path(folder).glob("told-*.json"):
    old.unlink()
temporary = tempfile.mkdtemp(prefix="ray-")
try:
    if runtime == "ray":
        import ray

        ray.init(
            address="local", num_cpus=2, include_dashboard=False, _temp_dir=temporary, logging_level="ERROR"
        )
    elif runtime == "embedded":
        import raystreaming.runtime.embedded  # noqa: F401 - start-up has a benchmark of its own
    where = "embedded" if runtime == "embedded" else "ray"
    ctx = StreamingContext(runtime=where, spares=0, workers=workers, buffer_timeout=timeout)
    MODES[mode](ctx, 2 if where == "ray" else 1)
    submitted = time.perf_counter()
    job = ctx.submit("bench")
    began = submitted if mode == "ten" else time.perf_counter()
    job.wait()
    seconds = time.perf_counter() - began
    told = [json.loads(f.read_text()) for f in Path(folder).glob("told-*.json")]
    first = told[0] if mode == "hops" else {}
    if mode == "ten" and runtime == "ray":
        first = from_python(ray.get_runtime_context().gcs_address)
    print(json.dumps({**first, "seconds": seconds, "records": sum(t["records"] for t in told),
                      "total": sum(t.get("total", 0) for t in told)}))  # fmt: skip
finally:
    if runtime == "ray":
        ray.shutdown()
    shutil.rmtree(temporary, ignore_errors=True)
