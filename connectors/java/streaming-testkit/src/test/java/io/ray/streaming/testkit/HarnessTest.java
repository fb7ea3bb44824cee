package io.ray.streaming.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.internal.CollectionSourceFunction;
import io.ray.streaming.api.state.ValueState;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HarnessTest {

  static class Twice implements MapFunction<Integer, Integer> {
    public Integer map(Integer value) {
      return 2 * value;
    }
  }

  /** The count of a key, and where it runs. */
  static class Counting implements ProcessFunction<Long, String>, RichFunction {
    private transient RuntimeContext context;
    private transient ValueState<Long> count;

    @Override
    public void open(RuntimeContext context) {
      this.context = context;
      count = context.getValueState("count");
    }

    @Override
    public void process(Long value, Collector<String> collector) {
      count.update(count.get() == null ? 1 : count.get() + 1);
      collector.collect(context.getCurrentKey() + ":" + count.get() + context.getOpConfig().get("mark")
          + context.getTaskIndex() + "/" + context.getTaskParallelism());
    }
  }

  static class Buffered implements SinkFunction<String> {
    final transient List<String> waiting = new ArrayList<>();
    final transient List<String> written = new ArrayList<>();
    boolean closed;

    public void sink(String value) {
      waiting.add(value);
    }

    @Override
    public void flush() {
      written.addAll(waiting);
      waiting.clear();
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  static class Sum implements MapFunction<Long, Long> {
    private long sum;

    public Long map(Long value) {
      return sum += value;
    }

    @Override
    public Serializable saveCheckpoint() {
      return sum;
    }

    @Override
    public void loadCheckpoint(Serializable checkpoint) {
      sum = (Long) checkpoint;
    }
  }

  /** Ids of tasks. */
  static class Id implements MapFunction<Long, Integer>, RichFunction {
    private transient RuntimeContext context;

    @Override
    public void open(RuntimeContext context) {
      this.context = context;
    }

    public Integer map(Long value) {
      return context.getTaskId();
    }
  }

  private static int idOfTask(int index) {
    try (FunctionHarness<Long, Integer> id = FunctionHarness.map(new Id()).task(index, 100)) {
      return id.send(1L).get(0);
    }
  }

  @Test
  void tasksHaveIdsOfTheirOwnThatStay() {
    Set<Integer> ids = IntStream.range(0, 100).mapToObj(HarnessTest::idOfTask).collect(Collectors.toSet());
    assertEquals(100, ids.size());
    assertTrue(ids.contains(idOfTask(7)));
  }

  @Test
  void aFunctionIsGivenRecordsAsJavaOrPythonHasThem() {
    try (FunctionHarness<Integer, Integer> twice = FunctionHarness.map(new Twice())) {
      assertEquals(List.of(2, 4), twice.send(1, 2));
      assertEquals(List.of(6), twice.sendAsPython(3));
      RuntimeException error = assertThrows(RuntimeException.class, () -> twice.sendAsPython(1L << 31));
      assertTrue(error.getMessage().contains("2147483648 (Long) does not fit the declared Integer"));
    }
  }

  @Test
  void filtersAndFlatMaps() {
    try (FunctionHarness<Integer, Integer> even = FunctionHarness.filter(n -> n % 2 == 0);
        FunctionHarness<String, String> words = FunctionHarness.flatMap((line, out) -> {
          for (String word : line.split(" ")) {
            out.collect(word);
          }
        })) {
      assertEquals(List.of(2, 4), even.send(1, 2, 3, 4));
      assertEquals(List.of("a", "b", "c"), words.send("a b", "c"));
    }
  }

  @Test
  void stateIsByKeyAndGoesOnFromACheckpoint() {
    Checkpoint checkpoint;
    try (FunctionHarness<Long, Long> sums = FunctionHarness.keyBy((Long n) -> n % 2).reduce(Long::sum)) {
      assertEquals(List.of(1L, 2L, 4L), sums.send(1L, 2L, 3L));
      sums.snapshot();
      assertEquals(List.of(9L), sums.send(5L));
      checkpoint = sums.snapshot();
    }
    try (FunctionHarness<Long, Long> sums = FunctionHarness.keyBy((Long n) -> n % 2).reduce(Long::sum)) {
      assertEquals(List.of(16L, 10L), sums.restore(checkpoint).send(7L, 8L));
    }
  }

  @Test
  void aRichFunctionIsToldWhereItRuns() {
    try (FunctionHarness<Long, String> counting =
        FunctionHarness.keyBy((Long n) -> n % 2).process(new Counting())) {
      counting.task(1, 3).withConfig(Map.of("mark", "!"));
      assertEquals(List.of("0:1!1/3", "1:1!1/3", "0:2!1/3"), counting.send(0L, 1L, 2L));
    }
  }

  @Test
  void whatAFunctionKeepsItselfIsInTheCheckpoint() {
    Checkpoint checkpoint;
    try (FunctionHarness<Long, Long> sum = FunctionHarness.map(new Sum())) {
      assertEquals(List.of(1L, 3L), sum.send(1L, 2L));
      checkpoint = sum.snapshot();
    }
    try (FunctionHarness<Long, Long> sum = FunctionHarness.map(new Sum())) {
      assertEquals(List.of(6L), sum.restore(checkpoint).send(3L));
    }
  }

  @Test
  void aSinkIsFlushedAndClosed() {
    Buffered sink = new Buffered();
    try (FunctionHarness<String, Void> harness = FunctionHarness.sink(sink)) {
      assertEquals(List.of(), harness.send("a", "b"));
      assertEquals(List.of(), sink.written);
      harness.flush();
      assertEquals(List.of("a", "b"), sink.written);
      assertFalse(sink.closed);
    }
    assertTrue(sink.closed);
  }

  @Test
  void whatAFunctionRaisesNamesTheRecord() {
    try (FunctionHarness<Integer, Integer> broken = FunctionHarness.map(n -> 10 / n)) {
      assertEquals(List.of(5), broken.send(2));
      RuntimeException error = assertThrows(RuntimeException.class, () -> broken.send(0));
      assertTrue(error.getMessage().contains("java.lang.ArithmeticException: / by zero"), error.getMessage());
      assertTrue(error.getMessage().endsWith("record: 0"), error.getMessage());
    }
  }

  @Test
  void aFunctionThatCannotTravelIsRefused() {
    Thread captured = Thread.currentThread();
    assertThrows(
        RuntimeException.class, () -> FunctionHarness.map((Integer n) -> captured.getName() + n));
  }

  @Test
  void aSourceGoesOnWhereItWas() {
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < 2_500; i++) {
      numbers.add(i);
    }
    Checkpoint checkpoint;
    try (SourceHarness<Integer> source = SourceHarness.of(new CollectionSourceFunction<>(numbers))) {
      assertEquals(numbers.subList(0, 1_000), source.read(10));
      checkpoint = source.snapshot();
      assertFalse(source.ended());
    }
    try (SourceHarness<Integer> source = SourceHarness.of(new CollectionSourceFunction<>(numbers))) {
      source.restore(checkpoint);
      assertEquals(numbers.subList(1_000, 2_500), source.read(10_000));
      assertTrue(source.ended());
    }
  }
}
