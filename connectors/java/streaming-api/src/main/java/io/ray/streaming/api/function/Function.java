package io.ray.streaming.api.function;

import java.io.Serializable;

/** Base of all functions. Each task works with a function object of its own. */
public interface Function extends Serializable {

  /** Returns what a checkpoint should keep of the function itself; null for nothing. */
  default Serializable saveCheckpoint() {
    return null;
  }

  /** Takes back what {@link #saveCheckpoint} returned; called before the first record. */
  default void loadCheckpoint(Serializable checkpoint) {}

  /** Releases what was opened. Called once at the end; not after a hard kill. */
  default void close() {}
}
