"""A job that is killed at random moments and started again gives what one undisturbed run gives."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_and_kill, run_to_end

JOB = '''
import os, sys, time
from pathlib import Path
from raystreaming import StreamingContext
from raystreaming.connector import (
    Batch, Operator, OperatorFactory, TwoPhaseSink, TwoPhaseWriter, option, pack, unpack
)


class LinesSink(TwoPhaseSink[object]):
    """Writes every epoch into a file that is renamed when it is committed."""

    folder: str = option(kw_only=False, doc="Where.")

    def open(self, state, ctx):
        assert ctx.durable
        return LinesWriter(Path(self.folder), ctx)

    def commit(self, committables):
        for handle in committables:
            staged, final = (Path(self.folder, n) for n in handle.decode().split("|"))
            if staged.exists():
                os.replace(staged, final)
            else:
                assert final.exists(), f"{staged} is gone and was never committed"

    def abort(self, committables):
        for handle in committables:
            Path(self.folder, handle.decode()).unlink(missing_ok=True)

    def list_open(self, owner):
        return [p.name.encode() for p in Path(self.folder).glob(f".{owner}-*")]


class LinesWriter(TwoPhaseWriter[object]):
    def __init__(self, folder, ctx):
        self.folder, self.ctx, self.epoch, self.file = folder, ctx, 0, None

    def write(self, batch):
        if self.file is None:
            self.epoch += 1
            self.name = f"{self.ctx.owner}-{self.ctx.run}-{self.ctx.task}-{self.epoch}"
            self.file = open(self.folder / f".{self.name}", "w")
        self.file.writelines(f"{v}\\n" for v in batch.values)

    def prepare(self, epoch):
        if self.file is None:
            return None
        file, name, self.file = self.file, self.name, None

        def finish():
            file.close()
            return f".{name}|{name}".encode()
        return finish

    def close(self):
        if self.file is not None:
            self.file.close()


class Count(OperatorFactory[list, list]):
    """Counts as the reduce does, with state of its own."""

    def make(self):
        return Counting()


class Counting(Operator):
    def __init__(self):
        self.counts = {}

    def process(self, batch):
        out = []
        for key in batch.keys:
            self.counts[key] = self.counts.get(key, 0) + 1
            out.append([key, self.counts[key]])
        yield Batch(out)

    def snapshot(self):
        return pack(self.counts)

    def restore(self, state):
        self.counts = unpack(state)


source, parallelism, counter = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ctx = StreamingContext(checkpoint_dir="cp", checkpoint_interval="20ms", retain_checkpoints=1)
if source == "text":
    lines = ctx.read_text_file("lines.txt")
else:
    lines = ctx.from_collection(Path("lines.txt").read_text().splitlines())
words = lines.flat_map(lambda line: (time.sleep(0.0005), line.split())[1]).set_parallelism(parallelism)
pairs = words.map(lambda w: [w, 1]).key_by(lambda p: p[0])
if counter == "reduce":
    out = pairs.reduce(lambda a, b: [a[0], a[1] + b[1]])
else:
    out = pairs.apply(Count())
out.map(lambda p: f"{p[0]} {p[1]}").sink(LinesSink("out"))
ctx.submit("count").wait()
'''

KILLS = 5


def committed(folder: Path) -> list[str]:
    files = [p for p in (folder / "out").iterdir() if not p.name.startswith(".")]
    return [line for p in files for line in p.read_text().splitlines()]


def more_files_than(folder: Path, which: str, count: int) -> bool:
    return len(list(folder.glob(which))) > count


@pytest.mark.parametrize(
    ("source", "parallelism", "counter"),
    [("text", 1, "reduce"), ("collection", 3, "reduce"), ("collection", 2, "operator")],
)
def test_killed_at_any_moment_the_output_is_that_of_one_run(
    tmp_path: Path, source: str, parallelism: int, counter: str
):
    lines = [f"w{n % 211} w{n % 7} w{n % 1999}" for n in range(6000)]
    (tmp_path / "lines.txt").write_text("\n".join(lines))
    (tmp_path / "out").mkdir()
    job = tmp_path / "job.py"
    job.write_text(JOB)
    command = [sys.executable, job, source, str(parallelism), counter]
    moments = []
    progress = set()
    for kill in range(KILLS):
        if kill % 2:  # from the import of the package to well into the job
            ended = run_and_kill(command, after_seconds=(0.15, 0.7), cwd=tmp_path)
        else:
            # Once by published files: there must be progress, however slow the machine is.
            which = "[!.]*" if kill == 2 else "*"
            files = len(list((tmp_path / "out").glob(which))) + random.randint(1, 3)
            grown = partial(more_files_than, tmp_path / "out", which, files)
            ended = run_and_kill(command, when=grown, cwd=tmp_path)
        moments.append((ended.seconds, ended.killed))
        assert ended.killed or ended.returncode == 0, ended.stderr
        progress.add(len(committed(tmp_path)))
    run_to_end(command, cwd=tmp_path)
    expected = Counter(word for line in lines for word in line.split())
    found = Counter(committed(tmp_path))
    wanted = Counter(f"{word} {n}" for word, total in expected.items() for n in range(1, total + 1))
    told = json.dumps(moments)
    assert found - wanted == Counter(), f"written twice, kills at {told}"
    assert wanted - found == Counter(), f"lost, kills at {told}"
    assert list((tmp_path / "out").glob(".*")) == []
    assert len(progress) > 1, f"no kill came while the job made progress: {told}"
