package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.ConnectorException;
import io.ray.streaming.api.connector.RetryableException;
import io.ray.streaming.api.connector.TerminalException;
import io.ray.streaming.runtime.codec.Shown;
import io.ray.streaming.runtime.types.Conversion;
import java.io.PrintWriter;
import java.io.StringWriter;

/** A function raised: which one, what, where in its own code, and on which record. */
public final class Failure extends RuntimeException {

  private static final int FRAMES = 5;
  private static final String OURS = "io.ray.streaming.runtime.host.";

  private Failure(String message, Throwable cause) {
    super(Shown.readable(message), cause);
  }

  /** Returns a failure on a record. */
  static Failure onRecord(String operator, Class<?> function, Object record, Throwable cause) {
    String text = cause instanceof Conversion.WrongType
        ? "operator '" + operator + "': " + function.getName() + " cannot take the record: " + cause.getMessage()
        : text(operator, function.getName(), cause);
    return new Failure(text + "\n  record: " + Shown.of(record), cause);
  }

  /** Returns a failure outside of records: in a constructor, open or close, say. */
  static Failure inFunction(String operator, String where, Throwable cause) {
    return new Failure(text(operator, where, cause), cause);
  }

  private static String text(String operator, String where, Throwable cause) {
    if (cause instanceof ConnectorException) {
      return "operator '" + operator + "': " + where + ": " + cause.getMessage();
    }
    return "operator '" + operator + "': " + where + " raised " + cause.getClass().getName()
        + (cause.getMessage() == null ? "" : ": " + cause.getMessage())
        + (cause instanceof OutOfMemoryError ? memory() : "") + frames(cause);
  }

  private static String memory() {
    long heap = Runtime.getRuntime().maxMemory() / 1_000_000;
    return " (java_memory has given this JVM " + heap + " MB)";
  }

  /** Returns the frames of a function's own code, a line each. */
  static String frames(Throwable error) {
    StringBuilder lines = new StringBuilder();
    int shown = 0;
    for (StackTraceElement frame : error.getStackTrace()) {
      if (frame.getClassName().startsWith(OURS) || shown == FRAMES) {
        break;
      }
      if (!frame.getClassName().startsWith("java.") && !frame.getClassName().startsWith("jdk.")) {
        lines.append("\n  at ").append(frame);
        shown++;
      }
    }
    return lines.toString();
  }

  /** Whether the function has said that the same call may succeed later. */
  public boolean retryable() {
    return getCause() instanceof RetryableException;
  }

  /** Whether the function has said that trying again cannot help. */
  public boolean terminal() {
    return getCause() instanceof TerminalException;
  }

  /** Returns what the function raised, without where and on which record. */
  public String why() {
    Throwable cause = getCause();
    boolean ofRecord = cause instanceof Conversion.WrongType;
    return Shown.readable(ofRecord ? String.valueOf(cause.getMessage()) : cause.toString());
  }

  /** Returns where in its own code the function raised; empty if nowhere. */
  public String at() {
    return frames(getCause()).lines().skip(1).findFirst().orElse("").replaceFirst("^  at ", "");
  }

  /** Returns the whole stack trace. */
  public String trace() {
    StringWriter text = new StringWriter();
    getCause().printStackTrace(new PrintWriter(text, true));
    return text.toString();
  }
}
