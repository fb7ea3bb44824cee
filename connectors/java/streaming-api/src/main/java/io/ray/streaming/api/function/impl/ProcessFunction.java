package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.function.Function;

/** Works on every record, with state by key if it wishes. */
@FunctionalInterface
public interface ProcessFunction<T, R> extends Function {

  /** Calls {@code collector.collect} with each result. */
  void process(T value, Collector<R> collector) throws Exception;
}
