package io.ray.streaming.runtime.host;

import io.ray.streaming.api.collector.Collector;
import java.util.Arrays;

/** What a task reads from, as Python sees it: a source function, or a split. */
public abstract class SourceHost implements Collector<Object> {

  final FunctionSpec spec;
  final JobClasses classes;

  private Object[] values = new Object[16];
  private int size;
  private boolean ended;

  SourceHost(FunctionSpec spec, JobClasses classes) {
    this.spec = spec;
    this.classes = classes;
  }

  /** Collects some records, or none. */
  abstract void fetch(int limit) throws Exception;

  /** Returns where to go on after what was read; null if there is nothing to say. */
  public abstract byte[] position();

  /** Lets go of what it reads from. */
  abstract void release() throws Exception;

  /** Names the class of what it reads from. */
  abstract String name();

  /** Closes what it reads from. */
  public final void close() {
    try {
      release();
    } catch (Throwable error) {
      throw failure("close", error);
    } finally {
      JobClasses.leave();
    }
  }

  /** Names what has raised. */
  final Failure failure(String method, Throwable error) {
    return Failure.inFunction(spec.operator(), name() + "." + method, error);
  }

  /**
   * Fetches until there are some records, or the time is over, or there are no more.
   *
   * @return the records; null if there were none in that time
   */
  public final Column read(int limit, int milliseconds) {
    classes.enter();
    values = new Object[Math.max(16, limit)];
    size = 0;
    long deadline = System.nanoTime() + 1_000_000L * milliseconds;
    try {
      while (!ended && size < limit) {
        int before = size;
        fetch(limit - size);
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
      throw error instanceof Failure ready ? ready : failure("read", error);
    }
    return size == 0 ? null : new Column(values, 0, size, spec.operator(), false);
  }

  /** Whether there are no more records. */
  public final boolean ended() {
    return ended;
  }

  /** Notes that there are no more records. */
  public final void end() {
    ended = true;
  }

  @Override
  public final void collect(Object element) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = element;
  }
}
