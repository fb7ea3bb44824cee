package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Keeps an accumulator per key, and makes a result of it after every record. */
public interface AggregateFunction<I, A, O> extends Function {

  /** Returns the accumulator of a key that is seen for the first time. */
  A createAccumulator();

  /** Adds a record to the accumulator, in place. */
  void add(I value, A accumulator);

  /** Returns the result so far. */
  O getResult(A accumulator);

  /** Returns both accumulators as one. */
  default A merge(A a, A b) {
    throw new UnsupportedOperationException(getClass().getName() + " does not merge");
  }

  /** Takes a record out of the accumulator again. */
  default void retract(A accumulator, I value) {
    throw new UnsupportedOperationException(getClass().getName() + " does not retract");
  }
}
