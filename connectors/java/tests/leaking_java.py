"""Takes batches through Java: leaking_java.py CLASSES WAY COUNT; prints what that has added to this process.

A process of its own, where nothing else grows meanwhile.
"""

from __future__ import annotations

import gc
import json
import pickle
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
from thread_dump import thread_dump

from raystreaming.connector import PlanContext, ReaderContext, WriterContext
from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming.records import Batch
from raystreaming_java import JavaSettings
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge
from raystreaming_java.operators import JavaKeyedOperator, JavaOperator, JavaStage
from raystreaming_java.sink import NamedSink
from raystreaming_java.source import NamedSource

FNS = "com.acme.Fns$"
ROWS = [(f"{n:050}", n) for n in range(100)]  # more bytes than JPype is given as an array
GROUPS, TASKS = 720, 2


class Work:
    """Ways of a batch through Java, each with operators of its own; `way()` takes one batch through."""

    def __init__(self, settings: JavaSettings) -> None:
        self._settings = settings
        self._owners = [group % TASKS for group in range(GROUPS)]
        self.closing: list[Any] = []
        self.ways: dict[str, Callable[[], None]] = {
            "through operators": self._through_operators,
            "between workers": self._between_workers,
            "from a source to a sink": self._from_source_to_sink,
        }
        context = OperatorContext("op", 0, 1, PieceLimit(1_000))
        same = JavaOperator(self._function("map", "Identity"), True)
        key = JavaOperator(self._function("key_by", "Mod", 7), False)
        add = JavaKeyedOperator(self._function("reduce", "Add"), True, GROUPS)
        for operator in (same, key, add):
            operator.open(context)
            self.closing.append(operator)
        self._same, self._key, self._add = JavaStage([same]), JavaStage([key]), JavaStage([add])
        self._adding = add
        source = NamedSource(function=self._function("from_java", "Numbers", 10**9))
        splits = source.plan(PlanContext())
        self._reader = source.open(ReaderContext("source", 0, 1))
        self._reader.add_splits([(split, None) for split in splits])
        self._writer = NamedSink(function=self._function("sink", "Nowhere")).open(None, WriterContext())
        self.closing += [self._reader, self._writer]

    def _function(self, kind: str, name: str, *arguments: Any) -> JavaFunction:
        return JavaFunction(kind, FNS + name, arguments, self._settings)

    def _through_operators(self) -> None:
        """To Java as msgpack, back, with keys and state, and its snapshot."""
        for batch in self._same.process(Batch(ROWS)):
            assert len(batch.values.to_pylist()) == len(ROWS)
        for keyed in self._key.process(Batch([n for _, n in ROWS[:20]])):
            for batch in self._add.process(keyed):
                assert len(batch.values.to_pylist()) == 20
        self._adding.snapshot_groups()

    def _between_workers(self) -> None:
        """Split by keys, packed as frames are, and unpacked."""
        for keyed in self._key.process(Batch([n for _, n in ROWS])):
            for part in keyed.keys.split(GROUPS, self._owners, TASKS):
                sent = pickle.loads(pickle.dumps(keyed.values.take(part), 5))
                assert len(sent.slice(0, 5).to_pylist()) == 5

    def _from_source_to_sink(self) -> None:
        fetched = self._reader.read(100, time.monotonic() + 10)
        assert fetched is not None
        assert fetched.batch is not None
        self._writer.write(fetched.batch)
        self._writer.prepare(1)


def touch_the_heap() -> None:
    """Have the JVM use all of its heap once, or the process grows while it gets there."""
    bridge(JavaSettings())
    jpype = sys.modules["jpype"]
    runtime = jpype.JClass("java.lang.Runtime").getRuntime()
    megabytes = int(0.85 * runtime.totalMemory() / 1_000_000)
    assert len([jpype.JArray(jpype.JByte)(1_000_000) for _ in range(megabytes)]) > 10


def handles() -> int:
    """How many Java objects are held from outside of Java."""
    text = thread_dump()
    found = re.search(r"JNI global refs: (\d+)", text)
    assert found is not None, text
    return int(found[1])


def held() -> dict[str, int]:
    """What there is now: bytes in the Java heap and of the process, handles, and objects of Python."""
    runtime = sys.modules["jpype"].JClass("java.lang.Runtime").getRuntime()
    for _ in range(3):  # what Python lets go, Java can collect, and the other way round
        gc.collect()
        runtime.gc()
        time.sleep(0.05)  # JPype gives objects back in a thread of its own
    return {
        "heap": int(runtime.totalMemory() - runtime.freeMemory()),
        "process": psutil.Process().memory_info().rss,
        "handles": handles(),
        "objects": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
    }


def grown(classes: str, way: str, count: int) -> dict[str, int]:
    """What so many batches have added."""
    touch_the_heap()
    settings = pickle.loads(pickle.dumps(JavaSettings(classpath=[classes])))  # known here, as in a worker
    work = Work(settings)
    batch = work.ways[way]
    for _ in range(count // 5):
        batch()
    before = held()
    for _ in range(count):
        batch()
    after = held()
    for each in work.closing:
        each.close()
    return {name: after[name] - before[name] for name in before}


if __name__ == "__main__":
    print(json.dumps(grown(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
