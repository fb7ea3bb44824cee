package io.ray.streaming.runtime.codec;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes Java objects for Java: channels between workers, and state in checkpoints.
 *
 * <p>Every type comes back as it was. Classes of the user are written field by field, whether they
 * are Serializable or not; what has its own idea of that (readObject, writeReplace, Externalizable),
 * and classes of the JDK, go through Java's serialization.
 */
public final class ObjectWriter {

  private final Bytes out;
  private final Map<Class<?>, Integer> classes = new HashMap<>();

  /** Makes a writer with room for some bytes. */
  public ObjectWriter(int capacity) {
    out = new Bytes(capacity);
  }

  /**
   * Returns one object as bytes.
   *
   * @throws CannotCross if it, or something in it, cannot be written
   */
  public static byte[] bytesOf(Object value) {
    ObjectWriter writer = new ObjectWriter(256);
    writer.write(value);
    return writer.toArray();
  }

  /** Returns what was written. */
  public byte[] toArray() {
    return out.toArray();
  }

  /**
   * Writes one object.
   *
   * @throws CannotCross if it, or something in it, cannot be written
   */
  public void write(Object value) {
    if (value == null) {
      out.put1(Tag.NULL);
    } else if (value instanceof String text) {
      writeString(text);
    } else if (value instanceof Integer number) {
      out.put1(Tag.INT);
      out.put4(number);
    } else if (value instanceof Long number) {
      out.put1(Tag.LONG);
      out.put8(number);
    } else if (value instanceof Double number) {
      out.put1(Tag.DOUBLE);
      out.put8(Double.doubleToRawLongBits(number));
    } else if (value instanceof Boolean flag) {
      out.put1(flag ? Tag.TRUE : Tag.FALSE);
    } else {
      writeRarer(value);
    }
  }

  private void writeRarer(Object value) {
    Class<?> type = value.getClass();
    if (type == ArrayList.class) {
      List<?> list = (List<?>) value;
      out.put1(Tag.LIST);
      writeSize(list.size());
      list.forEach(this::write);
    } else if (type == HashMap.class || type == LinkedHashMap.class) {
      Map<?, ?> map = (Map<?, ?>) value;
      out.put1(type == HashMap.class ? Tag.MAP : Tag.LINKED_MAP);
      writeSize(map.size());
      map.forEach((key, element) -> {
        write(key);
        write(element);
      });
    } else if (value instanceof byte[] bytes) {
      out.put1(Tag.BYTES);
      writeBytes(bytes);
    } else if (value instanceof ByteBuffer bytes) {
      out.put1(Tag.BUFFER);
      writeBytes(bytes.array());
    } else if (value instanceof Float number) {
      out.put1(Tag.FLOAT);
      out.put4(Float.floatToRawIntBits(number));
    } else if (value instanceof Short number) {
      out.put1(Tag.SHORT);
      out.put2(number);
    } else if (value instanceof Byte number) {
      out.put1(Tag.BYTE);
      out.put1(number);
    } else if (value instanceof Character letter) {
      out.put1(Tag.CHAR);
      out.put2(letter);
    } else if (value instanceof BigInteger number) {
      out.put1(Tag.BIG);
      writeBytes(number.toByteArray());
    } else if (value instanceof Enum<?> constant) {
      out.put1(Tag.ENUM);
      writeClass(constant.getDeclaringClass());
      writeText(constant.name());
    } else if (value instanceof Object[] elements) {
      out.put1(Tag.ARRAY);
      writeClass(type.getComponentType());
      writeSize(elements.length);
      for (Object element : elements) {
        write(element);
      }
    } else if (Shape.hasOwnIdea(type)) {
      writeSerialized(value);
    } else {
      writeFields(value, type);
    }
  }

  private void writeFields(Object value, Class<?> type) {
    Shape shape = Shape.of(type);
    out.put1(Tag.OBJECT);
    writeClass(type);
    for (Object field : shape.read(value)) {
      write(field);
    }
  }

  private void writeSerialized(Object value) {
    if (!(value instanceof Serializable)) {
      throw new CannotCross(
          "a " + value.getClass().getName() + " cannot be sent or kept: it is not Serializable."
              + " Make its class so, or map it to something else. It is " + Shown.of(value));
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream stream = new ObjectOutputStream(bytes)) {
      stream.writeObject(value);
    } catch (IOException error) {
      throw new CannotCross(
          "a " + value.getClass().getName() + " cannot be sent or kept: " + error
              + ". It is " + Shown.of(value));
    }
    out.put1(Tag.SERIALIZED);
    writeBytes(bytes.toByteArray());
  }

  private void writeClass(Class<?> type) {
    Integer known = classes.putIfAbsent(type, classes.size());
    if (known != null) {
      writeSize(known + 1);
      return;
    }
    writeSize(0);
    writeText(type.getName());
  }

  /** Writes UTF-8, or the characters of what is no text in UTF-8. */
  private void writeString(String text) {
    int start = out.size();
    int length = text.length();
    out.put1(Tag.STRING);
    writeSize(length);
    if (out.putAscii(text)) {
      return;
    }
    out.backTo(start);
    if (Bytes.loneSurrogate(text) < 0) {
      out.put1(Tag.STRING);
      writeText(text);
      return;
    }
    out.put1(Tag.CHARS);
    writeSize(length);
    for (int i = 0; i < length; i++) {
      out.put2(text.charAt(i));
    }
  }

  private void writeText(String text) {
    writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  private void writeBytes(byte[] bytes) {
    writeSize(bytes.length);
    out.put(bytes);
  }

  /** Writes a small number: one byte below 255, else five. */
  public void writeSize(int size) {
    if (size < 255) {
      out.put1(size);
    } else {
      out.put1(255);
      out.put4(size);
    }
  }
}
