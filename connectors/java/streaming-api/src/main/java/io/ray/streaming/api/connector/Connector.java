package io.ray.streaming.api.connector;

import java.io.Serializable;

/**
 * A {@link Source} or a {@link Sink}: its options, and nothing else before it is asked for something.
 *
 * <p>It travels to the workers as an object, field by field. One that is made by its name, by a plugin
 * or by {@link Connectors}, has a public constructor without arguments, is listed in {@code
 * META-INF/services/io.ray.streaming.api.connector.Source} (or {@code .Sink}), and gets its options by
 * {@link #configure}.
 */
public interface Connector extends Serializable {

  /** The name that programs find it by, beside that of its class. */
  default String name() {
    return getClass().getName();
  }

  /**
   * Takes the options, and opens nothing. Called once, before anything else, where it is made by name.
   *
   * @throws IllegalArgumentException if one is missing or wrong; one that is not asked for is refused
   */
  default void configure(Options options) {}
}
