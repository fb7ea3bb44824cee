package io.ray.streaming.runtime.codec;

/** A value has no form in which it could leave this process, or this language. */
public final class CannotCross extends RuntimeException {

  /** Makes an exception that says which value, why, and what to do. */
  public CannotCross(String message) {
    super(Shown.readable(message));
  }
}
