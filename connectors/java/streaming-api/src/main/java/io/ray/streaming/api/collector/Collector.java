package io.ray.streaming.api.collector;

/** Takes the results of a function that makes any number of them. */
public interface Collector<T> {

  /** Takes one result. */
  void collect(T value);
}
