package io.ray.streaming.api.graph;

import io.ray.streaming.api.function.Function;

/**
 * How the records of a stream get to the tasks of what reads them.
 *
 * @param partitioning the engine's name, e.g. {@code "broadcast"}; "" leaves the choice to the engine
 * @param function what chooses, for {@code "custom"}; else null
 */
public record Spread(String partitioning, Function function) {

  /** Nothing was said. */
  public static final Spread UNSAID = new Spread("", null);

  /** Makes a spread that needs no function. */
  public static Spread by(String partitioning) {
    return new Spread(partitioning, null);
  }
}
