package io.ray.streaming.api.connector;

/** Trying again cannot help: the job fails at once. */
public class TerminalException extends ConnectorException {

  public TerminalException(String message) {
    super(message, null);
  }

  public TerminalException(String message, Throwable cause) {
    super(message, cause);
  }
}
