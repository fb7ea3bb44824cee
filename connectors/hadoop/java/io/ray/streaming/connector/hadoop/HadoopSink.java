package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.Options;
import io.ray.streaming.api.connector.TerminalException;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.WriterContext;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Text and sequence files on every file system that Hadoop's client reaches, exactly once.
 *
 * <p>Files are written into {@code _raystreaming} of the folder, and renamed into the folder when the
 * checkpoint that holds their records is complete. What is kept of a file until then is its name.
 */
public final class HadoopSink implements TwoPhaseSink<Object, String> {

  private Place place;
  private Format format;
  private String compression;

  @Override
  public String name() {
    return "hadoop";
  }

  @Override
  public void configure(Options options) {
    place = Place.of(options);
    format = Format.of(options.string("format", "text"));
    compression = options.string("compression", null);
  }

  @Override
  public TwoPhaseWriter<Object, String> open(WriterContext context) throws IOException {
    // A task that restarts within a run gets another word, so that names never come twice.
    String word = Integer.toHexString(ThreadLocalRandom.current().nextInt());
    String prefix = owned(context.owner()) + context.run() + "-" + context.task() + "-" + word + "-";
    FileSystem files = place.fileSystem();
    files.mkdirs(staging());
    return new HadoopWriter(files, staging(), prefix, format, place.codec(compression));
  }

  private Path staging() {
    return new Path(place.toPath(), "_raystreaming");
  }

  /** What the names of an owner's staged files begin with. */
  private static String owned(String owner) {
    return URLEncoder.encode(owner, StandardCharsets.UTF_8).replace("_", "%5F") + "_";
  }

  private Path published(String staged) {
    return new Path(place.toPath(), "part-" + staged.substring(staged.indexOf('_') + 1));
  }

  @Override
  public void commit(List<String> prepared) throws IOException {
    FileSystem files = place.fileSystem();
    for (String name : prepared) {
      Path staged = new Path(staging(), name);
      Path target = published(name);
      if (files.exists(target)) { // before a crash; where a rename is a copy, both may be there
        files.delete(staged, false);
      } else if (!files.exists(staged) || !files.rename(staged, target)) {
        throw new TerminalException("the prepared file " + staged + " is gone, and with it its records");
      }
    }
  }

  @Override
  public void abort(List<String> prepared) throws IOException {
    for (String name : prepared) {
      place.fileSystem().delete(new Path(staging(), name), false);
    }
  }

  @Override
  public List<String> listOpen(String owner) throws IOException {
    FileSystem files = place.fileSystem();
    List<String> open = new ArrayList<>();
    if (files.exists(staging())) {
      for (FileStatus file : files.listStatus(staging())) {
        if (file.getPath().getName().startsWith(owned(owner))) {
          open.add(file.getPath().getName());
        }
      }
    }
    return open;
  }
}
