package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Combines the records of a key. */
@FunctionalInterface
public interface ReduceFunction<T> extends Function {

  /** Returns the new value of the key; the first record of a key is its first value. */
  T reduce(T oldValue, T newValue) throws Exception;
}
