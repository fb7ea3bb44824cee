package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Source;
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
import java.util.stream.Collectors;

/** What an operator is, by the name of its method on streams, and what it runs: a function, or a connector. */
public enum Kind {
  MAP("map", MapFunction.class),
  FILTER("filter", FilterFunction.class),
  FLAT_MAP("flat_map", FlatMapFunction.class),
  KEY_BY("key_by", KeyFunction.class),
  REDUCE("reduce", ReduceFunction.class),
  AGGREGATE("aggregate", AggregateFunction.class),
  PROCESS("process", ProcessFunction.class),
  SINK("sink", SinkFunction.class, Sink.class),
  PARTITION_BY("partition_by", Partition.class),
  SOURCE("from_java", SourceFunction.class, Source.class);

  private final String method;
  private final List<Class<?>> interfaces;

  Kind(String method, Class<?>... interfaces) {
    this.method = method;
    this.interfaces = List.of(interfaces);
  }

  String method() {
    return method;
  }

  /** The interface of its functions. */
  Class<?> function() {
    return interfaces.get(0);
  }

  boolean takes(Class<?> type) {
    return interfaces.stream().anyMatch(each -> each.isAssignableFrom(type));
  }

  /** The names of the interfaces, for messages. */
  String wanted(java.util.function.Function<Class<?>, String> name) {
    return interfaces.stream().map(name).collect(Collectors.joining(" or a "));
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
      for (Class<?> each : kind.interfaces) {
        if (each.isAssignableFrom(type)) {
          found.add(each.getSimpleName() + ", which is for " + kind.method + "()");
        }
      }
    }
    return String.join(", and ", found);
  }
}
