package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.Options;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import io.ray.streaming.api.connector.TerminalException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodecFactory;

/**
 * Text and sequence files of every file system that Hadoop's client reaches.
 *
 * <p>A file is cut into splits where it can be: sequence files at their sync points, text at its lines;
 * compressed text is read by one task.
 */
public final class HadoopSource implements Source<Object, List<Long>> {

  private Place place;
  private Format format;
  private long splitBytes;
  private boolean watch;
  private Duration discoverEvery;

  @Override
  public String name() {
    return "hadoop";
  }

  @Override
  public void configure(Options options) {
    place = Place.of(options);
    format = Format.of(options.string("format", "text"));
    splitBytes = options.integer("split_bytes", 128L << 20);
    watch = options.bool("watch", false);
    discoverEvery = options.duration("discover_every", Duration.ofSeconds(5));
  }

  @Override
  public boolean bounded() {
    return !watch;
  }

  @Override
  public boolean splitsEnd() {
    return true;
  }

  @Override
  public Duration discoveryInterval() {
    return discoverEvery;
  }

  @Override
  public List<Split> splits(PlanContext context) throws IOException {
    FileSystem files = place.fileSystem();
    FileStatus[] found = files.globStatus(place.toPath());
    if (found == null || found.length == 0) {
      throw new TerminalException("there is nothing at " + place.path() + ": mend path, or write there first");
    }
    CompressionCodecFactory codecs = new CompressionCodecFactory(files.getConf());
    List<Split> splits = new ArrayList<>();
    for (FileStatus each : found) {
      cut(files, each, codecs, splits);
    }
    return splits;
  }

  private void cut(FileSystem files, FileStatus file, CompressionCodecFactory codecs, List<Split> splits)
      throws IOException {
    if (file.isDirectory()) {
      FileStatus[] found = files.listStatus(file.getPath(), HadoopSource::isShown);
      Arrays.sort(found);
      for (FileStatus inside : found) {
        cut(files, inside, codecs, splits);
      }
      return;
    }
    String path = file.getPath().toString();
    boolean whole = format == Format.TEXT && codecs.getCodec(file.getPath()) != null;
    long step = whole ? Math.max(1, file.getLen()) : splitBytes;
    for (long start = 0; start < file.getLen(); start += step) {
      long end = Math.min(file.getLen(), start + step);
      splits.add(new Split(path + "@" + start, Map.of("path", path, "start", start, "end", end)));
    }
  }

  /** Leaves out what is being written, and what others have hidden. */
  private static boolean isShown(Path path) {
    return !path.getName().startsWith("_") && !path.getName().startsWith(".");
  }

  @Override
  public SplitReader<Object, List<Long>> open(Split split, List<Long> position) throws IOException {
    Path path = new Path((String) split.payload().get("path"));
    long start = split.integer("start");
    long end = split.integer("end");
    return format == Format.TEXT
        ? new TextReader(place, path, start, end, position)
        : new SequenceReader(place, path, start, end, position);
  }
}
