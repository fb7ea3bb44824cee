package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.SplitReader;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Pairs of a part of a sequence file, from the first sync point in it to the first behind it.
 *
 * <p>A position is an offset from which the file can be read, and a number of records to leave out there:
 * those of a compressed block have no offsets of their own.
 */
final class SequenceReader implements SplitReader<Object, List<Long>> {

  private final SequenceFile.Reader file;
  private final Writable key;
  private final Writable value;
  private final long end;
  private long from;
  private long since;

  SequenceReader(Place place, Path path, long start, long end, List<Long> position) throws IOException {
    FileSystem files = place.fileSystem();
    Configuration configuration = files.getConf();
    file = new SequenceFile.Reader(
        configuration,
        SequenceFile.Reader.stream(files.open(path)),
        SequenceFile.Reader.length(files.getFileStatus(path).getLen()));
    this.end = end;
    key = (Writable) ReflectionUtils.newInstance(file.getKeyClass(), configuration);
    value = (Writable) ReflectionUtils.newInstance(file.getValueClass(), configuration);
    if (position != null) {
      from = position.get(0);
      file.seek(from);
      while (since < position.get(1)) {
        next();
      }
    } else {
      if (start > file.getPosition()) {
        file.sync(start);
      }
      from = file.getPosition();
    }
  }

  /** Reads a pair; returns false behind the end of the part. */
  private boolean next() throws IOException {
    long before = file.getPosition();
    if (!file.next(key, value) || (before >= end && file.syncSeen())) {
      return false;
    }
    if (file.getPosition() == before) { // one more of a block
      since++;
    } else {
      from = before;
      since = 1;
    }
    return true;
  }

  @Override
  public boolean poll(Collector<Object> records, int limit) throws IOException {
    for (int i = 0; i < limit; i++) {
      if (!next()) {
        return false;
      }
      records.collect(Arrays.asList(Plain.of(key), Plain.of(value)));
    }
    return true;
  }

  @Override
  public List<Long> position() {
    return List.of(from, since);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
