package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.Options;
import io.ray.streaming.api.connector.TerminalException;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.VersionInfo;

/** Where files are, and how Hadoop's client is to reach them. */
record Place(String path, Map<String, String> settings) implements Serializable {

  private static final Map<String, FileSystem> OPEN = new HashMap<>();

  static Place of(Options options) {
    return new Place(options.string("path"), options.map("client_options"));
  }

  Configuration configuration() {
    Configuration configuration = new Configuration();
    configuration.setClassLoader(Place.class.getClassLoader());
    // No checksum files beside those of this machine: other programs read the folder too.
    configuration.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    settings.forEach(configuration::set);
    return configuration;
  }

  /** Returns the file system; Hadoop's own cache would give that of other settings, too. */
  FileSystem fileSystem() throws IOException {
    Configuration configuration = configuration();
    URI uri = toPath().toUri();
    String key = uri.getScheme() + "://" + uri.getAuthority() + settings;
    synchronized (OPEN) {
      FileSystem known = OPEN.get(key);
      if (known == null) {
        known = opened(uri.getScheme() == null ? FileSystem.getDefaultUri(configuration) : uri, configuration);
        OPEN.put(key, known);
      }
      return known;
    }
  }

  private FileSystem opened(URI uri, Configuration configuration) throws IOException {
    try {
      return FileSystem.newInstance(uri, configuration);
    } catch (UnsupportedFileSystemException error) {
      throw unknown(error);
    } catch (RuntimeException error) {
      throw error.getCause() instanceof ClassNotFoundException ? unknown(error) : error;
    }
  }

  private TerminalException unknown(Exception error) {
    return new TerminalException(
        path + ": no file system of that scheme is known: add its package to java_packages, e.g."
            + " org.apache.hadoop:hadoop-aws:" + VersionInfo.getVersion() + " for s3a",
        error);
  }

  Path toPath() {
    return new Path(path);
  }

  /** Returns the codec of a name like "gzip"; null for none. */
  CompressionCodec codec(String name) {
    if (name == null) {
      return null;
    }
    CompressionCodec codec = new CompressionCodecFactory(configuration()).getCodecByName(name);
    if (codec == null) {
      throw new TerminalException(
          "compression='" + name + "': Hadoop knows no such codec; try gzip, bzip2, deflate, zstandard or lz4");
    }
    return codec;
  }
}
