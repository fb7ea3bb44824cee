package io.ray.streaming.runtime.client;

import io.ray.streaming.api.context.JobException;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

/** Where the classes of this program are, which are those of its job: jars and folders. */
final class ClassPath {

  private final Set<Path> found = new LinkedHashSet<>();

  private ClassPath() {}

  /** Returns all places, absolute, in the order in which they are searched. */
  static List<String> ofProgram() {
    ClassPath path = new ClassPath();
    try {
      // A program that a build tool runs inside itself has a class loader of its own.
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      for (; loader != null; loader = loader.getParent()) {
        if (loader instanceof URLClassLoader places) {
          for (URL url : places.getURLs()) {
            path.add(URI.create(url.toString()));
          }
        }
      }
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        if (!entry.isEmpty()) {
          path.add(Path.of(entry));
        }
      }
    } catch (IOException error) {
      throw new JobException("the class path of the program cannot be read: " + error.getMessage(), error);
    }
    return path.found.stream().map(Path::toString).toList();
  }

  private void add(URI place) throws IOException {
    if ("file".equals(place.getScheme())) {
      add(Path.of(place));
    }
  }

  private void add(Path entry) throws IOException {
    Path place = entry.toAbsolutePath().normalize();
    if (!Files.exists(place) || !found.add(place) || Files.isDirectory(place)) {
      return;
    }
    // A jar may name others beside it, e.g. that of `java -jar`, or of a test runner.
    try (JarFile jar = new JarFile(place.toFile())) {
      Manifest manifest = jar.getManifest();
      String others = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
      if (others != null) {
        for (String other : others.trim().split("\\s+")) {
          add(place.toUri().resolve(other));
        }
      }
    }
  }
}
