package io.ray.streaming.runtime.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The classes of one job: its jars first, so that they may bring other versions of what we use.
 *
 * <p>All operators of a job in this process share them, and the last one that closes them closes the
 * jars. Of the JDK and of raystreaming's own packages there is one only.
 */
public final class JobClasses {

  private static final Map<String, JobClasses> OPEN = new HashMap<>();

  private final String job;
  private final String[] jars;
  private final Loader loader;
  private int users;

  private JobClasses(String job, String[] jars) {
    this.job = job;
    this.jars = jars;
    this.loader = new Loader(jars);
  }

  /**
   * Returns the classes of a job; to be closed once for every call.
   *
   * @param job what tells the job from others
   * @param jars jars and folders of classes
   */
  public static JobClasses open(String job, String[] jars) {
    synchronized (OPEN) {
      JobClasses classes = OPEN.computeIfAbsent(job, key -> new JobClasses(job, jars));
      classes.users++;
      return classes;
    }
  }

  /** Lets go of the classes. */
  public void close() {
    synchronized (OPEN) {
      if (--users > 0) {
        return;
      }
      OPEN.remove(job);
    }
    try {
      loader.close();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Has this thread find the job's classes where libraries look for theirs. */
  void enter() {
    Thread.currentThread().setContextClassLoader(loader);
  }

  /** Has this thread find libraries' classes as if no job had been there. */
  static void leave() {
    Thread.currentThread().setContextClassLoader(ClassLoader.getSystemClassLoader());
  }

  ClassLoader loader() {
    return loader;
  }

  /** Names the jars, for messages. */
  String searched() {
    return jars.length == 0 ? "no jars of the job" : String.join(", ", jars);
  }

  private static final class Loader extends URLClassLoader {

    static {
      registerAsParallelCapable();
    }

    Loader(String[] jars) {
      super("job", urls(jars), JobClasses.class.getClassLoader());
    }

    private static URL[] urls(String[] jars) {
      URL[] urls = new URL[jars.length];
      for (int i = 0; i < jars.length; i++) {
        try {
          urls[i] = Path.of(jars[i]).toUri().toURL();
        } catch (MalformedURLException error) {
          throw new IllegalArgumentException(jars[i] + " is no path of a jar", error);
        }
      }
      return urls;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (isShared(name)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> found = findLoadedClass(name);
        if (found == null) {
          try {
            found = findClass(name);
          } catch (ClassNotFoundException notHere) {
            return super.loadClass(name, resolve);
          }
        }
        if (resolve) {
          resolveClass(found);
        }
        return found;
      }
    }

    private static boolean isShared(String name) {
      return name.startsWith("java.")
          || name.startsWith("io.ray.streaming.api.")
          || name.startsWith("io.ray.streaming.runtime.");
    }

    @Override
    public URL getResource(String name) {
      URL own = findResource(name);
      return own != null ? own : super.getResource(name);
    }
  }
}
