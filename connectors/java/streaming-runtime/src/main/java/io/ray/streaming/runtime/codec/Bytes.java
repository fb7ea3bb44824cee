package io.ray.streaming.runtime.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A growing buffer of big-endian bytes. */
final class Bytes {

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private byte[] data;
  private int size;

  Bytes(int capacity) {
    data = new byte[capacity];
  }

  void clear() {
    size = 0;
  }

  byte[] data() {
    return data;
  }

  int size() {
    return size;
  }

  byte[] toArray() {
    return Arrays.copyOf(data, size);
  }

  private void need(int more) {
    if (data.length - size < more) {
      data = Arrays.copyOf(data, Math.max(Math.addExact(size, more), (int) Math.min(2L * data.length, 1 << 30)));
    }
  }

  void put1(int value) {
    need(1);
    data[size++] = (byte) value;
  }

  void put2(int value) {
    need(2);
    SHORT.set(data, size, (short) value);
    size += 2;
  }

  void put4(int value) {
    need(4);
    INT.set(data, size, value);
    size += 4;
  }

  void put8(long value) {
    need(8);
    LONG.set(data, size, value);
    size += 8;
  }

  void put(byte[] bytes, int from, int length) {
    need(length);
    System.arraycopy(bytes, from, data, size, length);
    size += length;
  }

  void put(byte[] bytes) {
    put(bytes, 0, bytes.length);
  }

  /** Puts text that is ASCII only, as most keys and words are; returns false if it is not. */
  boolean putAscii(String text) {
    int length = text.length();
    need(length);
    byte[] to = data;
    int at = size;
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        return false;
      }
      to[at + i] = (byte) c;
    }
    size = at + length;
    return true;
  }

  /** Forgets what was put after a point. */
  void backTo(int earlier) {
    size = earlier;
  }

  static int get2(byte[] data, int at) {
    return (short) SHORT.get(data, at) & 0xffff;
  }

  static int get4(byte[] data, int at) {
    return (int) INT.get(data, at);
  }

  static long get8(byte[] data, int at) {
    return (long) LONG.get(data, at);
  }

  /** Returns where a text has half of a surrogate pair, for which UTF-8 has no form; -1 if nowhere. */
  static int loneSurrogate(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean paired = Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1));
      if (!paired) {
        return i;
      }
      i++;
    }
    return -1;
  }

  static String text(byte[] data, int at, int length) {
    return new String(data, at, length, StandardCharsets.UTF_8);
  }
}
