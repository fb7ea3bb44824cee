package io.ray.streaming.api.connector;

/** The same call may succeed later: the job restarts from its last checkpoint, a limited number of times. */
public class RetryableException extends ConnectorException {

  public RetryableException(String message) {
    super(message, null);
  }

  public RetryableException(String message, Throwable cause) {
    super(message, cause);
  }
}
