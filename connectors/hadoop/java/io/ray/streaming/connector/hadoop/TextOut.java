package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.TerminalException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionOutputStream;

/** Lines of UTF-8. */
final class TextOut implements OutFile {

  private final FSDataOutputStream file;
  private final OutputStream out;

  TextOut(FileSystem files, Path path, CompressionCodec codec) throws IOException {
    file = files.create(path, false);
    out = codec == null ? file : codec.createOutputStream(file);
  }

  @Override
  public void write(Object record) throws IOException {
    if (!(record instanceof String line) || line.indexOf('\n') >= 0) {
      throw new TerminalException(
          "format='text' takes texts without newlines, each a line: map the records to such first");
    }
    out.write(line.getBytes(StandardCharsets.UTF_8));
    out.write('\n');
  }

  @Override
  public void close() throws IOException {
    if (out instanceof CompressionOutputStream compressed) {
      compressed.finish();
    }
    OutFile.sync(file);
    out.close();
  }
}
