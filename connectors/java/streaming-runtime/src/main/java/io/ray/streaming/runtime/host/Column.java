package io.ray.streaming.runtime.host;

import io.ray.streaming.runtime.codec.CannotCross;
import io.ray.streaming.runtime.codec.Keys;
import io.ray.streaming.runtime.codec.MsgpackReader;
import io.ray.streaming.runtime.codec.MsgpackWriter;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import io.ray.streaming.runtime.codec.Shown;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.Typed;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Some consecutive values, keys or timestamps of a stream, as Java objects.
 *
 * <p>Python holds it as it is while the records stay in Java; the objects become msgpack for Python,
 * and {@link ObjectWriter}'s bytes for Java elsewhere. Never changed: branches of a job share it.
 */
public final class Column {

  private final Object[] elements;
  private final int from;
  private final int size;
  private final String origin;
  private final boolean fromPython;

  /**
   * Makes a column of a part of an array.
   *
   * @param origin the operator whose results these are, for messages
   * @param fromPython whether these are still the values that Python sent
   */
  public Column(Object[] elements, int from, int size, String origin, boolean fromPython) {
    this.elements = elements;
    this.from = from;
    this.size = size;
    this.origin = origin;
    this.fromPython = fromPython;
  }

  /** Makes a column of what Python has packed. */
  public static Column fromMsgpack(ByteBuffer buffer, int length) {
    return fromMsgpack(copied(buffer, length));
  }

  /** Makes a column of what Python has packed. */
  public static Column fromMsgpack(byte[] data) {
    Object[] values = MsgpackReader.readAll(data);
    return new Column(values, 0, values.length, "Python", true);
  }

  /**
   * Returns the column with the types of a schema: what Python sent, for an operator's function.
   *
   * @param schema as {@link Typed} describes it, in msgpack
   * @param operator the operator, for messages
   */
  public Column typed(byte[] schema, JobClasses classes, String operator) {
    return typed(schema, classes.loader(), operator);
  }

  private Column typed(byte[] schema, ClassLoader loader, String operator) {
    Conversion conversion = Typed.to((List<?>) new MsgpackReader(schema).read(), loader);
    Object[] typed = new Object[size];
    for (int i = 0; i < size; i++) {
      Object value = elements[from + i];
      try {
        typed[i] = conversion.of(value);
      } catch (Conversion.WrongType error) {
        throw new CannotCross(
            "operator '" + operator + "': a record does not fit the schema: " + error.getMessage()
                + "\n  record: " + Shown.of(value));
      }
    }
    return new Column(typed, 0, size, origin, fromPython);
  }

  /** Copies what Python has put into a buffer, which it will use again. */
  private static byte[] copied(ByteBuffer buffer, int length) {
    byte[] data = new byte[length];
    buffer.get(0, data);
    return data;
  }

  /** Makes a column of what {@link #toBytes} returned. */
  public static Column fromBytes(ByteBuffer buffer, int length, JobClasses classes) {
    return fromBytes(copied(buffer, length), classes);
  }

  /** Makes a column of what {@link #toBytes} returned. */
  public static Column fromBytes(byte[] data, JobClasses classes) {
    ObjectReader reader = new ObjectReader(data, classes.loader());
    String origin = (String) reader.read();
    boolean fromPython = (boolean) reader.read();
    Object[] values = new Object[(int) reader.read()];
    for (int i = 0; i < values.length; i++) {
      values[i] = reader.read();
    }
    return new Column(values, 0, values.length, origin, fromPython);
  }

  public int size() {
    return size;
  }

  /** Returns an element. */
  public Object get(int index) {
    return elements[from + index];
  }

  /** Returns an element as text, for messages. */
  public String shown(int index) {
    return Shown.readable(Shown.of(get(index)));
  }

  boolean fromPython() {
    return fromPython;
  }

  /** Returns a part, without copying. */
  public Column slice(int offset, int length) {
    return new Column(elements, from + offset, length, origin, fromPython);
  }

  /** Returns the elements at some indices. */
  public Column take(int[] indices) {
    Object[] taken = new Object[indices.length];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = elements[from + indices[i]];
    }
    return new Column(taken, 0, taken.length, origin, fromPython);
  }

  /** Returns every n-th element. */
  public Column takeEvery(int first, int step) {
    Object[] taken = new Object[(size - first + step - 1) / step];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = elements[from + first + i * step];
    }
    return new Column(taken, 0, taken.length, origin, fromPython);
  }

  /** Returns the elements as one msgpack array, with the types of a schema. */
  public byte[] toMsgpack(byte[] schema) {
    return typed(schema, (ClassLoader) null, origin).toMsgpack();
  }

  /** Returns the elements as one msgpack array. */
  public byte[] toMsgpack() {
    MsgpackWriter writer = new MsgpackWriter(16 * size + 16);
    writer.writeArrayHeader(size);
    try {
      for (int i = 0; i < size; i++) {
        writer.write(elements[from + i]);
      }
    } catch (CannotCross error) {
      throw new CannotCross("operator '" + origin + "': " + error.getMessage());
    }
    return writer.toArray();
  }

  /** Returns the column in bytes for Java in another process. */
  public byte[] toBytes() {
    ObjectWriter writer = new ObjectWriter(16 * size + 64);
    writer.write(origin);
    writer.write(fromPython);
    writer.write(size);
    try {
      for (int i = 0; i < size; i++) {
        writer.write(elements[from + i]);
      }
    } catch (CannotCross error) {
      throw new CannotCross("operator '" + origin + "': " + error.getMessage());
    }
    return writer.toArray();
  }

  /**
   * Sorts the indices of keys by who owns their group.
   *
   * @param groups number of key groups
   * @param owners the owner of each group
   * @param parts number of owners
   */
  public int[][] split(int groups, int[] owners, int parts) {
    Keys keys = new Keys();
    int[] owner = new int[size];
    int[] counts = new int[parts];
    for (int i = 0; i < size; i++) {
      try {
        owner[i] = owners[keys.group(Keys.canonical(elements[from + i]), groups)];
      } catch (IllegalArgumentException | CannotCross error) {
        throw new CannotCross("operator '" + origin + "': " + error.getMessage());
      }
      counts[owner[i]]++;
    }
    int[][] indices = new int[parts][];
    Arrays.setAll(indices, part -> new int[counts[part]]);
    int[] filled = new int[parts];
    for (int i = 0; i < size; i++) {
      indices[owner[i]][filled[owner[i]]++] = i;
    }
    return indices;
  }
}
