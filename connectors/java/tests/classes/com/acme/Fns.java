package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.partition.Partition;
import io.ray.streaming.api.state.ListState;
import io.ray.streaming.api.state.MapState;
import io.ray.streaming.api.state.ValueState;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/** Functions that the tests use. */
public final class Fns {
  public static class Identity implements MapFunction<Object, Object> {
    public Object map(Object value) {
      return value;
    }
  }

  public static class TypeName implements MapFunction<Object, String> {
    public String map(Object value) {
      return value == null ? "null" : value.getClass().getSimpleName();
    }
  }

  public static class Declared {
    public static class OfInteger implements MapFunction<Integer, Object> {
      public Object map(Integer value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfShort implements MapFunction<Short, Object> {
      public Object map(Short value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfByte implements MapFunction<Byte, Object> {
      public Object map(Byte value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfLong implements MapFunction<Long, Object> {
      public Object map(Long value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfDouble implements MapFunction<Double, Object> {
      public Object map(Double value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfFloat implements MapFunction<Float, Object> {
      public Object map(Float value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfString implements MapFunction<String, Object> {
      public Object map(String value) {
        return List.of(value.getClass().getSimpleName(), value);
      }
    }

    public static class OfLists implements MapFunction<Map<String, List<Integer>>, Object> {
      public Object map(Map<String, List<Integer>> value) {
        int sum = 0;
        for (List<Integer> each : value.values()) {
          for (Integer n : each) {
            sum += n;
          }
        }
        return sum;
      }
    }

    abstract static class Base<A, B> implements MapFunction<B, A> {}

    public static class Inherited extends Base<String, Integer> {
      public String map(Integer value) {
        return value.getClass().getSimpleName();
      }
    }
  }

  public static class Times implements MapFunction<Long, Long> {
    private final long factor;

    public Times(int factor) {
      this.factor = factor;
    }

    public Long map(Long value) {
      return value * factor;
    }
  }

  public static class Even implements FilterFunction<Object> {
    public boolean filter(Object value) {
      return ((Number) value).longValue() % 2 == 0;
    }
  }

  public static class Words implements FlatMapFunction<String, String> {
    public void flatMap(String value, Collector<String> collector) {
      for (String word : value.split(" ")) {
        collector.collect(word);
      }
    }
  }

  public static class Repeat implements FlatMapFunction<Integer, Integer> {
    public void flatMap(Integer value, Collector<Integer> collector) {
      for (int i = 0; i < value; i++) {
        collector.collect(i);
      }
    }
  }

  /** No msgpack, not Serializable, and without a constructor that takes nothing. */
  public static class WordAndCount {
    public final String word;
    public final int count;

    public WordAndCount(String word, int count) {
      this.word = word;
      this.count = count;
    }
  }

  public static class Pair implements MapFunction<String, WordAndCount> {
    public WordAndCount map(String word) {
      return new WordAndCount(word, 1);
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

  public static class Mod implements KeyFunction<Long, Long> {
    private final long n;

    public Mod(long n) {
      this.n = n;
    }

    public Long keyBy(Long value) {
      return value % n;
    }
  }

  public static class Key implements KeyFunction<Object, Object> {
    public Object keyBy(Object value) {
      return value;
    }
  }

  /** The classes of what is in a row. */
  public static class RowTypes implements MapFunction<Map<String, Object>, Object> {
    public Object map(Map<String, Object> row) {
      StringBuilder types = new StringBuilder(row.getClass().getSimpleName());
      row.forEach((name, value) ->
          types.append(' ').append(name).append('=').append(value == null ? null : value.getClass().getSimpleName()));
      return types.toString();
    }
  }

  public record Point(int x, Double y, List<String> tags) {}

  public static class Plain {
    private String name;
    private long count = 7;
    private Point at;
  }

  public static class OfPoint implements MapFunction<Point, Object> {
    public Object map(Point point) {
      return point.toString();
    }
  }

  public static class OfPlain implements MapFunction<Plain, Object> {
    public Object map(Plain plain) {
      return plain.name + plain.count + plain.at;
    }
  }

  public static class MakePoint implements MapFunction<Long, Point> {
    public Point map(Long value) {
      return new Point((int) (long) value, value / 2.0, List.of("t" + value));
    }
  }

  public static class MakePlain implements MapFunction<Long, Plain> {
    public Plain map(Long value) {
      Plain plain = new Plain();
      plain.name = "n" + value;
      plain.at = value == 0 ? null : new MakePoint().map(value);
      return plain;
    }
  }

  /** Rows whose value is of another type than the row before. */
  public static class MakeRow implements MapFunction<Long, Object> {
    public Object map(Long value) {
      return Map.of("x", value == 1 ? (Object) "text" : value);
    }
  }

  public static class Surrogate implements MapFunction<Object, Object> {
    public Object map(Object value) {
      return value + "\ud800";
    }
  }

  public static class Length implements MapFunction<String, Object> {
    public Object map(String value) {
      return value.length() * 100_000 + value.charAt(value.length() - 1);
    }
  }

  public static class WithMap implements MapFunction<Object, Object> {
    private final Map<String, Integer> options;

    public WithMap(String first, Map<String, Integer> options) {
      this.options = options;
    }

    public Object map(Object value) {
      return new java.util.TreeMap<>(options).toString() + options.values().iterator().next().getClass().getSimpleName();
    }
  }

  public static class Limits {
    int least = 1;
    Integer most;
  }

  public static class WithLimits implements FilterFunction<Integer> {
    private final Limits limits;

    public WithLimits(Limits limits) {
      this.limits = limits;
    }

    public boolean filter(Integer value) {
      return value >= limits.least && (limits.most == null || value <= limits.most);
    }
  }

  public record Between(long least, long most) implements FilterFunction<Long> {
    public boolean filter(Long value) {
      return value >= least && value <= most;
    }
  }

  public static class WithSetters implements MapFunction<Object, Object> {
    private final String greeting;
    private int times = 1;
    private String name = "nobody";

    public WithSetters() {
      this("hello");
    }

    public WithSetters(String greeting) {
      this.greeting = greeting;
    }

    public void setTimes(int times) {
      this.times = times;
    }

    public WithSetters setName(String name) {
      this.name = name;
      return this;
    }

    public Object map(Object value) {
      return (greeting + " " + name + value + ";").repeat(times);
    }
  }

  /** The remainder, which is a task; with a second argument that task too. */
  public static class ByRemainder implements Partition<Long> {
    private final int[] also;

    public ByRemainder() {
      also = new int[0];
    }

    public ByRemainder(int also) {
      this.also = new int[] {also, also};
    }

    public int[] partition(Long value, int tasks) {
      int[] chosen = java.util.Arrays.copyOf(also, also.length + 1);
      chosen[also.length] = (int) (value % tasks);
      return chosen;
    }
  }

  /** Gets the type that it declares. */
  public static class ByInteger implements Partition<Integer> {
    public int[] partition(Integer value, int tasks) {
      return new int[] {value % tasks};
    }
  }

  /** Task 0 gets what is an Integer already. */
  public static class ByType implements Partition<Object> {
    public int[] partition(Object value, int tasks) {
      return new int[] {value instanceof Integer ? 0 : 1};
    }
  }

  /** Names no task that there is. */
  public static class NoTask implements Partition<Object> {
    private final int[] chosen;

    public NoTask(List<Integer> chosen) {
      this.chosen = chosen == null ? null : chosen.stream().mapToInt(Integer::intValue).toArray();
    }

    public int[] partition(Object value, int tasks) {
      return chosen;
    }
  }

  /** The index of the task, with the record. */
  public static class Where implements MapFunction<Object, Object>, RichFunction {
    private transient int task;

    @Override
    public void open(RuntimeContext context) {
      task = context.getTaskIndex();
    }

    public Object map(Object value) {
      return List.of(task, value);
    }
  }

  public static class Add implements ReduceFunction<Long> {
    public Long reduce(Long a, Long b) {
      return a + b;
    }
  }

  public static class Mean implements AggregateFunction<Long, long[], Double> {
    public long[] createAccumulator() {
      return new long[2];
    }

    public void add(Long value, long[] sums) {
      sums[0] += value;
      sums[1]++;
    }

    public Double getResult(long[] sums) {
      return (double) sums[0] / sums[1];
    }
  }

  /** Uses every kind of state by key. */
  public static class Remember implements ProcessFunction<Long, Object>, RichFunction {
    private transient RuntimeContext context;
    private transient ValueState<Long> count;
    private transient ListState<Long> last;
    private transient MapState<String, Long> sums;

    @Override
    public void open(RuntimeContext context) {
      this.context = context;
      count = context.getValueState("count");
      last = context.getListState("last");
      sums = context.getMapState("sums");
    }

    @Override
    public void process(Long value, Collector<Object> collector) {
      count.update(count.get() == null ? 1 : count.get() + 1);
      last.add(value);
      String parity = value % 2 == 0 ? "even" : "odd";
      sums.put(parity, (sums.get(parity) == null ? 0 : sums.get(parity)) + value);
      collector.collect(List.of(context.getCurrentKey(), count.get(), last.get(), sums.entries()));
    }
  }

  /** The sum so far of a key, of plain objects. */
  public static class Running implements ProcessFunction<Long, Map<String, Object>>, RichFunction {
    private transient RuntimeContext context;
    private transient ValueState<WordAndCount> state;

    @Override
    public void open(RuntimeContext context) {
      this.context = context;
      state = context.getValueState("sum");
    }

    @Override
    public void process(Long value, Collector<Map<String, Object>> collector) {
      WordAndCount old = state.get();
      int count = (old == null ? 0 : old.count) + 1;
      state.update(new WordAndCount("n", count));
      collector.collect(Map.of("key", context.getCurrentKey(), "n", count, "value", value));
    }
  }

  /** A map as text, always in the same order. */
  public static class Line implements MapFunction<Map<String, Object>, String> {
    public String map(Map<String, Object> value) {
      return new java.util.TreeMap<>(value).toString();
    }
  }

  /** The second of two. */
  public static class Second implements MapFunction<List<Long>, Long> {
    public Long map(List<Long> pair) {
      return pair.get(1);
    }
  }

  /** Has state that is not by key. */
  public static class Counting implements MapFunction<Object, Long> {
    private long count;

    public Long map(Object value) {
      return ++count;
    }

    @Override
    public Serializable saveCheckpoint() {
      return count;
    }

    @Override
    public void loadCheckpoint(Serializable checkpoint) {
      count = (Long) checkpoint;
    }
  }

  public static class One implements KeyFunction<Object, Integer> {
    public Integer keyBy(Object value) {
      return 1;
    }
  }

  public static class First implements ReduceFunction<Object> {
    public Object reduce(Object a, Object b) {
      return a;
    }
  }

  public static class Fails implements MapFunction<Long, Long> {
    public Long map(Long value) {
      return inner(value);
    }

    private long inner(long value) {
      if (value == 3) {
        throw new IllegalStateException("three is too much");
      }
      return value;
    }
  }

  /** Takes its time for each record. */
  public static class Slow implements SinkFunction<Object> {
    private final long millis;

    public Slow(long millis) {
      this.millis = millis;
    }

    @Override
    public void sink(Object value) throws Exception {
      Thread.sleep(millis);
    }
  }

  /** Numbers from 0, with a position. */
  public static class Numbers implements SourceFunction<Long> {
    private final long stop;
    private long next;
    private long step;

    public Numbers(long stop) {
      this.stop = stop;
    }

    @Override
    public void init(int parallelism, int index) {
      step = parallelism;
      if (next == 0) {
        next = index;
      }
    }

    @Override
    public void fetch(SourceContext<Long> ctx) throws Exception {
      for (int i = 0; i < 10 && next < stop; i++, next += step) {
        ctx.collect(next);
      }
      if (next >= stop) {
        ctx.end();
      }
    }

    @Override
    public Serializable saveCheckpoint() {
      return next;
    }

    @Override
    public void loadCheckpoint(Serializable position) {
      next = (Long) position;
    }
  }

  /** Appends lines to a file at every flush; says when it is opened and closed. */
  public static class ToFile implements SinkFunction<Object>, RichFunction {
    private final String path;
    private transient StringBuilder waiting;

    public ToFile(String path) {
      this.path = path;
    }

    @Override
    public void open(RuntimeContext context) {
      waiting = new StringBuilder();
    }

    @Override
    public void sink(Object value) {
      waiting.append(value).append('\n');
    }

    @Override
    public void flush() throws IOException {
      Files.writeString(Path.of(path), waiting, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      waiting.setLength(0);
    }

    @Override
    public void close() {}
  }

  public static class Nowhere implements SinkFunction<Object> {
    public void sink(Object value) {}
  }

  public static class ToNamedFile extends ToFile {
    public ToNamedFile(Map<String, String> options) {
      super(options.get("path"));
    }
  }

  /** Shows what it got in a property of the JVM. */
  public static class Collecting implements SinkFunction<String> {
    public void sink(String value) {
      System.setProperty("collected", System.getProperty("collected", "") + value + ",");
    }
  }

  /** Leaves a thread behind that is no daemon. */
  public static class Leaves implements MapFunction<Object, Object> {
    public Object map(Object value) {
      new Thread(() -> {
        while (true) {
          try {
            Thread.sleep(1_000);
          } catch (InterruptedException error) {
            // goes on
          }
        }
      }).start();
      return value;
    }
  }

  /** Has no position. */
  public static class Forgetful implements SourceFunction<String> {
    public void init(int parallelism, int index) {}

    public void fetch(SourceContext<String> ctx) throws Exception {
      ctx.collect("once");
      ctx.end();
    }
  }

  /** Wants as many bytes as the record says. */
  public static class Hungry implements MapFunction<Integer, Integer> {
    public Integer map(Integer bytes) {
      return new byte[bytes].length;
    }
  }

  public static class NeedsMore implements MapFunction<Object, Object> {
    public NeedsMore(String more, int number) {}

    public Object map(Object value) {
      return value;
    }
  }

  public static class Static implements MapFunction<Object, Object> {
    static final int BROKEN = Integer.parseInt("no number");

    public Object map(Object value) {
      return BROKEN;
    }
  }

  /** Of every kind. */
  public abstract static class Anything
      implements MapFunction<Object, Object>, FilterFunction<Object>, FlatMapFunction<Object, Object>,
          ProcessFunction<Object, Object>, KeyFunction<Object, Object>, ReduceFunction<Object>,
          AggregateFunction<Object, Object, Object>, Partition<Object>, SourceFunction<Object>, SinkFunction<Object> {
    public Object map(Object value) {
      return value;
    }

    public boolean filter(Object value) {
      return true;
    }

    public void flatMap(Object value, Collector<Object> collector) {}

    public void process(Object value, Collector<Object> collector) {}

    public Object keyBy(Object value) {
      return value;
    }

    public Object reduce(Object a, Object b) {
      return a;
    }

    public Object createAccumulator() {
      return "";
    }

    public void add(Object value, Object accumulator) {}

    public Object getResult(Object accumulator) {
      return accumulator;
    }

    public int[] partition(Object value, int tasks) {
      return new int[1];
    }

    public void init(int parallelism, int index) {}

    public void fetch(SourceContext<Object> ctx) {}

    public void sink(Object value) {}
  }

  public static class AnythingStatic extends Anything {
    static final int BROKEN = Integer.parseInt("no number");
  }

  public static class AnythingMore extends Anything {
    public AnythingMore(String more) {}
  }

  public class OfAnObject extends Identity {}

  public abstract static class Abstract extends Identity {}

  public static class Opaque implements MapFunction<Object, Object> {
    public Object map(Object value) {
      return Thread.currentThread();
    }
  }
}
