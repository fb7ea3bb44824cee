package io.ray.streaming.runtime.codec;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectStreamClass;
import java.lang.reflect.Array;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads what {@link ObjectWriter} has written; classes come from the job's class path. */
public final class ObjectReader {

  private final byte[] data;
  private final ClassLoader loader;
  private final List<Class<?>> classes = new ArrayList<>();
  private int at;

  /** Makes a reader of a whole array. */
  public ObjectReader(byte[] data, ClassLoader loader) {
    this.data = data;
    this.loader = loader;
  }

  /** Reads one object. */
  public Object read() {
    int tag = data[at++];
    return switch (tag) {
      case Tag.NULL -> null;
      case Tag.FALSE -> Boolean.FALSE;
      case Tag.TRUE -> Boolean.TRUE;
      case Tag.BYTE -> data[at++];
      case Tag.SHORT -> (short) get2();
      case Tag.INT -> get4();
      case Tag.LONG -> get8();
      case Tag.FLOAT -> Float.intBitsToFloat(get4());
      case Tag.DOUBLE -> Double.longBitsToDouble(get8());
      case Tag.CHAR -> (char) get2();
      case Tag.STRING -> readText();
      case Tag.BYTES -> readBytes();
      case Tag.BUFFER -> ByteBuffer.wrap(readBytes());
      case Tag.BIG -> new BigInteger(readBytes());
      case Tag.LIST -> readList();
      case Tag.MAP -> readMap(new HashMap<>());
      case Tag.LINKED_MAP -> readMap(new LinkedHashMap<>());
      case Tag.ARRAY -> readArray();
      case Tag.ENUM -> readEnum();
      case Tag.OBJECT -> readFields();
      case Tag.CHARS -> readChars();
      case Tag.SERIALIZED -> readSerialized(readBytes(), loader);
      default -> throw new IllegalArgumentException("byte " + tag + " at " + (at - 1) + " begins no object");
    };
  }

  private List<Object> readList() {
    int size = readSize();
    List<Object> list = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      list.add(read());
    }
    return list;
  }

  private Map<Object, Object> readMap(Map<Object, Object> map) {
    int size = readSize();
    for (int i = 0; i < size; i++) {
      Object key = read();
      map.put(key, read());
    }
    return map;
  }

  private Object readArray() {
    Class<?> component = readClass();
    Object[] elements = (Object[]) Array.newInstance(component, readSize());
    for (int i = 0; i < elements.length; i++) {
      elements[i] = read();
    }
    return elements;
  }

  private Object readEnum() {
    Class<?> type = readClass();
    String name = readText();
    for (Object constant : type.getEnumConstants()) {
      if (((Enum<?>) constant).name().equals(name)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(type.getName() + " has no constant " + name);
  }

  private Object readFields() {
    Shape shape = Shape.of(readClass());
    Object[] fields = new Object[shape.size()];
    for (int i = 0; i < fields.length; i++) {
      fields[i] = read();
    }
    return shape.make(fields);
  }

  private Class<?> readClass() {
    int index = readSize();
    if (index > 0) {
      return classes.get(index - 1);
    }
    String name = readText();
    try {
      Class<?> type = Class.forName(name, false, loader);
      classes.add(type);
      return type;
    } catch (ClassNotFoundException error) {
      throw new IllegalStateException(
          "class " + name + ", of which there are records or state, is not on the job's class path", error);
    }
  }

  /** Reads an object that Java's own serialization has written. */
  public static Object readSerialized(byte[] bytes, ClassLoader loader) {
    try (InputStream from = new ByteArrayInputStream(bytes);
        ObjectInputStream stream = new ObjectInputStream(from) {
          @Override
          protected Class<?> resolveClass(ObjectStreamClass description)
              throws IOException, ClassNotFoundException {
            try {
              return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException primitive) {
              return super.resolveClass(description);
            }
          }
        }) {
      return stream.readObject();
    } catch (IOException | ClassNotFoundException error) {
      throw new IllegalStateException("an object cannot be read back: " + error, error);
    }
  }

  private String readText() {
    int length = readSize();
    at += length;
    return Bytes.text(data, at - length, length);
  }

  private String readChars() {
    char[] chars = new char[readSize()];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = (char) get2();
    }
    return new String(chars);
  }

  private byte[] readBytes() {
    int length = readSize();
    at += length;
    return Arrays.copyOfRange(data, at - length, at);
  }

  /** Reads what {@link ObjectWriter#writeSize} has written. */
  public int readSize() {
    int size = data[at++] & 0xff;
    return size < 255 ? size : get4();
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
