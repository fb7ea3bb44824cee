"""Both languages in one job: both_languages.py SHAPE CLASSES RECORDS."""

import json
import sys
import time

import raystreaming.runtime.embedded  # noqa: F401 - submit loads it; start-up has a table of its own
from raystreaming import StreamingContext
from raystreaming_java import JavaSettings
from raystreaming_java.jvm import bridge

shape, classes, records = sys.argv[1], sys.argv[2], int(sys.argv[3])


def plus_one(n):
    return n + 1


def python_java_python(ctx):
    count = total = 0

    def sink(pair):
        nonlocal count, total
        count += 1
        total += pair[1]

    pairs = ctx.from_collection([(f"k{n % 100}", n) for n in range(1, records + 1)]).as_java_stream()
    pairs.map("bench.Pairs$Increment").filter("bench.Pairs$NoThrees").as_python_stream().sink(sink)
    return lambda: (count, total)


def java_python_java(ctx):
    numbers = ctx.from_java("bench.Pairs$Numbers", records).as_python_stream()
    numbers.map(plus_one).as_java_stream().sink("bench.Pairs$Total")
    return told_by_java


def java_alone(ctx):
    ctx.from_java("bench.Pairs$Numbers", records).map("bench.Pairs$PlusOne").sink("bench.Pairs$Total")
    return told_by_java


def told_by_java():
    import jpype

    read = jpype.java.lang.System.getProperty
    return int(str(read("bench.count"))), int(str(read("bench.total")))


bridge(JavaSettings())  # starts the JVM
context = StreamingContext(java_classpath=[classes])
told = globals()[shape](context)
began = time.perf_counter()
context.execute("both")
seconds = time.perf_counter() - began
count, total = told()
print(json.dumps({"seconds": seconds, "count": count, "total": total}))
