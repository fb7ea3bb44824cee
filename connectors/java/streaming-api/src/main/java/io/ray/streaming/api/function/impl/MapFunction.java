package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Turns every record into one record. */
@FunctionalInterface
public interface MapFunction<T, R> extends Function {

  /** Returns what the record becomes. */
  R map(T value) throws Exception;
}
