"""Runs jobs with Java: jobs_that_are_over.py COUNT HOW; looks at what is left of their threads, or just ends.

HOW is `dump`, or how the process ends: `at once`, `from a thread`, `while threads end`.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from raystreaming import StreamingContext
from raystreaming.observe.notices import log
from raystreaming_java import JavaSettings
from raystreaming_java.jvm import bridge

log.disabled = True  # what jobs say at their start and end


def job() -> None:
    ctx = StreamingContext()
    stream = ctx.from_values("a", "b").as_java_stream()
    stream.map("io.ray.streaming.runtime.demo.HybridStreamTest$Mapper1").as_python_stream().collect()
    assert len(ctx.execute("job").result()) == 2


def call_java() -> None:
    bridge(JavaSettings()).column.fromMsgpack(b"\x90")


def known() -> int:
    """How many threads Java knows."""
    factory = sys.modules["jpype"].JClass("java.lang.management.ManagementFactory")
    return int(factory.getThreadMXBean().getThreadCount())


def dump() -> str:
    """The stacks of all threads, as `jstack` shows them."""
    jpype = sys.modules["jpype"]
    factory = jpype.JClass("java.lang.management.ManagementFactory")
    command = jpype.JClass("javax.management.ObjectName")("com.sun.management:type=DiagnosticCommand")
    arguments = jpype.JArray(jpype.JObject)([jpype.JArray(jpype.JString)([])])
    signature = jpype.JArray(jpype.JString)(["[Ljava.lang.String;"])
    return str(factory.getPlatformMBeanServer().invoke(command, "threadPrint", arguments, signature))


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
    dumps = sum("main" in dump() for _ in range(20))
    return {"before": before, "after": known(), "dumps": dumps}


count, how = int(sys.argv[1]), sys.argv[2]
if how == "dump":
    print(json.dumps(look(count)))
else:
    if how == "from a thread":
        threading.Thread(target=job).start()
    else:
        job()
    if how == "while threads end":
        for _ in range(200):
            threading.Thread(target=call_java, daemon=True).start()
    print("over")
