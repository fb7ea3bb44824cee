package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.Function;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.partition.Partition;
import java.util.ArrayList;
import java.util.List;

/** What an operator is, by the name of its method on streams, and the function that it runs. */
public enum Kind {
  MAP("map", MapFunction.class),
  FILTER("filter", FilterFunction.class),
  FLAT_MAP("flat_map", FlatMapFunction.class),
  KEY_BY("key_by", KeyFunction.class),
  REDUCE("reduce", ReduceFunction.class),
  AGGREGATE("aggregate", AggregateFunction.class),
  PROCESS("process", ProcessFunction.class),
  SINK("sink", SinkFunction.class),
  PARTITION_BY("partition_by", Partition.class),
  SOURCE("from_java", SourceFunction.class);

  private final String method;
  private final Class<? extends Function> function;

  Kind(String method, Class<? extends Function> function) {
    this.method = method;
    this.function = function;
  }

  String method() {
    return method;
  }

  Class<? extends Function> function() {
    return function;
  }

  static Kind of(String method) {
    for (Kind kind : values()) {
      if (kind.method.equals(method)) {
        return kind;
      }
    }
    throw new IllegalArgumentException("no operator is called " + method);
  }

  /** Names the interfaces a class does implement, with the methods that take them. */
  static String implementedBy(Class<?> type) {
    List<String> found = new ArrayList<>();
    for (Kind kind : values()) {
      if (kind.function.isAssignableFrom(type)) {
        found.add(kind.function.getSimpleName() + ", which is for " + kind.method + "()");
      }
    }
    return String.join(", and ", found);
  }
}
