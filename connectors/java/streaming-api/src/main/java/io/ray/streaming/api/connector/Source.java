package io.ray.streaming.api.connector;

import java.time.Duration;
import java.util.List;

/**
 * Reads records from outside, in splits: pieces that are read in order, each by one task at a time.
 *
 * <p>Splits are spread over the source's tasks, however many there are. Checkpoints keep the position in
 * each, so that a restart, with any number of tasks, neither loses nor repeats a record.
 *
 * @param <T> type of the records
 * @param <P> type of the positions: a number, a text, bytes, or a {@code List} or {@code Map} of these
 */
public interface Source<T, P> extends Connector {

  /** Whether there is an end: no more splits, and every split ends by itself. */
  default boolean bounded() {
    return true;
  }

  /**
   * Whether every split ends by itself: a task reads them one after the other. Else it has all of its splits
   * open, and asks them in turn.
   */
  default boolean splitsEnd() {
    return bounded();
  }

  /** Time between two calls of {@link #splits} while an unbounded job runs; null: it has all from the start. */
  default Duration discoveryInterval() {
    return null;
  }

  /**
   * Lists what there is to read. The same for the same outside world.
   *
   * <p>Called when the job starts, and every {@link #discoveryInterval}, in no task. May block.
   *
   * @throws RetryableException if the outside does not answer
   * @throws TerminalException if what is to be read does not exist, say
   */
  List<Split> splits(PlanContext context) throws Exception;

  /**
   * Opens a split in the task that reads it.
   *
   * @param position what {@link SplitReader#position} returned at the checkpoint; null is the start
   */
  SplitReader<T, P> open(Split split, P position) throws Exception;

  /** The same, with what is known of the task; a source that wants it overrides this one. */
  default SplitReader<T, P> open(Split split, P position, ReaderContext context) throws Exception {
    return open(split, position);
  }
}
