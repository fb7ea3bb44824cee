package io.ray.streaming.api.function;

import io.ray.streaming.api.context.RuntimeContext;

/** A function that is told about its task before the first record. */
public interface RichFunction extends Function {

  /** Gets ready. Called once, in the task's thread. */
  void open(RuntimeContext runtimeContext);

  @Override
  default void close() {}
}
