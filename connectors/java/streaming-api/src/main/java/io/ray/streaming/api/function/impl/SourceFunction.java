package io.ray.streaming.api.function.impl;

import io.ray.streaming.api.function.Function;

/**
 * Reads records from outside.
 *
 * <p>{@link #fetch} is called again and again; each call brings some records, not all of them.
 * What {@link #saveCheckpoint} returns between two calls is the position: give it, and take it
 * back in {@link #loadCheckpoint}, and a restart neither loses nor repeats a record.
 */
public interface SourceFunction<T> extends Function {

  /** Gets ready to read. Called once per task, after {@link #loadCheckpoint}. */
  void init(int parallelism, int index) throws Exception;

  /** Collects some records, or none; does not wait longer than 0.1 seconds. */
  void fetch(SourceContext<T> ctx) throws Exception;

  /** Takes what a source fetches. */
  interface SourceContext<T> {

    /** Takes one record. */
    void collect(T element) throws Exception;

    /** Says that there are no more records and never will be. */
    void end();
  }
}
