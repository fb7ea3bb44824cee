package com.acme;

import io.ray.streaming.api.connector.AsyncTwoPhaseWriter;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.WriterContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Commits lines into a file. What it prepares first is ready when a record of the next epoch has been written. */
public final class Later implements TwoPhaseSink<Object, List<String>> {
  private final String file;
  private final String fault;

  public Later(String file, String fault) {
    this.file = file;
    this.fault = fault;
  }

  @Override
  public TwoPhaseWriter<Object, List<String>> open(WriterContext context) {
    return new AsyncTwoPhaseWriter<>() {
      private final CountDownLatch next = new CountDownLatch(1);
      private List<String> lines = new ArrayList<>();
      private boolean first = true;
      private boolean prepared;

      @Override
      public void write(Object record) {
        lines.add(record.toString());
        if (prepared) {
          next.countDown();
        }
      }

      @Override
      public Callable<List<String>> prepareLater(long epoch) {
        if (lines.isEmpty()) {
          return null;
        }
        List<String> ended = lines;
        boolean waits = first;
        lines = new ArrayList<>();
        first = false;
        prepared = true;
        return () -> {
          if (!fault.isEmpty()) {
            throw new IOException(fault);
          }
          if (waits && !next.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the records of the next epoch have been held up");
          }
          return ended;
        };
      }
    };
  }

  @Override
  public void commit(List<List<String>> prepared) throws IOException {
    Path path = Path.of(file);
    List<String> written = new ArrayList<>(Files.exists(path) ? Files.readAllLines(path) : List.of());
    prepared.forEach(written::addAll);
    Files.write(path, written);
  }

  @Override
  public void abort(List<List<String>> prepared) {}

  @Override
  public List<List<String>> listOpen(String owner) {
    return List.of();
  }
}
