package io.ray.streaming.runtime.types;

import io.ray.streaming.api.function.Function;
import io.ray.streaming.runtime.codec.Shape;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A record or plain class whose objects are rows: maps by the names of its fields. */
public final class RowClass {

  private static final ClassValue<RowClass> KNOWN = new ClassValue<>() {
    @Override
    protected RowClass computeValue(Class<?> type) {
      return new RowClass(type);
    }
  };

  private final Class<?> type;
  private final Shape shape;
  private final List<Field> fields;
  private final Constructor<?> plain;
  private Conversion[] conversions;

  private RowClass(Class<?> type) {
    this.type = type;
    shape = Shape.of(type);
    fields = shape.fields();
    plain = type.isRecord() ? null : withoutArguments(type);
  }

  private static Constructor<?> withoutArguments(Class<?> type) {
    try {
      Constructor<?> found = type.getDeclaredConstructor();
      found.setAccessible(true);
      return found;
    } catch (NoSuchMethodException error) {
      return null; // then its fields are set without one, as in state
    }
  }

  /** Returns the rows of a class. */
  public static RowClass of(Class<?> type) {
    return KNOWN.get(type);
  }

  /** Whether objects of a class may be rows. */
  public static boolean fits(Class<?> type) {
    return !type.isPrimitive()
        && !type.isArray()
        && !type.isEnum()
        && !Modifier.isAbstract(type.getModifiers())
        && !Map.class.isAssignableFrom(type)
        && !Iterable.class.isAssignableFrom(type)
        && !Function.class.isAssignableFrom(type)
        && type.getClassLoader() != null
        && type.getClassLoader() != ClassLoader.getPlatformClassLoader();
  }

  /** Returns the names and types of the fields, as a message shows them. */
  public String described() {
    return fields.stream()
        .map(f -> f.getName() + " (" + f.getType().getSimpleName() + ")")
        .collect(Collectors.joining(", "));
  }

  /** Returns the names of the fields. */
  public List<String> names() {
    return fields.stream().map(Field::getName).toList();
  }

  /**
   * Makes an object of a row; what the class has no field for is left out.
   *
   * @throws Conversion.WrongType if a field is missing, or its value is of another type
   */
  public Object make(Map<?, ?> row) {
    for (Field field : fields) {
      if (!row.containsKey(field.getName())) {
        throw new Conversion.WrongType(
            "the row has no " + field.getName() + ", which " + type.getSimpleName() + " needs; it has "
                + row.keySet());
      }
    }
    return filled(row);
  }

  /**
   * Makes an object of options: of a plain class with a constructor without arguments, those that are
   * not given stay as that has set them.
   *
   * @throws Conversion.WrongType if there is no field for an option, none of which may be left out, or
   *     its value is of another type
   */
  public Object makeOfOptions(Map<String, ?> options) {
    for (String name : options.keySet()) {
      if (!names().contains(name)) {
        throw new Conversion.WrongType("there is no option " + name);
      }
    }
    for (String name : names()) {
      if (plain == null && !options.containsKey(name)) {
        throw new Conversion.WrongType("the option " + name + " is missing");
      }
    }
    return filled(options);
  }

  private Object filled(Map<?, ?> row) {
    if (conversions == null) { // not in the constructor: a class may have a field of its own type
      conversions = fields.stream().map(f -> Conversion.to(f.getGenericType())).toArray(Conversion[]::new);
    }
    Object made = plain == null ? null : made();
    Object[] values = made == null ? new Object[conversions.length] : shape.read(made);
    for (int i = 0; i < values.length; i++) {
      String name = fields.get(i).getName();
      if (!row.containsKey(name)) {
        continue;
      }
      try {
        values[i] = conversions[i] == null ? row.get(name) : conversions[i].of(row.get(name));
      } catch (Conversion.WrongType error) {
        throw new Conversion.WrongType(name + ": " + error.getMessage());
      }
    }
    try {
      return made == null ? shape.make(values) : shape.fill(made, values);
    } catch (IllegalAccessException | IllegalStateException error) {
      throw refused(error);
    }
  }

  private Object made() {
    try {
      return plain.newInstance();
    } catch (ReflectiveOperationException error) {
      throw refused(error);
    }
  }

  /** What the class's own constructor says of values that it does not take. */
  private Conversion.WrongType refused(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new Conversion.WrongType("no " + type.getSimpleName() + " can be made of it: " + cause);
  }

  /** Returns the row of an object. */
  public Map<String, Object> row(Object made) {
    Object[] values = shape.read(made);
    Map<String, Object> row = new LinkedHashMap<>(values.length * 4 / 3 + 1);
    List<String> names = new ArrayList<>(names());
    for (int i = 0; i < values.length; i++) {
      row.put(names.get(i), values[i]);
    }
    return row;
  }
}
