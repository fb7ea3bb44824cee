package io.ray.streaming.api.connector;

import io.ray.streaming.api.collector.Collector;

/** Reads one split, in one thread. Made by {@link Source#open}. */
public interface SplitReader<T, P> {

  /**
   * Collects the next records, or none; does not wait longer than 0.1 seconds.
   *
   * @param limit collect at most so many
   * @return whether there may be more; after false the split is not asked again
   * @throws RetryableException if the job may restart from its last checkpoint
   */
  boolean poll(Collector<T> records, int limit) throws Exception;

  /** Returns where to go on after what {@link #poll} has collected; null is the start. */
  P position() throws Exception;

  /** Returns how many records are known to wait, without a word over the network; null if unknown. */
  default Long lag() {
    return null;
  }

  /** Hears how far a completed checkpoint has come. Some checkpoints are not told. */
  default void committed(P position) throws Exception {}

  /** Releases what was opened. Not called after a hard kill. */
  default void close() throws Exception {}
}
