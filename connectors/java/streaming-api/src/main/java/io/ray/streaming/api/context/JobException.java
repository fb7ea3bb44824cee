package io.ray.streaming.api.context;

/** A job failed, or could not be started; the message says what, where, why and what to do. */
public final class JobException extends RuntimeException {

  /** Makes an exception with the engine's message. */
  public JobException(String message, Throwable cause) {
    super(message, cause);
  }
}
