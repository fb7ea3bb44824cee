package io.ray.streaming.runtime.host;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.function.Function;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.runtime.types.Conversion;

/** One operator's part in the work on a record; hands its results to the next stage. */
abstract class Stage implements Collector<Object> {

  private static final String VALUE = "value";

  private final String operator;
  private final Function function;
  private final Conversion conversion;
  private boolean converts;
  Stage next;
  Cursor cursor;

  private Stage(String operator, Function function, Conversion conversion) {
    this.operator = operator;
    this.function = function;
    this.conversion = conversion;
  }

  /** Works on a record whose function sees it as the type that it declares. */
  abstract void work(Object value) throws Exception;

  /** Whether what comes out is what went in, so that Python's values stay Python's. */
  boolean passesValues() {
    return false;
  }

  /** Whether its results have keys. */
  boolean makesKeys() {
    return false;
  }

  /** Says whether records come as Python sent them. */
  void fromPython(boolean is) {
    converts = is && conversion != null;
  }

  /** Takes a record. */
  final void accept(Object value) {
    try {
      work(converts ? conversion.of(value) : value);
    } catch (Failure ofLaterStage) {
      throw ofLaterStage;
    } catch (Throwable error) {
      throw Failure.onRecord(operator, function.getClass(), value, error);
    }
  }

  @Override
  public final void collect(Object value) {
    next.accept(value);
  }

  /** Makes the stage of a function. */
  @SuppressWarnings("unchecked")
  static Stage of(FunctionSpec spec, Function function, Conversion conversion, KeyedStates states) {
    String operator = spec.operator();
    return switch (spec.kind()) {
      case MAP -> new Mapping(operator, (MapFunction<Object, Object>) function, conversion);
      case FILTER -> new Filtering(operator, (FilterFunction<Object>) function, conversion);
      case FLAT_MAP -> new FlatMapping(operator, (FlatMapFunction<Object, Object>) function, conversion);
      case KEY_BY -> new Keying(operator, (KeyFunction<Object, Object>) function, conversion);
      case REDUCE -> new Reducing(operator, (ReduceFunction<Object>) function, conversion, states);
      case AGGREGATE ->
          new Aggregating(operator, (AggregateFunction<Object, Object, Object>) function, conversion, states);
      case PROCESS -> new Processing(operator, (ProcessFunction<Object, Object>) function, conversion);
      case SINK -> new Sinking(operator, (SinkFunction<Object>) function, conversion);
      case SOURCE, PARTITION_BY ->
          throw new IllegalArgumentException(spec.kind().method() + " takes no part in the work on a record");
    };
  }

  private static final class Mapping extends Stage {
    private final MapFunction<Object, Object> function;

    Mapping(String operator, MapFunction<Object, Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      next.accept(function.map(value));
    }
  }

  private static final class Filtering extends Stage {
    private final FilterFunction<Object> function;

    Filtering(String operator, FilterFunction<Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      if (function.filter(value)) {
        next.accept(value);
      }
    }

    @Override
    boolean passesValues() {
      return true;
    }
  }

  private static final class FlatMapping extends Stage {
    private final FlatMapFunction<Object, Object> function;

    FlatMapping(String operator, FlatMapFunction<Object, Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      function.flatMap(value, this);
    }
  }

  private static final class Keying extends Stage {
    private final KeyFunction<Object, Object> function;

    Keying(String operator, KeyFunction<Object, Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      Object key = function.keyBy(value);
      io.ray.streaming.runtime.codec.Keys.canonical(key); // raises here, where the record is known
      cursor.key = key;
      next.accept(value);
    }

    @Override
    boolean passesValues() {
      return true;
    }

    @Override
    boolean makesKeys() {
      return true;
    }
  }

  private static final class Reducing extends Stage {
    private final ReduceFunction<Object> function;
    private final KeyedStates states;

    Reducing(String operator, ReduceFunction<Object> function, Conversion conversion, KeyedStates states) {
      super(operator, function, conversion);
      this.function = function;
      this.states = states;
    }

    @Override
    void work(Object value) throws Exception {
      KeyedStates.Entry entry = states.entry(cursor.key);
      Object result = entry.values.containsKey(VALUE) ? function.reduce(entry.values.get(VALUE), value) : value;
      entry.values.put(VALUE, result);
      next.accept(result);
    }
  }

  private static final class Aggregating extends Stage {
    private final AggregateFunction<Object, Object, Object> function;
    private final KeyedStates states;

    Aggregating(
        String operator,
        AggregateFunction<Object, Object, Object> function,
        Conversion conversion,
        KeyedStates states) {
      super(operator, function, conversion);
      this.function = function;
      this.states = states;
    }

    @Override
    void work(Object value) throws Exception {
      KeyedStates.Entry entry = states.entry(cursor.key);
      Object accumulator = entry.values.get(VALUE);
      if (accumulator == null) {
        accumulator = function.createAccumulator();
        entry.values.put(VALUE, accumulator);
      }
      function.add(value, accumulator);
      next.accept(function.getResult(accumulator));
    }
  }

  private static final class Processing extends Stage {
    private final ProcessFunction<Object, Object> function;

    Processing(String operator, ProcessFunction<Object, Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      function.process(value, this);
    }
  }

  private static final class Sinking extends Stage {
    private final SinkFunction<Object> function;

    Sinking(String operator, SinkFunction<Object> function, Conversion conversion) {
      super(operator, function, conversion);
      this.function = function;
    }

    @Override
    void work(Object value) throws Exception {
      function.sink(value);
    }
  }

  /** The end of a run: keeps what comes out. */
  static final class Output extends Stage {
    private final boolean keyed;
    private final boolean timed;
    private Object[] values = new Object[16];
    private Object[] keys;
    private Object[] timestamps;
    private int size;

    Output(boolean keyed, boolean timed) {
      super("output", null, null);
      this.keyed = keyed;
      this.timed = timed;
      keys = keyed ? new Object[16] : null;
      timestamps = timed ? new Object[16] : null;
    }

    @Override
    void work(Object value) {
      if (size == values.length) {
        values = java.util.Arrays.copyOf(values, 2 * size);
        keys = keyed ? java.util.Arrays.copyOf(keys, 2 * size) : null;
        timestamps = timed ? java.util.Arrays.copyOf(timestamps, 2 * size) : null;
      }
      values[size] = value;
      if (keyed) {
        keys[size] = cursor.key;
      }
      if (timed) {
        timestamps[size] = cursor.timestamp;
      }
      size++;
    }

    int size() {
      return size;
    }

    /** Forgets the results of a record that failed. */
    void cut(int before) {
      size = before;
    }

    Column values(String origin, boolean fromPython) {
      return new Column(values, 0, size, origin, fromPython);
    }

    Column keys(String origin) {
      return keyed ? new Column(keys, 0, size, origin, false) : null;
    }

    Column timestamps(String origin) {
      return timed ? new Column(timestamps, 0, size, origin, false) : null;
    }
  }
}
