package io.ray.streaming.runtime.codec;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads msgpack. Integers become Long (BigInteger from 2**63 on), whatever their size in bytes, so
 * that the type of a value does not depend on how large it is.
 */
public final class MsgpackReader {

  private final byte[] data;
  private int at;

  /** Makes a reader of a whole array. */
  public MsgpackReader(byte[] data) {
    this.data = data;
  }

  /** Returns all elements of the array that the bytes are. */
  public static Object[] readAll(byte[] data) {
    MsgpackReader reader = new MsgpackReader(data);
    Object[] values = new Object[reader.readArrayHeader()];
    for (int i = 0; i < values.length; i++) {
      values[i] = reader.read();
    }
    return values;
  }

  /** Reads one value. */
  public Object read() {
    int tag = data[at++] & 0xff;
    if (tag < 0x80) {
      return (long) tag;
    }
    if (tag < 0x90) {
      return map(tag & 0x0f);
    }
    if (tag < 0xa0) {
      return list(tag & 0x0f);
    }
    if (tag < 0xc0) {
      return text(tag & 0x1f);
    }
    if (tag >= 0xe0) {
      return (long) (byte) tag;
    }
    return switch (tag) {
      case 0xc0 -> null;
      case 0xc2 -> Boolean.FALSE;
      case 0xc3 -> Boolean.TRUE;
      case 0xc4 -> binary(get1());
      case 0xc5 -> binary(get2());
      case 0xc6 -> binary(get4());
      case 0xca -> (double) Float.intBitsToFloat(get4());
      case 0xcb -> Double.longBitsToDouble(get8());
      case 0xcc -> (long) get1();
      case 0xcd -> (long) get2();
      case 0xce -> get4() & 0xffffffffL;
      case 0xcf -> unsigned(get8());
      case 0xd0 -> (long) (byte) get1();
      case 0xd1 -> (long) (short) get2();
      case 0xd2 -> (long) get4();
      case 0xd3 -> get8();
      case 0xd9 -> text(get1());
      case 0xda -> text(get2());
      case 0xdb -> text(get4());
      case 0xdc -> list(get2());
      case 0xdd -> list(get4());
      case 0xde -> map(get2());
      case 0xdf -> map(get4());
      default -> throw unexpected(tag);
    };
  }

  int readArrayHeader() {
    int tag = get1();
    if ((tag & 0xf0) == 0x90) {
      return tag & 0x0f;
    }
    return switch (tag) {
      case 0xdc -> get2();
      case 0xdd -> get4();
      default -> throw unexpected(tag);
    };
  }

  private IllegalArgumentException unexpected(int tag) {
    return new IllegalArgumentException(
        "byte 0x" + Integer.toHexString(tag) + " at " + (at - 1) + " begins no value that is used here");
  }

  private static Object unsigned(long n) {
    return n >= 0 ? (Object) n : new BigInteger(1, new byte[] {
      (byte) (n >> 56), (byte) (n >> 48), (byte) (n >> 40), (byte) (n >> 32),
      (byte) (n >> 24), (byte) (n >> 16), (byte) (n >> 8), (byte) n
    });
  }

  private List<Object> list(int size) {
    List<Object> list = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      list.add(read());
    }
    return list;
  }

  private Map<Object, Object> map(int size) {
    Map<Object, Object> map = new LinkedHashMap<>(size * 4 / 3 + 1);
    for (int i = 0; i < size; i++) {
      Object key = read();
      map.put(key, read());
    }
    return map;
  }

  private String text(int length) {
    String text = Bytes.text(data, at, length);
    at += length;
    return text;
  }

  private byte[] binary(int length) {
    byte[] bytes = Arrays.copyOfRange(data, at, at + length);
    at += length;
    return bytes;
  }

  private int get1() {
    return data[at++] & 0xff;
  }

  private int get2() {
    at += 2;
    return Bytes.get2(data, at - 2);
  }

  private int get4() {
    at += 4;
    return Bytes.get4(data, at - 4);
  }

  private long get8() {
    at += 8;
    return Bytes.get8(data, at - 8);
  }
}
