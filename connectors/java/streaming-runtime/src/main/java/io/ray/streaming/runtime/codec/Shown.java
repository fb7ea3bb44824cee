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

  private static String quoted(Object value) {
    return value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
  }
}
