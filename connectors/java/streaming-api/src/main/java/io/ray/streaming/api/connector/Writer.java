package io.ray.streaming.api.connector;

/** Writes the records of one task, in one thread. Made by {@link Sink#open}. */
public interface Writer<T> {

  /**
   * Takes a record over. May block, and may buffer.
   *
   * @throws RetryableException if the job may restart from its last checkpoint
   */
  void write(T record) throws Exception;

  /** Puts everything written where it survives a crash; called before a checkpoint counts. */
  default void flush() throws Exception {}

  /** Releases what was opened, and publishes nothing. Not called after a hard kill. */
  default void close() throws Exception {}
}
