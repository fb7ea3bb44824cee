package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.TerminalException;
import java.io.IOException;
import java.util.List;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.SequenceFile.CompressionType;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.compress.CompressionCodec;

/** Pairs of a key and a value; the first pair decides on their types. */
final class SequenceOut implements OutFile {

  private final FSDataOutputStream file;
  private final CompressionCodec codec;
  private final FileSystem files;
  private SequenceFile.Writer out;

  SequenceOut(FileSystem files, Path path, CompressionCodec codec) throws IOException {
    this.files = files;
    this.codec = codec;
    file = files.create(path, false);
  }

  @Override
  public void write(Object record) throws IOException {
    if (!(record instanceof List<?> pair) || pair.size() != 2) {
      throw new TerminalException("format='sequence' takes pairs of a key and a value: map the records to such first");
    }
    Writable key = Plain.written(pair.get(0));
    Writable value = Plain.written(pair.get(1));
    if (out == null) {
      out = SequenceFile.createWriter(
          files.getConf(),
          SequenceFile.Writer.stream(file),
          SequenceFile.Writer.keyClass(key.getClass()),
          SequenceFile.Writer.valueClass(value.getClass()),
          SequenceFile.Writer.compression(codec == null ? CompressionType.NONE : CompressionType.BLOCK, codec));
    }
    if (key.getClass() != out.getKeyClass() || value.getClass() != out.getValueClass()) {
      throw new TerminalException(
          "a sequence file has one type of keys and one of values, here " + out.getKeyClass().getSimpleName()
              + " and " + out.getValueClass().getSimpleName() + "; this pair has " + key.getClass().getSimpleName()
              + " and " + value.getClass().getSimpleName() + ": map the records to one of them first");
    }
    out.append(key, value);
  }

  @Override
  public void close() throws IOException {
    if (out != null) {
      out.close(); // writes the last block; the stream is ours
    }
    OutFile.sync(file);
    file.close();
  }
}
