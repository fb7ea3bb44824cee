package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Writer;
import io.ray.streaming.api.connector.WriterContext;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.partition.Partition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Functions of every kind that note each call in a file, and refuse some numbers so many times. */
public class Refusing
    implements MapFunction<Long, Long>,
        FilterFunction<Long>,
        FlatMapFunction<Long, Long>,
        KeyFunction<Long, Long>,
        AggregateFunction<Long, long[], Long>,
        ProcessFunction<Long, Long>,
        Partition<Long>,
        SinkFunction<Long> {
  private final Path calls;
  private final List<Long> refused;
  private final long times;
  private final Map<Long, Long> attempts = new HashMap<>();

  public Refusing(String calls, List<Long> refused, long times) {
    this.calls = Path.of(calls);
    this.refused = refused;
    this.times = times;
  }

  private Long take(Long number) {
    try {
      Files.writeString(calls, number + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    if (refused.contains(number) && attempts.merge(number, 1L, Long::sum) <= times) {
      throw new IllegalArgumentException("no " + number);
    }
    return number;
  }

  @Override
  public Long map(Long number) {
    return take(number);
  }

  @Override
  public boolean filter(Long number) {
    return take(number) != null;
  }

  /** Refuses when it has collected already. */
  @Override
  public void flatMap(Long number, Collector<Long> collector) {
    collector.collect(number);
    take(number);
  }

  @Override
  public Long keyBy(Long number) {
    return take(number);
  }

  @Override
  public long[] createAccumulator() {
    return new long[1];
  }

  @Override
  public void add(Long number, long[] latest) {
    latest[0] = take(number);
  }

  @Override
  public Long getResult(long[] latest) {
    return latest[0];
  }

  @Override
  public void process(Long number, Collector<Long> collector) {
    collector.collect(take(number));
  }

  @Override
  public int[] partition(Long number, int tasks) {
    return new int[] {(int) (take(number) % tasks)};
  }

  @Override
  public void sink(Long number) {
    take(number);
  }

  /** The same as a connector. */
  public record Connector(String calls, List<Long> refused, long times) implements Sink<Long> {
    @Override
    public Writer<Long> open(WriterContext context) {
      return new Refusing(calls, refused, times)::take;
    }
  }
}
