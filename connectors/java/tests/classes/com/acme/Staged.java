package com.acme;

import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.WriterContext;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import staging.StagedSink;

/** Writes lines into files that get their names when they are committed. */
public record Staged(String folder) implements StagedSink {
  @Override
  public TwoPhaseWriter<Object, String> open(WriterContext context) throws IOException {
    String prefix = prefix(context);
    long before = context.state() == null ? 0 : (Long) ((Map<?, ?>) context.state()).get("epochs");
    return new TwoPhaseWriter<>() {
      private long epochs = before;
      private String name;
      private BufferedWriter out;

      @Override
      public void write(Object record) throws IOException {
        if (out == null) {
          name = prefix + epochs;
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
}
