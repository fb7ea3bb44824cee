package io.ray.streaming.api.schema;

import java.io.Serializable;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The type of the records of a stream, for a conversion between languages; types are named as in Arrow.
 *
 * <p>{@code Schema.of(Point.class)} has the fields of a record or plain class, whose objects then are
 * the records in Java; {@code Schema.struct().field("x", Schema.INT32)} makes rows maps.
 */
public final class Schema implements Serializable {

  public static final Schema BOOL = new Schema("bool", true);
  public static final Schema INT8 = new Schema("int8", true);
  public static final Schema INT16 = new Schema("int16", true);
  public static final Schema INT32 = new Schema("int32", true);
  public static final Schema INT64 = new Schema("int64", true);
  public static final Schema FLOAT32 = new Schema("float32", true);
  public static final Schema FLOAT64 = new Schema("float64", true);
  public static final Schema STRING = new Schema("string", true);
  public static final Schema BINARY = new Schema("binary", true);

  private static final Map<Class<?>, Schema> CLASSES = Map.of(
      Boolean.class, BOOL,
      Byte.class, INT8,
      Short.class, INT16,
      Integer.class, INT32,
      Long.class, INT64,
      Float.class, FLOAT32,
      Double.class, FLOAT64,
      String.class, STRING,
      byte[].class, BINARY);

  private static final Map<Class<?>, Schema> PRIMITIVES = Map.of(
      boolean.class, BOOL,
      byte.class, INT8,
      short.class, INT16,
      int.class, INT32,
      long.class, INT64,
      float.class, FLOAT32,
      double.class, FLOAT64);

  private final ArrayList<Object> described;

  private Schema(Object... described) {
    this.described = new ArrayList<>(Arrays.asList(described));
  }

  /** The type of lists. */
  public static Schema list(Schema element) {
    return new Schema("list", true, element.described);
  }

  /** The type of maps. */
  public static Schema map(Schema key, Schema value) {
    return new Schema("map", true, key.described, value.described);
  }

  /** The type of rows that are maps in Java; without fields yet. */
  public static Schema struct() {
    return new Schema("struct", true, new ArrayList<>(), null);
  }

  /** Returns this type of rows with one more field. */
  public Schema field(String name, Schema type) {
    if (!described.get(0).equals("struct")) {
      throw new IllegalStateException("field() is for Schema.struct(), and this is " + this);
    }
    List<Object> fields = new ArrayList<>((List<?>) described.get(2));
    fields.add(new ArrayList<>(List.of(name, type.described)));
    return new Schema("struct", described.get(1), fields, described.get(3));
  }

  /** Returns this type without null. */
  public Schema notNull() {
    Schema copy = new Schema(described.toArray());
    copy.described.set(1, false);
    return copy;
  }

  /**
   * Returns the type of objects of a class: a number, text, bytes, or rows of a record or plain class.
   *
   * @throws IllegalArgumentException if there is none, or for one of its fields
   */
  public static Schema of(Class<?> type) {
    return of(type, new HashSet<>());
  }

  private static Schema of(Type type, Set<Type> around) {
    if (PRIMITIVES.containsKey(type)) {
      return PRIMITIVES.get(type).notNull();
    }
    if (CLASSES.containsKey(type)) {
      return CLASSES.get(type);
    }
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (generic.getRawType() == List.class) {
        return list(of(arguments[0], around));
      }
      if (generic.getRawType() == Map.class) {
        return map(of(arguments[0], around), of(arguments[1], around));
      }
    }
    boolean rows = type instanceof Class<?> raw && !raw.isInterface() && !raw.isArray() && !raw.isEnum()
        && !raw.getName().startsWith("java.");
    if (!rows || !around.add(type)) {
      throw new IllegalArgumentException(
          "a schema cannot have " + type.getTypeName() + (rows ? ", which is inside itself" : "")
              + ". What can be: boolean, byte, short, int, long, float, double, their boxes, String, byte[],"
              + " List<...>, Map<..., ...>, and records or plain classes of these");
    }
    List<Object> fields = new ArrayList<>();
    fieldsOf((Class<?>) type).forEach((name, of) ->
        fields.add(new ArrayList<>(List.of(name, of(of, around).described))));
    around.remove(type);
    return new Schema("struct", true, fields, ((Class<?>) type).getName());
  }

  private static Map<String, Type> fieldsOf(Class<?> type) {
    Map<String, Type> fields = new java.util.LinkedHashMap<>();
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        fields.put(component.getName(), component.getGenericType());
      }
      return fields;
    }
    for (Class<?> each = type; each != null && each != Object.class; each = each.getSuperclass()) {
      for (Field field : each.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
          fields.put(field.getName(), field.getGenericType());
        }
      }
    }
    return fields;
  }

  /** Returns the type as the engine is told it. */
  public List<Object> described() {
    return Collections.unmodifiableList(described);
  }

  @Override
  public String toString() {
    return described.toString();
  }
}
