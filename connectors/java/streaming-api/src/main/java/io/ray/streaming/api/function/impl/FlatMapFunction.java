package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.function.Function;

/** Turns every record into any number of records. */
@FunctionalInterface
public interface FlatMapFunction<T, R> extends Function {

  /** Calls {@code collector.collect} with each result. */
  void flatMap(T value, Collector<R> collector) throws Exception;
}
