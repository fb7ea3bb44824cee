"""A program as type checkers see it: `# wrong` marks the lines that each must refuse, and no others."""

from typing import Any

from typing_extensions import assert_type

from raystreaming import DataStream, StreamingContext, dead_letter, retry
from raystreaming.connector import BatchSink, RecordsSource, option
from raystreaming_files import FilesSink, FilesSource
from raystreaming_kafka import KafkaSource


class Words(RecordsSource[str]):
    """A source of text."""

    path: str = option(kw_only=False, doc="Where.")
    start: int = option(default=0, doc="Where to begin.")

    def records(self, position: int | None) -> list[tuple[int, str]]:
        return [(1, "a")]


class Numbers(BatchSink[int]):
    """A sink of numbers."""

    def write_batch(self, records: list[int]) -> None:
        print(sum(records))


ctx = StreamingContext()

# Classes: elements have types, options are checked.
words = ctx.source(Words("a", start=1))
assert_type(words, DataStream[str])
assert_type(words.map(len), DataStream[int])
words.map(len).sink(Numbers())
words.sink(Numbers())  # wrong
Words()  # wrong
Words("a", begin=1)  # wrong
Words("a", start="x")  # wrong

# By name: the signature is that of the class.
clicks = ctx.read_kafka(topics=["clicks"], servers="localhost:9092", format="json")
assert_type(clicks, DataStream[Any])
clicks.write_files("out", format="parquet")
ctx.read_files("in", format="text").map(str.upper).write_files("out", format="text")
ctx.read_kafka(topcis=["clicks"], servers="localhost:9092")  # wrong
ctx.read_kafka(topics="clicks", servers="localhost:9092")  # wrong
ctx.read_files()  # wrong
ctx.read_files("in", format="jsonn")  # wrong
clicks.write_files("out", fromat="parquet")  # wrong
ctx.from_java("com.acme.Source").map("com.acme.Fn").as_python_stream()
words.as_java_stream().map("com.acme.Fn")

# What does not exist.
ctx.nonsense()  # wrong
ctx.read_nonsense()  # wrong
words.mpa(len)  # wrong
words.write_nonsense("out")  # wrong

# Policies.
words.map(len).on_error("skip").map(str)
words.map(len).on_error(retry(3, "1s", then=dead_letter(FilesSink("bad", format="jsonl"))))
ctx.read_files("in", format="jsonl", on_error=dead_letter(print))
words.map(len).on_error("ignore")  # wrong
words.map(len).on_error(retry("3"))  # wrong
ctx.source(FilesSource("in")).union(ctx.source(KafkaSource(topics=["a"], servers="b:1")))
