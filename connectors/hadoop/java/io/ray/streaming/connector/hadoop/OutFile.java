package io.ray.streaming.connector.hadoop;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.StreamCapabilities;

/** A file that is being written. Closed, it survives a crash. */
interface OutFile extends Closeable {

  void write(Object record) throws IOException;

  /** Has a file survive a crash of its machine, where the file system knows how. */
  static void sync(FSDataOutputStream out) throws IOException {
    if (out.hasCapability(StreamCapabilities.HSYNC)) {
      out.hsync();
    }
  }
}
