package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.SplitReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.IOUtils;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.LineReader;

/** Lines that begin in a part of a file. A position is the offset of a line, in compressed files of the text. */
final class TextReader implements SplitReader<Object, List<Long>> {

  private final LineReader lines;
  private final Text line = new Text();
  private final long end;
  private long at;

  TextReader(Place place, Path path, long start, long end, List<Long> position) throws IOException {
    FileSystem files = place.fileSystem();
    CompressionCodec codec = new CompressionCodecFactory(files.getConf()).getCodec(path);
    FSDataInputStream file = files.open(path);
    this.end = codec == null ? end : Long.MAX_VALUE;
    at = position == null ? start : position.get(0);
    InputStream in = file;
    if (codec == null) {
      boolean inside = position == null && start > 0;
      // One byte earlier: then a line that begins right at the start is not taken for the rest of one.
      file.seek(inside ? start - 1 : at);
      lines = new LineReader(in);
      if (inside) {
        at = start - 1;
        at += lines.readLine(line);
      }
    } else {
      in = codec.createInputStream(file);
      IOUtils.skipFully(in, at);
      lines = new LineReader(in);
    }
  }

  @Override
  public boolean poll(Collector<Object> records, int limit) throws IOException {
    for (int i = 0; i < limit; i++) {
      int read = at < end ? lines.readLine(line) : 0;
      if (read == 0) {
        return false;
      }
      at += read;
      records.collect(line.toString());
    }
    return true;
  }

  @Override
  public List<Long> position() {
    return List.of(at);
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
