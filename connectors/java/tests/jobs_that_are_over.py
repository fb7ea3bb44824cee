"""Runs jobs with Java: jobs_that_are_over.py COUNT HOW; looks at what is left of their threads, or just ends.

HOW is `dump`, or how the process ends: `at once`, `after submit`, `while threads end`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from thread_dump import thread_dump

from raystreaming import Job, StreamingContext
from raystreaming.observe.notices import log
from raystreaming_java import JavaSettings
from raystreaming_java.jvm import bridge

COME_AND_GO = 3
"""How many threads of Java's own may be there or not. A job has four."""

log.disabled = True  # what jobs say at their start and end


def submit() -> Job:
    ctx = StreamingContext()
    stream = ctx.from_values("a", "b").as_java_stream()
    stream.map("io.ray.streaming.runtime.demo.HybridStreamTest$Mapper1").as_python_stream().collect()
    return ctx.submit("job")


def job() -> None:
    assert len(submit().wait().result()) == 2


def call_java() -> None:
    bridge(JavaSettings()).column.fromMsgpack(b"\x90")


def end_with_threads(count: int) -> None:
    """Have so many threads that have called Java end from now on.

    None is in the call any more: before Python 3.14, a daemon thread that comes back through JPype while the
    process ends aborts it.
    """
    called, end = threading.Semaphore(0), threading.Event()

    def call_and_end() -> None:
        call_java()
        called.release()
        end.wait()

    for _ in range(count):
        threading.Thread(target=call_and_end, daemon=True).start()
    for _ in range(count):
        called.acquire()
    end.set()


def known() -> int:
    """How many threads Java knows."""
    factory = sys.modules["jpype"].JClass("java.lang.management.ManagementFactory")
    return int(factory.getThreadMXBean().getThreadCount())


def look(count: int) -> dict[str, Any]:
    """Run jobs, and dump the threads again and again."""
    job()
    before = known()
    for _ in range(count):
        job()
    for _ in range(count):  # threads of the program's own
        thread = threading.Thread(target=call_java)
        thread.start()
        thread.join()
    dumps = sum("main" in thread_dump() for _ in range(20))
    deadline = time.monotonic() + 60
    while (after := known()) > before + COME_AND_GO and time.monotonic() < deadline:
        time.sleep(0.05)  # the last threads may be about to end
    return {"more": after - before, "dumps": dumps}


count, how = int(sys.argv[1]), sys.argv[2]
if how == "dump":
    print(json.dumps(look(count)))
else:
    if how == "after submit":
        submit()  # and the script ends: the job goes on
    else:
        job()
    if how == "while threads end":
        end_with_threads(200)
    print("over")
