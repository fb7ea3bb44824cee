"""The four programs of Ray Streaming's README, as they stand but for the name of the Python package."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from raystreaming_test_support.killing import run_to_end

PYTHON = r"""
import ray
from ray.streaming import StreamingContext

ctx = StreamingContext.Builder() \
    .build()
ctx.read_text_file(__file__) \
    .set_parallelism(1) \
    .flat_map(lambda x: x.split()) \
    .map(lambda x: (x, 1)) \
    .key_by(lambda x: x[0]) \
    .reduce(lambda old_value, new_value:
            (old_value[0], old_value[1] + new_value[1])) \
    .filter(lambda x: "ray" not in x) \
    .sink(lambda x: print("result", x))
ctx.submit("word_count")
"""

JAVA = """
StreamingContext context = StreamingContext.buildContext();
List<String> text = Collections.singletonList("hello world");
DataStreamSource.fromCollection(context, text)
    .flatMap((FlatMapFunction<String, WordAndCount>) (value, collector) -> {
        String[] records = value.split(" ");
        for (String record : records) {
            collector.collect(new WordAndCount(record, 1));
        }
    })
    .filter(pair -> !pair.word.contains("world"))
    .keyBy(pair -> pair.word)
    .reduce((oldValue, newValue) ->
            new WordAndCount(oldValue.word, oldValue.count + newValue.count))
    .sink(result -> System.out.println("sink result=" + result));
context.execute("testWordCount");
"""
WORD_AND_COUNT = """
  static class WordAndCount {
    final String word;
    final int count;

    WordAndCount(String word, int count) {
      this.word = word;
      this.count = count;
    }

    @Override
    public String toString() {
      return word + " " + count;
    }
  }
"""

JAVA_IN_PYTHON = r"""
import ray
from ray.streaming import StreamingContext

ctx = StreamingContext.Builder().build()
ctx.from_values("a", "b", "c") \
    .as_java_stream() \
    .map("io.ray.streaming.runtime.demo.HybridStreamTest$Mapper1") \
    .filter("io.ray.streaming.runtime.demo.HybridStreamTest$Filter1") \
    .as_python_stream() \
    .sink(lambda x: print("result", x))
ctx.submit("HybridStreamTest")
"""

PYTHON_IN_JAVA = """
StreamingContext context = StreamingContext.buildContext();
DataStreamSource<String> streamSource =
    DataStreamSource.fromCollection(context, Arrays.asList("a", "b", "c"));
streamSource
    .map(x -> x + x)
    .asPythonStream()
    .map("ray.streaming.tests.test_hybrid_stream", "map_func1")
    .filter("ray.streaming.tests.test_hybrid_stream", "filter_func1")
    .asJavaStream()
    .sink(value -> System.out.println("HybridStream sink=" + value));
context.execute("HybridStreamTestJob");
"""


def run_python(program: str, folder: Path) -> list[str]:
    code = program.replace("from ray.streaming", "from raystreaming")
    code = code.replace("import ray\n", "import raystreaming as ray\n")
    (folder / "program.py").write_text(code)
    return run_to_end([sys.executable, "program.py"], cwd=folder).stdout.splitlines()


def test_word_count_in_python(tmp_path):
    printed = run_python(PYTHON, tmp_path)
    counts = Counter((tmp_path / "program.py").read_text().split())
    assert counts.pop("ray") == 1
    assert len(printed) == counts.total()
    assert set(printed) >= {f"result {pair}" for pair in counts.items()}


def test_word_count_in_java(run_java):
    assert run_java(JAVA, WORD_AND_COUNT) == ["sink result=hello 1"]


def test_java_operators_in_python(tmp_path):
    assert run_python(JAVA_IN_PYTHON, tmp_path) == ["result a", "result c"]


def test_python_operators_in_java(run_java):
    expected = ["HybridStream sink=aa", "HybridStream sink=cc"]
    assert run_java(PYTHON_IN_JAVA) == expected
    assert run_java(PYTHON_IN_JAVA.replace("ray.streaming", "raystreaming")) == expected


def test_its_python_functions_can_be_imported():
    from raystreaming.tests.test_hybrid_stream import filter_func1, map_func1

    assert [map_func1(1), filter_func1("a"), filter_func1("bb")] == ["1", True, False]
