package io.ray.streaming.runtime.codec;

import java.util.Arrays;

/** Values as messages show them: shortened, and whatever their own toString does. */
public final class Shown {

  private static final int LENGTH = 200;

  private Shown() {}

  /** Returns a value as text. */
  public static String of(Object value) {
    String text;
    try {
      text = value instanceof byte[] bytes ? "byte" + Arrays.toString(bytes) : quoted(value);
    } catch (Throwable error) {
      text = "(its toString raised " + error.getClass().getName() + ")";
    }
    return text.length() <= LENGTH ? text : text.substring(0, LENGTH - 3) + "...";
  }

  /** Returns a text in a form that reaches Python: with halves of surrogate pairs as they are written in code. */
  public static String readable(String text) {
    StringBuilder readable = new StringBuilder(text);
    for (int at = Bytes.loneSurrogate(readable); at >= 0; at = Bytes.loneSurrogate(readable)) {
      readable.replace(at, at + 1, String.format("\\u%04x", (int) readable.charAt(at)));
    }
    return readable.toString();
  }

  private static String quoted(Object value) {
    return value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
  }
}
