package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The lines of the files of a folder, for ever; looks for new files and new lines. */
public final class Watched implements Source<String, Integer> {
  private final String folder;

  public Watched(String folder) {
    this.folder = folder;
  }

  @Override
  public boolean bounded() {
    return false;
  }

  @Override
  public Duration discoveryInterval() {
    return Duration.ofMillis(50);
  }

  @Override
  public List<Split> splits(PlanContext context) throws IOException {
    try (Stream<Path> files = Files.list(Path.of(folder))) {
      return files
          .filter(file -> file.toString().endsWith(".txt"))
          .map(file -> new Split(file.toString()))
          .sorted((a, b) -> a.id().compareTo(b.id()))
          .toList();
    }
  }

  @Override
  public SplitReader<String, Integer> open(Split split, Integer position) {
    return new SplitReader<>() {
      private int next = position == null ? 0 : position;

      @Override
      public boolean poll(Collector<String> records, int limit) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(split.id()));
        while (next < lines.size()) {
          records.collect(lines.get(next++));
        }
        return true;
      }

      @Override
      public Integer position() {
        return next;
      }

      @Override
      public void committed(Integer position) throws IOException {
        Path told = Path.of(split.id() + ".committed");
        Files.writeString(told, position + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      }
    };
  }
}
