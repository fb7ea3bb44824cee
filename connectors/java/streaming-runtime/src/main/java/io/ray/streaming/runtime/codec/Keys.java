package io.ray.streaming.runtime.codec;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Keys in the one form in which equal keys are equal, and their groups: the same as in Python.
 *
 * <p>True is 1 is 1.0, -0.0 is 0.0, an Integer is a Long, an array of objects is a list. The group
 * is the crc32 of the msgpack of that form, modulo the number of groups.
 */
public final class Keys {

  private final MsgpackWriter writer = new MsgpackWriter(64);
  private final CRC32 checksum = new CRC32();

  /**
   * Returns a key in the form that can be looked up in a map.
   *
   * @throws IllegalArgumentException if it cannot be a key
   */
  public static Object canonical(Object key) {
    if (key == null || key instanceof String || key instanceof Long) {
      return key;
    }
    if (key instanceof Integer || key instanceof Short || key instanceof Byte) {
      return ((Number) key).longValue();
    }
    if (key instanceof Boolean flag) {
      return flag ? 1L : 0L;
    }
    if (key instanceof Double || key instanceof Float) {
      return ofDouble(((Number) key).doubleValue());
    }
    if (key instanceof byte[] bytes) {
      return ByteBuffer.wrap(bytes.clone());
    }
    if (key instanceof ByteBuffer || key instanceof BigInteger) {
      return key instanceof BigInteger big ? ofBig(big) : key;
    }
    if (key instanceof Character letter) {
      return letter.toString();
    }
    if (key instanceof List<?> parts) {
      List<Object> canonical = new ArrayList<>(parts.size());
      for (Object part : parts) {
        canonical.add(canonical(part));
      }
      return canonical;
    }
    if (key instanceof Object[] parts) {
      return canonical(java.util.Arrays.asList(parts));
    }
    throw new IllegalArgumentException(
        "key " + Shown.of(key) + " is a " + key.getClass().getName()
            + "; a key is null, a boolean, a number, a String, byte[], or a list of these");
  }

  private static Object ofBig(BigInteger key) {
    if (key.bitLength() < 64) {
      return key.longValue();
    }
    if (key.signum() < 0 || key.bitLength() > 64) {
      throw new IllegalArgumentException(
          "key " + key + " is out of range: integers go from -2**63 to 2**64 - 1");
    }
    return key;
  }

  private static Object ofDouble(double key) {
    if (Double.isNaN(key)) {
      throw new IllegalArgumentException("key is NaN, which equals nothing: map it to another key first");
    }
    if (key != Math.rint(key) || Double.isInfinite(key) || key < -0x1p63 || key >= 0x1p64) {
      return key;
    }
    return key < 0x1p63 ? (Object) (long) key : new java.math.BigDecimal(key).toBigInteger();
  }

  /** Returns the group of a canonical key. */
  public int group(Object canonical, int groups) {
    writer.bytes().clear();
    write(canonical);
    checksum.reset();
    checksum.update(writer.bytes().data(), 0, writer.bytes().size());
    return (int) (checksum.getValue() % groups);
  }

  private void write(Object canonical) {
    if (canonical instanceof ByteBuffer bytes) {
      writer.writeBinary(bytes.array());
    } else if (canonical instanceof List<?> parts) {
      writer.writeArrayHeader(parts.size());
      for (Object part : parts) {
        write(part);
      }
    } else {
      writer.write(canonical);
    }
  }
}
