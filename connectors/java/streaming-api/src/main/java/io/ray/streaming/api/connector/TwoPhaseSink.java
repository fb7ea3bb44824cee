package io.ray.streaming.api.connector;

import java.util.List;

/**
 * A sink that delivers exactly once: what its writers have prepared is committed when the checkpoint that
 * holds it is complete.
 *
 * <p>A crash in between commits it again at the next start. The methods here are called on an object of
 * their own, in any process.
 *
 * @param <T> type of the records
 * @param <C> type of what {@link TwoPhaseWriter#prepare} returns: a number, a text, bytes, or a {@code
 *     List} or {@code Map} of these; it is kept in the checkpoint
 */
public interface TwoPhaseSink<T, C> extends Sink<T> {

  @Override
  TwoPhaseWriter<T, C> open(WriterContext context) throws Exception;

  /**
   * Makes what was prepared visible. Idempotent: called again after a crash.
   *
   * @throws RetryableException if it is to be tried again
   * @throws TerminalException if something prepared is gone
   */
  void commit(List<C> prepared) throws Exception;

  /** Throws prepared or half-written output away. Idempotent. */
  void abort(List<C> prepared) throws Exception;

  /**
   * Lists everything of an owner that is neither committed nor aborted.
   *
   * <p>Called at a start, after the last checkpoint has been committed and before a writer opens; all of
   * it is aborted.
   */
  List<C> listOpen(String owner) throws Exception;
}
