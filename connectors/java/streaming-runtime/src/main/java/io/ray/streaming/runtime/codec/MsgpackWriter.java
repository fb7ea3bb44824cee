package io.ray.streaming.runtime.codec;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;

/** Writes values as msgpack, every number in its shortest form, as Python's packers do. */
public final class MsgpackWriter {

  private static final BigInteger UNSIGNED_LIMIT = BigInteger.ONE.shiftLeft(64);

  private final Bytes out;

  /** Makes a writer with room for some bytes. */
  public MsgpackWriter(int capacity) {
    out = new Bytes(capacity);
  }

  /** Returns what was written. */
  public byte[] toArray() {
    return out.toArray();
  }

  Bytes bytes() {
    return out;
  }

  /**
   * Writes one value.
   *
   * @throws CannotCross if msgpack has no such type
   */
  public void write(Object value) {
    if (value == null) {
      out.put1(0xc0);
    } else if (value instanceof String text) {
      writeText(text);
    } else if (value instanceof Integer number) {
      writeInteger(number);
    } else if (value instanceof Long number) {
      writeInteger(number);
    } else if (value instanceof Double number) {
      writeDouble(number);
    } else if (value instanceof Boolean flag) {
      out.put1(flag ? 0xc3 : 0xc2);
    } else if (value instanceof Collection<?> collection) {
      writeArrayHeader(collection.size());
      for (Object element : collection) {
        write(element);
      }
    } else if (value instanceof Map<?, ?> map) {
      writeMapHeader(map.size());
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (entry.getKey() instanceof Map<?, ?> key) {
          throw new CannotCross("a Map that is a key cannot go from Java to Python. It is " + Shown.of(key));
        }
        write(entry.getKey());
        write(entry.getValue());
      }
    } else {
      writeRarer(value);
    }
  }

  private void writeRarer(Object value) {
    if (value instanceof byte[] bytes) {
      writeBinary(bytes);
    } else if (value instanceof Short || value instanceof Byte) {
      writeInteger(((Number) value).longValue());
    } else if (value instanceof Float number) {
      out.put1(0xca);
      out.put4(Float.floatToIntBits(number));
    } else if (value instanceof Character letter) {
      writeText(letter.toString());
    } else if (value instanceof BigInteger number) {
      writeBig(number);
    } else if (value.getClass().isArray()) {
      int length = java.lang.reflect.Array.getLength(value);
      writeArrayHeader(length);
      for (int i = 0; i < length; i++) {
        write(java.lang.reflect.Array.get(value, i));
      }
    } else {
      throw new CannotCross(
          "a " + value.getClass().getName() + " cannot go from Java to Python: map it to null, boolean,"
              + " number, String, byte[], List or Map of these first. It is " + Shown.of(value));
    }
  }

  void writeInteger(long n) {
    if (n >= 0) {
      writeUnsigned(n);
    } else if (n >= -32) {
      out.put1((int) n);
    } else if (n >= Byte.MIN_VALUE) {
      out.put1(0xd0);
      out.put1((int) n);
    } else if (n >= Short.MIN_VALUE) {
      out.put1(0xd1);
      out.put2((int) n);
    } else if (n >= Integer.MIN_VALUE) {
      out.put1(0xd2);
      out.put4((int) n);
    } else {
      out.put1(0xd3);
      out.put8(n);
    }
  }

  private void writeUnsigned(long n) {
    if (n < 0x80) {
      out.put1((int) n);
    } else if (n < 0x100) {
      out.put1(0xcc);
      out.put1((int) n);
    } else if (n < 0x10000) {
      out.put1(0xcd);
      out.put2((int) n);
    } else if (n < 0x100000000L) {
      out.put1(0xce);
      out.put4((int) n);
    } else {
      out.put1(0xcf);
      out.put8(n);
    }
  }

  void writeBig(BigInteger number) {
    if (number.bitLength() < 64) {
      writeInteger(number.longValue());
    } else if (number.signum() > 0 && number.compareTo(UNSIGNED_LIMIT) < 0) {
      out.put1(0xcf);
      out.put8(number.longValue());
    } else {
      throw new CannotCross("the integer " + number + " is out of range: from -2**63 to 2**64 - 1");
    }
  }

  void writeDouble(double number) {
    out.put1(0xcb);
    out.put8(Double.doubleToLongBits(number));
  }

  void writeText(String text) {
    int start = out.size();
    int length = text.length();
    if (length < 256) {
      textHeader(length);
      if (out.putAscii(text)) {
        return;
      }
      out.backTo(start);
    }
    int lone = Bytes.loneSurrogate(text);
    if (lone >= 0) {
      throw new CannotCross(
          "a text cannot go from Java to Python: character " + lone + " of it is half of a surrogate pair. It is "
              + Shown.of(text));
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    textHeader(utf8.length);
    out.put(utf8);
  }

  private void textHeader(int length) {
    if (length < 32) {
      out.put1(0xa0 | length);
    } else if (length < 0x100) {
      out.put1(0xd9);
      out.put1(length);
    } else if (length < 0x10000) {
      out.put1(0xda);
      out.put2(length);
    } else {
      out.put1(0xdb);
      out.put4(length);
    }
  }

  void writeBinary(byte[] bytes) {
    int length = bytes.length;
    if (length < 0x100) {
      out.put1(0xc4);
      out.put1(length);
    } else if (length < 0x10000) {
      out.put1(0xc5);
      out.put2(length);
    } else {
      out.put1(0xc6);
      out.put4(length);
    }
    out.put(bytes);
  }

  /** Begins an array; its elements follow. */
  public void writeArrayHeader(int size) {
    if (size < 16) {
      out.put1(0x90 | size);
    } else if (size < 0x10000) {
      out.put1(0xdc);
      out.put2(size);
    } else {
      out.put1(0xdd);
      out.put4(size);
    }
  }

  /** Begins a map; its keys and values follow in turn. */
  public void writeMapHeader(int size) {
    if (size < 16) {
      out.put1(0x80 | size);
    } else if (size < 0x10000) {
      out.put1(0xde);
      out.put2(size);
    } else {
      out.put1(0xdf);
      out.put4(size);
    }
  }
}
