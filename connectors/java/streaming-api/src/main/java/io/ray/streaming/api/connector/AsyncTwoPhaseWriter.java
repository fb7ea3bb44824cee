package io.ray.streaming.api.connector;

import java.util.concurrent.Callable;

/** A two-phase writer whose slow rest of preparing, closing files say, does not hold up the records that come next. */
public interface AsyncTwoPhaseWriter<T, C> extends TwoPhaseWriter<T, C> {

  /**
   * Ends the epoch, and returns the rest of the work of {@link #prepare}; null if there is nothing to commit.
   *
   * <p>The rest is called once, in another thread, while this writer goes on with the next epoch: it must
   * share nothing with that. An exception fails the checkpoint.
   */
  Callable<C> prepareLater(long epoch) throws Exception;

  @Override
  default C prepare(long epoch) throws Exception {
    Callable<C> rest = prepareLater(epoch);
    return rest == null ? null : rest.call();
  }
}
