package io.ray.streaming.api.function.internal;

import io.ray.streaming.api.function.impl.SourceFunction;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Reads a collection, in order; the first task reads all of it. */
public final class CollectionSourceFunction<T> implements SourceFunction<T> {

  private static final int AT_A_TIME = 1_000;

  private final List<T> values;
  private int next;

  /** Takes the elements over. */
  public CollectionSourceFunction(Collection<T> values) {
    this.values = new ArrayList<>(values);
  }

  @Override
  public void init(int parallelism, int index) {
    next = index == 0 ? next : values.size();
  }

  @Override
  public void fetch(SourceContext<T> ctx) throws Exception {
    int stop = Math.min(values.size(), next + AT_A_TIME);
    while (next < stop) {
      ctx.collect(values.get(next++));
    }
    if (next == values.size()) {
      ctx.end();
    }
  }

  @Override
  public Serializable saveCheckpoint() {
    return next;
  }

  @Override
  public void loadCheckpoint(Serializable position) {
    next = (Integer) position;
  }
}
