package io.ray.streaming.api.connector;

/** A connector failed; the message says what, where, why, and what to do. */
public abstract class ConnectorException extends RuntimeException {

  ConnectorException(String message, Throwable cause) {
    super(message, cause);
  }
}
