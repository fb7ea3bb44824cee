package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.AsyncTwoPhaseWriter;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;

/** Writes the files of one task; a file ends at each checkpoint, and is synced and closed beside the next one. */
final class HadoopWriter implements AsyncTwoPhaseWriter<Object, String> {

  private final FileSystem files;
  private final Path folder;
  private final String prefix;
  private final Format format;
  private final CompressionCodec codec;
  private int number;
  private String name;
  private OutFile file;

  HadoopWriter(FileSystem files, Path folder, String prefix, Format format, CompressionCodec codec) {
    this.files = files;
    this.folder = folder;
    this.prefix = prefix;
    this.format = format;
    this.codec = codec;
  }

  @Override
  public void write(Object record) throws IOException {
    if (file == null) {
      String suffix = format == Format.SEQUENCE ? ".seq" : codec == null ? ".txt" : ".txt" + codec.getDefaultExtension();
      name = prefix + number++ + suffix;
      Path path = new Path(folder, name);
      file = format == Format.SEQUENCE ? new SequenceOut(files, path, codec) : new TextOut(files, path, codec);
    }
    file.write(record);
  }

  @Override
  public Callable<String> prepareLater(long epoch) {
    if (file == null) {
      return null;
    }
    OutFile ended = file;
    String prepared = name;
    file = null;
    return () -> {
      ended.close();
      return prepared;
    };
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      OutFile ended = file;
      file = null;
      ended.close();
    }
  }
}
