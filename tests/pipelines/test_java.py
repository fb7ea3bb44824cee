"""Java and Python in one job, over channels between workers: plain classes, keys, and rows for Python."""

from collections import Counter

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import OperatorError, TransferError
from raystreaming_test_support.java import compile_java

WORDS = """
package acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.function.impl.*;
import java.util.List;

public class Words {
  public static class WordAndCount {
    final String word;
    final int count;

    WordAndCount(String word, int count) {
      this.word = word;
      this.count = count;
    }
  }

  public static class Split implements FlatMapFunction<String, WordAndCount> {
    public void flatMap(String line, Collector<WordAndCount> collector) {
      for (String word : line.split(" ")) {
        collector.collect(new WordAndCount(word, 1));
      }
    }
  }

  public static class Word implements KeyFunction<WordAndCount, String> {
    public String keyBy(WordAndCount pair) {
      return pair.word;
    }
  }

  public static class Sum implements ReduceFunction<WordAndCount> {
    public WordAndCount reduce(WordAndCount a, WordAndCount b) {
      return new WordAndCount(a.word, a.count + b.count);
    }
  }

  public static class Show implements MapFunction<WordAndCount, List<Object>> {
    public List<Object> map(WordAndCount pair) {
      return List.of(pair.word, pair.count);
    }
  }

  public static class Sealed implements MapFunction<Object, Object> {
    public Object map(Object value) {
      return Thread.currentThread();
    }
  }

  public static class Fails implements FilterFunction<Object> {
    public boolean filter(Object value) {
      throw new IllegalStateException("not today");
    }
  }
}
"""
pytestmark = pytest.mark.runtimes("embedded", "simulated", "ray", because="they write no files")

ACME = "acme.Words$"
LINES = ["to be or not to be", "be not to", "that is"] * 40
COUNTS = Counter(word for line in LINES for word in line.split())


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    (folder / "Words.java").write_text(WORDS)
    compile_java(folder, folder / "Words.java")
    return folder


def test_plain_classes_and_keys_travel_between_java_and_rows_to_python(classes):
    ctx = StreamingContext(java_classpath=[classes])
    (
        ctx.from_collection(LINES)
        .as_java_stream()
        .flat_map(ACME + "Split")
        .set_parallelism(2)
        .key_by(ACME + "Word")
        .reduce(ACME + "Sum")
        .set_parallelism(2)
        .map(ACME + "Show")
        .as_python_stream()
        .map(tuple)
        .set_parallelism(1)
        .collect()
    )
    rows = ctx.execute("java-words").result()
    assert Counter(word for word, _ in rows) == COUNTS
    assert {word: max(n for w, n in rows if w == word) for word in COUNTS} == COUNTS


def test_keys_of_both_languages_meet_in_one_task(classes):
    """The same keys, made in Java and in Python, are in the same tasks."""
    ctx = StreamingContext(java_classpath=[classes])
    java = ctx.from_collection(LINES).as_java_stream().flat_map(ACME + "Split").set_parallelism(2)
    pairs = java.key_by(ACME + "Word").reduce(ACME + "Sum").set_parallelism(2).map(ACME + "Show")
    again = pairs.as_python_stream().map(tuple).key_by(lambda pair: pair[0])
    again.reduce(lambda a, b: max(a, b, key=lambda pair: pair[1])).set_parallelism(2).collect()
    assert dict(ctx.execute("both-keys").result()) == COUNTS


@pytest.mark.runtimes("embedded", "ray", because="the simulation has errors of its own")
def test_what_goes_wrong_in_java_is_said_by_the_worker(classes):
    ctx = StreamingContext(java_classpath=[classes])
    ctx.from_values(1).as_java_stream().filter(ACME + "Fails").as_python_stream().collect()
    with pytest.raises(OperatorError, match=r"acme\.Words\$Fails raised java\.lang\.IllegalState.*not today"):
        ctx.execute("fails")


@pytest.mark.runtimes("embedded", "ray", because="the simulation has errors of its own")
def test_an_object_that_cannot_travel_is_named(classes):
    ctx = StreamingContext(java_classpath=[classes])
    sealed = ctx.from_values(1).as_java_stream().map(ACME + "Sealed")
    sealed.as_python_stream().map(str).set_parallelism(2).collect()
    with pytest.raises(TransferError, match=r"'from_values\.map': a java\.lang\.Thread cannot go"):
        ctx.execute("sealed")
