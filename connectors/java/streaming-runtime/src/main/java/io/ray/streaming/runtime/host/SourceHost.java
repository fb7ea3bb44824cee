package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Map;

/** A source function as one task reads it. */
public final class SourceHost implements SourceFunction.SourceContext<Object> {

  private final FunctionSpec spec;
  private final SourceFunction<Object> function;
  private Object[] values = new Object[16];
  private int size;
  private boolean ended;

  /** Makes the function, gives it its position (null for the start), and lets it get ready. */
  public SourceHost(byte[] packed, JobClasses classes, int task, int parallelism, byte[] position) {
    this(FunctionSpec.read(packed), null, classes, task, parallelism, position);
  }

  @SuppressWarnings("unchecked")
  private SourceHost(
      FunctionSpec spec,
      SourceFunction<?> made,
      JobClasses classes,
      int task,
      int parallelism,
      byte[] position) {
    this.spec = spec;
    Thread.currentThread().setContextClassLoader(classes.loader());
    function = (SourceFunction<Object>) (made == null ? Functions.make(spec, classes) : made);
    try {
      if (position != null) {
        function.loadCheckpoint((Serializable) new ObjectReader(position, classes.loader()).read());
      }
      if (function instanceof RichFunction rich) {
        rich.open(new Context(spec, task, parallelism, null));
      }
      function.init(parallelism, task);
    } catch (Throwable error) {
      throw failure("init", error);
    }
  }

  /** Makes a source of a function object that is there, for tests of functions. */
  public static SourceHost of(
      SourceFunction<?> function, JobClasses classes, int task, int parallelism, byte[] position) {
    FunctionSpec spec = FunctionSpec.of(Kind.SOURCE, function, Map.of());
    return new SourceHost(spec, function, classes, task, parallelism, position);
  }

  /**
   * Fetches until there are some records, or the time is over, or there are no more.
   *
   * @return the records; null if there were none in that time
   */
  public Column read(int limit, int milliseconds) {
    values = new Object[Math.max(16, limit)];
    size = 0;
    long deadline = System.nanoTime() + 1_000_000L * milliseconds;
    try {
      while (!ended && size < limit) {
        int before = size;
        function.fetch(this);
        if (System.nanoTime() >= deadline) {
          break;
        }
        if (size == before && !ended) {
          if (size > 0) {
            break; // what is there goes on, instead of waiting for more
          }
          Thread.sleep(1);
        }
      }
    } catch (Throwable error) {
      throw failure("fetch", error);
    }
    return size == 0 ? null : new Column(values, 0, size, spec.operator(), false);
  }

  /** Whether there are no more records. */
  public boolean ended() {
    return ended;
  }

  /** Returns where to go on after what was read; null if the function keeps no position. */
  public byte[] position() {
    try {
      Serializable kept = function.saveCheckpoint();
      if (kept == null) {
        return null;
      }
      ObjectWriter writer = new ObjectWriter(256);
      writer.write(kept);
      return writer.toArray();
    } catch (Throwable error) {
      throw failure("saveCheckpoint", error);
    }
  }

  /** Closes the function. */
  public void close() {
    try {
      function.close();
    } catch (Throwable error) {
      throw failure("close", error);
    } finally {
      Thread.currentThread().setContextClassLoader(ClassLoader.getSystemClassLoader());
    }
  }

  private Failure failure(String method, Throwable error) {
    return error instanceof Failure ready
        ? ready
        : Failure.inFunction(spec.operator(), function.getClass().getName() + "." + method, error);
  }

  @Override
  public void collect(Object element) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = element;
  }

  @Override
  public void end() {
    ended = true;
  }
}
