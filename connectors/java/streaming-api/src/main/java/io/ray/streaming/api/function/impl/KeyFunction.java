package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/** Names the key of a record. */
@FunctionalInterface
public interface KeyFunction<T, K> extends Function {

  /** Returns null, a boolean, a number, a string, bytes, or a list of these. */
  K keyBy(T value) throws Exception;
}
