"""Ten records, from start to exit."""

from raystreaming import StreamingContext

ctx = StreamingContext()
ctx.from_values(*range(10)).map(lambda x: x * x).print()
ctx.execute("ten")
