package com.acme;

import io.ray.streaming.api.connector.TerminalException;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.WriterContext;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Writes lines into files that get their names when they are committed. */
public final class Staged implements TwoPhaseSink<Object, String> {
  private final String folder;

  public Staged(String folder) {
    this.folder = folder;
  }

  private Path staged(String name) {
    return Path.of(folder, ".staged", name);
  }

  @Override
  public TwoPhaseWriter<Object, String> open(WriterContext context) throws IOException {
    Files.createDirectories(staged(""));
    long before = context.state() == null ? 0 : (Long) ((Map<?, ?>) context.state()).get("epochs");
    return new TwoPhaseWriter<>() {
      private long epochs = before;
      private String name;
      private BufferedWriter out;

      @Override
      public void write(Object record) throws IOException {
        if (out == null) {
          name = context.owner() + "." + context.run() + "-" + context.task() + "-" + epochs;
          out = Files.newBufferedWriter(staged(name));
        }
        out.write(record + "\n");
      }

      @Override
      public String prepare(long epoch) throws IOException {
        epochs++;
        if (out == null) {
          return null;
        }
        close();
        return name;
      }

      @Override
      public Object snapshot() {
        return Map.of("epochs", epochs);
      }

      @Override
      public void close() throws IOException {
        if (out != null) {
          out.close();
          out = null;
        }
      }
    };
  }

  @Override
  public void commit(List<String> prepared) throws IOException {
    for (String name : prepared) {
      Path target = Path.of(folder, name.substring(name.indexOf('.') + 1));
      if (Files.exists(staged(name))) {
        Files.move(staged(name), target, StandardCopyOption.ATOMIC_MOVE);
      } else if (!Files.exists(target)) {
        throw new TerminalException("the prepared file " + staged(name) + " is gone");
      }
    }
  }

  @Override
  public void abort(List<String> prepared) throws IOException {
    for (String name : prepared) {
      Files.deleteIfExists(staged(name));
    }
  }

  @Override
  public List<String> listOpen(String owner) throws IOException {
    if (!Files.exists(staged(""))) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(staged(""))) {
      return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(owner)).toList();
    }
  }
}
