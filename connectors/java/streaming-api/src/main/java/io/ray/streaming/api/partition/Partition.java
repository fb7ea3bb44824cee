package io.ray.streaming.api.partition;

import io.ray.streaming.api.function.Function;

/** Chooses the tasks that a record goes to. */
@FunctionalInterface
public interface Partition<T> extends Function {

  /** Returns the indices of the tasks, from 0 to {@code numPartition - 1}. */
  int[] partition(T value, int numPartition);
}
