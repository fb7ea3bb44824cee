package io.ray.streaming.api.partition;

import io.ray.streaming.api.function.Function;

/** Chooses the tasks that a record goes to. */
@FunctionalInterface
public interface Partition<T> extends Function {

  /**
   * Returns the indices of the tasks that get a record: one at least.
   *
   * @param numPartition number of tasks of the next operator; indices begin with 0
   */
  int[] partition(T record, int numPartition);
}
