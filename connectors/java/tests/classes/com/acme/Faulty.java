package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.RetryableException;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import io.ray.streaming.api.connector.TerminalException;
import io.ray.streaming.api.connector.Writer;
import io.ray.streaming.api.connector.WriterContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Connectors with faults of every kind. */
public final class Faulty {
  /** Ten numbers; raises at the fifth, until it has done so a number of times, which a file counts. */
  public static class Numbers implements Source<Integer, Integer> {
    private final String kind;
    private final String counter;
    private final int times;

    public Numbers(String kind, String counter, int times) {
      this.kind = kind;
      this.counter = counter;
      this.times = times;
    }

    @Override
    public List<Split> splits(PlanContext context) {
      if (kind.equals("gone")) {
        throw new TerminalException("what is to be read does not exist");
      }
      return List.of(new Split("numbers"));
    }

    @Override
    public SplitReader<Integer, Integer> open(Split split, Integer position) {
      return new SplitReader<>() {
        private int next = position == null ? 0 : position;

        @Override
        public boolean poll(Collector<Integer> records, int limit) throws IOException {
          if (next == 5) {
            fail();
          }
          records.collect(next++);
          return next < 10;
        }

        @Override
        public Integer position() {
          return next;
        }
      };
    }

    private void fail() throws IOException {
      Path file = Path.of(counter);
      int failed = Files.exists(file) ? Files.readString(file).length() : 0;
      if (failed < times) {
        Files.writeString(file, "x".repeat(failed + 1));
        switch (kind) {
          case "retryable" -> throw new RetryableException("the server is busy", new IOException("reset"));
          case "terminal" -> throw new TerminalException("the account is closed");
          default -> throw new IOException("a plain fault");
        }
      }
    }
  }

  /** A position that a checkpoint cannot hold. */
  public static class Unkept implements Source<Integer, Object> {
    @Override
    public List<Split> splits(PlanContext context) {
      return List.of(new Split("one"));
    }

    @Override
    public SplitReader<Integer, Object> open(Split split, Object position) {
      return new SplitReader<>() {
        @Override
        public boolean poll(Collector<Integer> records, int limit) {
          records.collect(1);
          return true;
        }

        @Override
        public Object position() {
          return Thread.currentThread();
        }
      };
    }
  }

  /** Is no writer of text. */
  public static class OnlyIntegers implements Sink<Integer> {
    @Override
    public Writer<Integer> open(WriterContext context) {
      return record -> {
        if (record == 3) {
          throw new RetryableException("no room for " + record.getClass().getSimpleName() + " " + record);
        }
      };
    }
  }
}
