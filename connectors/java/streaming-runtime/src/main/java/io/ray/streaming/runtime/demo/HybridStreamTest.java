package io.ray.streaming.runtime.demo;

import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.MapFunction;

/** The Java functions of the first cross-language example: on every job's class path. */
public final class HybridStreamTest {

  private HybridStreamTest() {}

  /** The record as text. */
  public static class Mapper1 implements MapFunction<Object, Object> {
    @Override
    public Object map(Object value) {
      return value.toString();
    }
  }

  /** Keeps records without the letter b. */
  public static class Filter1 implements FilterFunction<Object> {
    @Override
    public boolean filter(Object value) {
      return !value.toString().contains("b");
    }
  }
}
