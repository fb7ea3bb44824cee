"""Sinks that hold records back over checkpoints: they go on with them, and hear of the end of the input."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext, dead_letter
from raystreaming.connector import Batch, RecordsSource, TwoPhaseSink, TwoPhaseWriter, WriterContext, option

Wait = Callable[..., None]


class Counting(RecordsSource[int]):
    """Counts for ever, slowly."""

    bounded = False

    def records(self, position):
        for n in itertools.count(position or 0):
            time.sleep(0.0005)
            yield n + 1, n


class Holding(TwoPhaseSink[Any]):
    """Publishes when the input has ended; what it holds back is staged, and the state names it."""

    world: dict = option(doc="Staged rows by handle.")
    published: list = option(doc="Published rows.")

    def open(self, state, ctx):
        return HoldingWriter(self, state, ctx)

    def commit(self, committables):
        for handle in committables:
            self.published.extend(self.world.pop(handle, ()))

    def abort(self, committables):
        for handle in committables:
            del self.world[handle]

    def list_open(self, owner):
        return sorted(h for h in self.world if h.startswith(owner.encode() + b"/"))

    def keeps(self, state):
        return [state]


class HoldingWriter(TwoPhaseWriter[Any]):
    def __init__(self, sink: Holding, state: bytes | None, ctx: WriterContext) -> None:
        self.sink = sink
        self.prefix = f"{ctx.owner}/{ctx.run}"
        assert set(sink.world) <= {state}, "what no writer goes on with was to be aborted"
        self.rows = [] if state is None else list(sink.world[state])
        self.ended = False
        self.handle: bytes | None = None

    def write(self, batch: Batch) -> None:
        assert not self.ended
        self.rows += batch.values

    def finish(self) -> None:
        assert not self.ended
        self.ended = True

    def prepare(self, epoch: int):
        handle = f"{self.prefix}-{epoch}".encode()
        self.sink.world[handle] = list(self.rows)
        self.handle = None if self.ended else handle
        if not self.ended:
            return None
        self.rows = []
        return handle

    def snapshot(self) -> bytes | None:
        return self.handle


def run(folder: Path, sink: Holding, eventually: Wait, fresh: bool, end: Callable[[Any], None]) -> None:
    ctx = StreamingContext(checkpoint_dir=folder, checkpoint_interval="20ms", fresh=fresh)
    ctx.source(Counting()).sink(sink)
    job = ctx.submit("job")
    before = dict(sink.world)
    eventually(lambda: any(rows and handle not in before for handle, rows in list(sink.world.items())))
    end(job)
    job.wait()


def test_a_writer_goes_on_with_what_it_has_held_back_until_the_input_ends(tmp_path: Path, eventually: Wait):
    sink = Holding(world={}, published=[])
    for _ in range(3):
        run(tmp_path, sink, eventually, False, lambda job: job.stop())
        assert sink.published == []  # To stop is not the end of the input.
    run(tmp_path, sink, eventually, False, lambda job: job.cancel())
    run(tmp_path, sink, eventually, False, lambda job: job.drain())
    assert len(sink.published) > 0
    assert sink.published == list(range(len(sink.published)))


def test_a_fresh_start_aborts_what_was_held_back(tmp_path: Path, eventually: Wait):
    sink = Holding(world={}, published=[])
    run(tmp_path, sink, eventually, False, lambda job: job.stop())
    held = set(sink.world)
    assert held
    run(tmp_path, sink, eventually, True, lambda job: job.drain())
    assert not held & set(sink.world)
    assert sink.published == list(range(len(sink.published)))


def test_a_sink_of_dead_letters_hears_of_the_end_too():
    def odd(n: int) -> int:
        if n % 2 == 0:
            raise ValueError(n)
        return n

    letters = Holding(world={}, published=[])
    ctx = StreamingContext()
    ctx.from_collection(range(100)).map(odd).on_error(dead_letter(letters)).collect()
    assert ctx.execute().result() == list(range(1, 100, 2))
    assert sorted(letter["record"] for letter in letters.published) == sorted(map(str, range(0, 100, 2)))
