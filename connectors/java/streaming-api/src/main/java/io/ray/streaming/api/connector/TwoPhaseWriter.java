package io.ray.streaming.api.connector;

/** A writer whose output becomes visible only with the checkpoint. Its {@code flush} is not called. */
public interface TwoPhaseWriter<T, C> extends Writer<T> {

  /**
   * Ends the epoch: gets everything written since the last call ready to be committed.
   *
   * @return what {@link TwoPhaseSink#commit} needs; null if there is nothing to commit
   */
  C prepare(long epoch) throws Exception;

  /** Returns the state for the next {@link Sink#open}. Called right after {@link #prepare}. */
  default Object snapshot() throws Exception {
    return null;
  }
}
