package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Keeps some records. */
@FunctionalInterface
public interface FilterFunction<T> extends Function {

  /** Returns whether the record is kept. */
  boolean filter(T value) throws Exception;
}
