package staging;

import io.ray.streaming.api.connector.TerminalException;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.api.connector.WriterContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/** Commits files: what its writers have staged gets its name in the folder. */
public interface StagedSink extends TwoPhaseSink<Object, String> {
  String folder();

  default Path staged(String name) {
    return Path.of(folder(), ".staged", name);
  }

  /** Makes the folder for a writer; returns how the names of its staged files begin. */
  default String prefix(WriterContext context) throws IOException {
    Files.createDirectories(staged(""));
    return context.owner() + "." + context.run() + "-" + context.task() + "-";
  }

  @Override
  default void commit(List<String> prepared) throws IOException {
    for (String name : prepared) {
      Path target = Path.of(folder(), name.substring(name.indexOf('.') + 1));
      if (Files.exists(staged(name))) {
        Files.move(staged(name), target, StandardCopyOption.ATOMIC_MOVE);
      } else if (!Files.exists(target)) {
        throw new TerminalException("the prepared file " + staged(name) + " is gone");
      }
    }
  }

  @Override
  default void abort(List<String> prepared) throws IOException {
    for (String name : prepared) {
      Files.deleteIfExists(staged(name));
    }
  }

  @Override
  default List<String> listOpen(String owner) throws IOException {
    if (!Files.exists(staged(""))) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(staged(""))) {
      return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(owner + ".")).toList();
    }
  }
}
