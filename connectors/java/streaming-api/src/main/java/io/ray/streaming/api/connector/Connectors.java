package io.ray.streaming.api.connector;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.ServiceLoader.Provider;
import java.util.Set;
import java.util.TreeSet;

/** Finds connectors by their names, in what {@code META-INF/services} of the class path lists. */
public final class Connectors {

  private Connectors() {}

  /**
   * Makes a source.
   *
   * @param name what its {@link Connector#name} is, or its class's name
   * @param options its options
   * @throws IllegalArgumentException if there is none of the name, or an option is wrong
   */
  @SuppressWarnings("unchecked")
  public static <T> Source<T, ?> source(String name, Map<String, ?> options) {
    return find(Source.class, name, options, Thread.currentThread().getContextClassLoader());
  }

  /**
   * Makes a sink.
   *
   * @param name what its {@link Connector#name} is, or its class's name
   * @param options its options
   * @throws IllegalArgumentException if there is none of the name, or an option is wrong
   */
  @SuppressWarnings("unchecked")
  public static <T> Sink<T> sink(String name, Map<String, ?> options) {
    return find(Sink.class, name, options, Thread.currentThread().getContextClassLoader());
  }

  /** Makes a connector of a kind; for the two above, and for plugins. */
  public static <C extends Connector> C find(
      Class<C> kind, String name, Map<String, ?> options, ClassLoader loader) {
    Listed<C> listed = new Listed<>(kind, loader);
    for (Provider<C> each : listed.providers) {
      if (name.equals(each.type().getName())) {
        return configured(listed.made(each, true), options);
      }
    }
    Set<String> names = new TreeSet<>();
    for (Provider<C> each : listed.providers) {
      C connector = listed.made(each, false);
      if (connector != null && name.equals(connector.name())) {
        return configured(connector, options);
      }
      names.add(connector == null ? each.type().getName() : connector.name());
    }
    throw new IllegalArgumentException(
        "no META-INF/services/" + kind.getName() + " of the class path lists " + name + "; listed are " + names
            + ". Put its jar onto the class path; if it is there, write the line " + name + " into that file"
            + String.join("", listed.broken));
  }

  /** What the class path lists; what is broken of it is said where it matters. */
  private static final class Listed<C> {
    final List<Provider<C>> providers = new ArrayList<>();
    final List<String> broken = new ArrayList<>();

    Listed(Class<C> kind, ClassLoader loader) {
      Iterator<Provider<C>> listed = ServiceLoader.load(kind, loader).stream().iterator();
      boolean more = true;
      while (more) {
        try {
          more = listed.hasNext();
          if (more) {
            providers.add(listed.next());
          }
        } catch (ServiceConfigurationError error) {
          broken.add(". Broken: " + error.getMessage());
        }
      }
    }

    C made(Provider<C> provider, boolean wanted) {
      try {
        return provider.get();
      } catch (ServiceConfigurationError error) {
        if (wanted) {
          throw new IllegalArgumentException(error.getMessage() + " (" + error.getCause() + ")", error);
        }
        broken.add(". Broken: " + error.getMessage() + " (" + error.getCause() + ")");
        return null;
      }
    }
  }

  private static <C extends Connector> C configured(C connector, Map<String, ?> given) {
    Options options = new Options(given);
    try {
      connector.configure(options);
      options.refuseUnknown();
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException(connector.name() + ": " + error.getMessage(), error);
    }
    return connector;
  }
}
