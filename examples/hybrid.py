"""Java functions in a Python program; these two come with raystreaming-java."""

from raystreaming import StreamingContext

ctx = StreamingContext()
(
    ctx.from_values("a", "b", "c")
    .as_java_stream()
    .map("io.ray.streaming.runtime.demo.HybridStreamTest$Mapper1")
    .filter("io.ray.streaming.runtime.demo.HybridStreamTest$Filter1")
    .as_python_stream()
    .sink(lambda value: print("result", value))
)
ctx.submit("hybrid")
