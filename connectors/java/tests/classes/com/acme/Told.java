package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.ReaderContext;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import io.ray.streaming.api.connector.Writer;
import io.ray.streaming.api.connector.WriterContext;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.partition.Partition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/** Functions and connectors that show what {@code with_config} has told them. */
public final class Told {

  private abstract static class Rich implements RichFunction {
    transient Map<String, String> config;

    @Override
    public void open(RuntimeContext context) {
      config = context.getConfig();
    }
  }

  public static class ByFunction extends Rich implements SourceFunction<String> {
    public void init(int parallelism, int index) {}

    public void fetch(SourceContext<String> ctx) throws Exception {
      ctx.collect("function " + config.get("unit"));
      ctx.end();
    }
  }

  public static class BySplit implements Source<String, Integer> {
    @Override
    public List<Split> splits(PlanContext context) {
      return List.of(new Split("only", Map.of()));
    }

    @Override
    public SplitReader<String, Integer> open(Split split, Integer position) {
      throw new IllegalStateException("the other one is called");
    }

    @Override
    public SplitReader<String, Integer> open(Split split, Integer position, ReaderContext context) {
      return new SplitReader<>() {
        @Override
        public boolean poll(Collector<String> records, int limit) {
          if (position == null) {
            records.collect(
                "split " + context.config().get("unit") + " " + context.task() + "/" + context.parallelism());
          }
          return false;
        }

        @Override
        public Integer position() {
          return 1;
        }
      };
    }
  }

  public static class InMap extends Rich implements MapFunction<Object, String> {
    public String map(Object value) {
      return value + ", map " + config.get("unit");
    }
  }

  public static class InReduce extends Rich implements ReduceFunction<String> {
    public String reduce(String old, String value) {
      return value + ", reduce " + config.get("unit");
    }
  }

  /** The task that the configuration of the sender names. */
  public static class InPartition extends Rich implements Partition<Object> {
    public int[] partition(Object value, int tasks) {
      return new int[] {Integer.parseInt(config.get("task"))};
    }
  }

  public static class InSinkFunction extends Rich implements SinkFunction<Object> {
    private final String path;

    public InSinkFunction(String path) {
      this.path = path;
    }

    public void sink(Object value) throws IOException {
      append(path, value + ", sink function " + config.get("unit"));
    }
  }

  public record InSink(String path) implements Sink<Object> {
    @Override
    public Writer<Object> open(WriterContext context) {
      return new Writer<>() {
        @Override
        public void write(Object record) throws IOException {
          append(path, record + ", sink " + context.config().get("unit"));
        }
      };
    }
  }

  private static void append(String path, String line) throws IOException {
    Files.writeString(Path.of(path), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
