"""Ten records, with a map in Java, from start to exit: ten_java.py CLASSES."""

import sys

from raystreaming import StreamingContext

ctx = StreamingContext(java_classpath=[sys.argv[1]])
squares = ctx.from_values(*range(10)).map(lambda x: x * x - 1).as_java_stream()
squares.map("bench.Pairs$PlusOne").as_python_stream().print()
ctx.execute("ten")
