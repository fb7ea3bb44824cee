package io.ray.streaming.api.connector;

/**
 * Writes records to the outside, at least once; a {@link TwoPhaseSink} does so exactly once.
 *
 * @param <T> type of the records
 */
public interface Sink<T> extends Connector {

  /** Makes the writer of one task, in the task's thread. */
  Writer<T> open(WriterContext context) throws Exception;
}
