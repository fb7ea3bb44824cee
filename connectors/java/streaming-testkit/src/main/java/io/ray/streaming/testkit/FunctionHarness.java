package io.ray.streaming.testkit;

import io.ray.streaming.api.function.Function;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.runtime.codec.MsgpackReader;
import io.ray.streaming.runtime.codec.MsgpackWriter;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import io.ray.streaming.runtime.host.Column;
import io.ray.streaming.runtime.host.JobClasses;
import io.ray.streaming.runtime.host.Kind;
import io.ray.streaming.runtime.host.OperatorHost;
import io.ray.streaming.runtime.host.OperatorRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs one function as a job does, in a test without Python.
 *
 * <pre>{@code
 * try (FunctionHarness<Long, Long> sums = FunctionHarness.keyBy((Long n) -> n % 2).reduce(Long::sum)) {
 *   assertEquals(List.of(1L, 2L, 4L), sums.send(1L, 2L, 3L));
 * }
 * }</pre>
 *
 * <p>The function is opened before the first record, works on its own thread's class loader, and must
 * be able to travel to a worker. What it raises comes as an exception that names it and the record.
 */
public final class FunctionHarness<T, R> implements AutoCloseable {

  private static final int GROUPS = 720;

  private final Kind kind;
  private final Function function;
  private final KeyFunction<T, ?> key;
  private final JobClasses classes = JobClasses.open("testkit", new String[0]);
  private final Map<String, String> config = new HashMap<>();
  private final Map<Integer, byte[]> groups = new HashMap<>();
  private byte[] kept;
  private int task;
  private int parallelism = 1;
  private OperatorHost host;
  private OperatorRun run;

  private FunctionHarness(Kind kind, Function function, KeyFunction<T, ?> key) {
    this.kind = kind;
    this.function = function;
    this.key = key;
    checkThatItTravels();
  }

  /** Tests a map function. */
  public static <T, R> FunctionHarness<T, R> map(MapFunction<T, R> function) {
    return new FunctionHarness<>(Kind.MAP, function, null);
  }

  /** Tests a filter function; what it keeps comes out. */
  public static <T> FunctionHarness<T, T> filter(FilterFunction<T> function) {
    return new FunctionHarness<>(Kind.FILTER, function, null);
  }

  /** Tests a flat map function. */
  public static <T, R> FunctionHarness<T, R> flatMap(FlatMapFunction<T, R> function) {
    return new FunctionHarness<>(Kind.FLAT_MAP, function, null);
  }

  /** Tests a process function without keys. */
  public static <T, R> FunctionHarness<T, R> process(ProcessFunction<T, R> function) {
    return new FunctionHarness<>(Kind.PROCESS, function, null);
  }

  /** Tests a sink function; nothing comes out. */
  public static <T> FunctionHarness<T, Void> sink(SinkFunction<T> function) {
    return new FunctionHarness<>(Kind.SINK, function, null);
  }

  /** Begins a test of a function behind {@code keyBy}. */
  public static <K, T> Keyed<T> keyBy(KeyFunction<T, K> key) {
    return new Keyed<>(key);
  }

  /** A test of a function behind {@code keyBy}: which function? */
  public static final class Keyed<T> {
    private final KeyFunction<T, ?> key;

    private Keyed(KeyFunction<T, ?> key) {
      this.key = key;
    }

    /** Tests a reduce function. */
    public FunctionHarness<T, T> reduce(ReduceFunction<T> function) {
      return new FunctionHarness<>(Kind.REDUCE, function, key);
    }

    /** Tests an aggregate function. */
    public <A, O> FunctionHarness<T, O> aggregate(AggregateFunction<T, A, O> function) {
      return new FunctionHarness<>(Kind.AGGREGATE, function, key);
    }

    /** Tests a process function, which may have state by key. */
    public <R> FunctionHarness<T, R> process(ProcessFunction<T, R> function) {
      return new FunctionHarness<>(Kind.PROCESS, function, key);
    }
  }

  /** Sets which task of how many the function is told that it is; before the first record. */
  public FunctionHarness<T, R> task(int index, int parallelism) {
    this.task = index;
    this.parallelism = parallelism;
    return this;
  }

  /** Sets what the function sees as its operator's configuration; before the first record. */
  public FunctionHarness<T, R> withConfig(Map<String, String> config) {
    this.config.putAll(config);
    return this;
  }

  /** Goes on from a checkpoint; before the first record. */
  public FunctionHarness<T, R> restore(Checkpoint checkpoint) {
    State state = (State) checkpoint;
    kept = state.function();
    groups.putAll(state.groups());
    return this;
  }

  /** Sends records, and returns what comes out. */
  @SafeVarargs
  @SuppressWarnings("varargs")
  public final List<R> send(T... values) {
    return through(new Column(values, 0, values.length, "test", false));
  }

  /**
   * Sends records as Python sends them, and returns what comes out: an int is a Long there, a tuple a
   * list, and the function gets what it declares.
   */
  public List<R> sendAsPython(Object... values) {
    MsgpackWriter writer = new MsgpackWriter(256);
    writer.write(Arrays.asList(values));
    return through(Column.fromMsgpack(writer.toArray()));
  }

  /** Has a sink put everything where it survives a crash, as before a checkpoint. */
  public void flush() {
    open().flush();
  }

  /** Returns what a checkpoint at this point would hold. */
  @SuppressWarnings("unchecked")
  public Checkpoint snapshot() {
    OperatorHost opened = open();
    if (key != null) {
      List<?> packed = (List<?>) new MsgpackReader(opened.snapshotGroups()).read();
      ((Map<Long, byte[]>) packed.get(1)).forEach((group, data) -> groups.put(group.intValue(), data));
    }
    return new State(opened.snapshot(), Map.copyOf(groups));
  }

  /** Closes the function, as the end of a job does. */
  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
    classes.close();
  }

  private void checkThatItTravels() {
    new ObjectReader(ObjectWriter.bytesOf(function), function.getClass().getClassLoader()).read();
  }

  private OperatorHost open() {
    if (host == null) {
      host = OperatorHost.of(kind, function, config, classes, task, parallelism, key == null ? 0 : GROUPS);
      groups.forEach(host::restoreGroup);
      if (kept != null) {
        host.restore(kept);
      }
      host.open();
      run = new OperatorRun(key == null ? new OperatorHost[] {host} : new OperatorHost[] {keying(), host});
    }
    return host;
  }

  private OperatorHost keying() {
    return OperatorHost.of(Kind.KEY_BY, key, Map.of(), classes, task, parallelism, 0);
  }

  @SuppressWarnings("unchecked")
  private List<R> through(Column values) {
    open();
    run.begin(values, null, null);
    List<R> results = new ArrayList<>();
    boolean more = true;
    while (more) {
      more = run.next(1_000);
      Column column = run.values();
      for (int i = 0; i < run.size(); i++) {
        results.add((R) column.get(i));
      }
    }
    return results;
  }
}
