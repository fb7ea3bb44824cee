package io.ray.streaming.testkit;

import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.runtime.host.Column;
import io.ray.streaming.runtime.host.FunctionSourceHost;
import io.ray.streaming.runtime.host.JobClasses;
import java.util.ArrayList;
import java.util.List;

/** Reads from a source function as a job does, in a test without Python. */
public final class SourceHarness<T> implements AutoCloseable {

  private static final int MILLISECONDS = 100;

  private final SourceFunction<T> function;
  private final JobClasses classes = JobClasses.open("testkit", new String[0]);
  private byte[] position;
  private int task;
  private int parallelism = 1;
  private FunctionSourceHost host;

  private SourceHarness(SourceFunction<T> function) {
    this.function = function;
  }

  /** Tests a source function. */
  public static <T> SourceHarness<T> of(SourceFunction<T> function) {
    return new SourceHarness<>(function);
  }

  /** Sets which task of how many the function is told that it is; before the first read. */
  public SourceHarness<T> task(int index, int parallelism) {
    this.task = index;
    this.parallelism = parallelism;
    return this;
  }

  /** Goes on at a checkpoint; before the first read. */
  public SourceHarness<T> restore(Checkpoint checkpoint) {
    position = ((Position) checkpoint).kept();
    return this;
  }

  /** Fetches until there are so many records, or a tenth of a second is over, or there are no more. */
  @SuppressWarnings("unchecked")
  public List<T> read(int limit) {
    Column column = open().read(limit, MILLISECONDS);
    List<T> values = new ArrayList<>();
    for (int i = 0; column != null && i < column.size(); i++) {
      values.add((T) column.get(i));
    }
    return values;
  }

  /** Whether the function has said that there are no more records. */
  public boolean ended() {
    return open().ended();
  }

  /** Returns what a checkpoint at this point would hold. */
  public Checkpoint snapshot() {
    return new Position(open().position());
  }

  /** Closes the function, as the end of a job does. */
  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
    classes.close();
  }

  private FunctionSourceHost open() {
    if (host == null) {
      host = FunctionSourceHost.of(function, classes, task, parallelism, position);
    }
    return host;
  }
}
