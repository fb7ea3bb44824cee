package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Takes the records of a stream out of the job, at least once. */
@FunctionalInterface
public interface SinkFunction<T> extends Function {

  /** Takes one record. */
  void sink(T value) throws Exception;

  /** Puts everything taken where it survives a crash; called before a checkpoint counts. */
  default void flush() throws Exception {}
}
