package io.ray.streaming.api;

import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.python.PythonFunction;
import java.io.Serializable;
import java.time.Duration;
import java.util.Map;

/**
 * What becomes of a record that an operator, source or sink cannot take. Those before and behind it are not concerned.
 *
 * @param retries how often the record is tried again
 * @param backoff time before the first further attempt; doubled before each that follows
 * @param then what becomes of a record that no attempt could take: {@code "fail"}, {@code "skip"} or {@code
 *     "dead_letter"}
 * @param letters what takes dead letters; null where there are none
 */
public record ErrorPolicy(int retries, Duration backoff, String then, Serializable letters) {

  /** Ends the job; so it is where nothing is said. */
  public static ErrorPolicy fail() {
    return new ErrorPolicy(0, Duration.ZERO, "fail", null);
  }

  /** Leaves the record out. */
  public static ErrorPolicy skip() {
    return new ErrorPolicy(0, Duration.ZERO, "skip", null);
  }

  /**
   * Leaves the record out, and gives a function a row that says which and why: {@code operator}, {@code error}, {@code
   * at}, {@code attempts} and {@code record}; at least once.
   */
  public static ErrorPolicy deadLetter(SinkFunction<Map<String, Object>> function) {
    return deadLetters(function);
  }

  /** As {@link #deadLetter(SinkFunction)}, to a function or sink in Python. */
  public static ErrorPolicy deadLetter(PythonFunction function) {
    return deadLetters(function);
  }

  /** As {@link #deadLetter(SinkFunction)}, to a sink: exactly once if it has two phases. */
  public static ErrorPolicy deadLetterTo(Sink<? super Map<String, Object>> sink) {
    return deadLetters(sink);
  }

  private static ErrorPolicy deadLetters(Serializable letters) {
    return new ErrorPolicy(0, Duration.ZERO, "dead_letter", letters);
  }

  /** Tries the record again, then ends the job. */
  public static ErrorPolicy retry(int times, Duration backoff) {
    return retry(times, backoff, fail());
  }

  /** Tries the record again, then does something else. */
  public static ErrorPolicy retry(int times, Duration backoff, ErrorPolicy then) {
    if (times < 1 || backoff.isNegative() || then.retries > 0) {
      throw new IllegalArgumentException(
          "retry takes a whole number from 1, a time from 0, and fail(), skip() or a deadLetter(), got " + times
              + ", " + backoff + " and " + then);
    }
    return new ErrorPolicy(times, backoff, then.then, then.letters);
  }
}
