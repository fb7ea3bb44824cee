package io.ray.streaming.runtime.types;

import io.ray.streaming.runtime.codec.Shown;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a schema makes of values: of what has come from Python, and of what goes there.
 *
 * <p>A schema is described by a list: the name of the type, whether it may be null, and of what it is
 * made: {@code ["int32", true]}, {@code ["list", true, element]}, {@code ["map", true, key, value]},
 * {@code ["struct", true, [[name, type], ...], class or null]}.
 */
public final class Typed {

  private static final Map<String, Class<?>> PLAIN = Map.of(
      "bool", Boolean.class,
      "int8", Byte.class,
      "int16", Short.class,
      "int32", Integer.class,
      "int64", Long.class,
      "float32", Float.class,
      "float64", Double.class,
      "string", String.class,
      "binary", byte[].class);

  private Typed() {}

  /**
   * Returns the conversion to a type.
   *
   * @param loader where the classes of rows are; null leaves rows maps
   */
  public static Conversion to(List<?> described, ClassLoader loader) {
    String name = (String) described.get(0);
    Conversion conversion = switch (name) {
      case "list" -> list(to((List<?>) described.get(2), loader));
      case "map" -> map(to((List<?>) described.get(2), loader), to((List<?>) described.get(3), loader));
      case "struct" -> struct((List<?>) described.get(2), (String) described.get(3), loader);
      default -> plain(name);
    };
    boolean nullable = (boolean) described.get(1);
    return value -> {
      if (value != null) {
        return conversion.of(value);
      }
      if (!nullable) {
        throw new Conversion.WrongType("None is no " + name);
      }
      return null;
    };
  }

  private static Conversion plain(String name) {
    Conversion conversion = Conversion.to(PLAIN.get(name));
    return value -> {
      try {
        return conversion.of(value);
      } catch (Conversion.WrongType error) {
        throw wrong(value, name);
      }
    };
  }

  private static Conversion list(Conversion element) {
    return value -> {
      List<Object> converted = new ArrayList<>();
      if (value instanceof Collection<?> collection) {
        collection.forEach(each -> converted.add(element.of(each)));
      } else if (value.getClass().isArray() && !(value instanceof byte[])) {
        for (int i = 0; i < Array.getLength(value); i++) {
          converted.add(element.of(Array.get(value, i)));
        }
      } else {
        throw wrong(value, "list");
      }
      return converted;
    };
  }

  private static Conversion map(Conversion key, Conversion element) {
    return value -> {
      if (!(value instanceof Map<?, ?> map)) {
        throw wrong(value, "map");
      }
      Map<Object, Object> converted = new LinkedHashMap<>(map.size() * 4 / 3 + 1);
      map.forEach((k, v) -> converted.put(key.of(k), element.of(v)));
      return converted;
    };
  }

  private static Conversion struct(List<?> described, String className, ClassLoader loader) {
    Map<String, Conversion> fields = new LinkedHashMap<>();
    for (Object field : described) {
      fields.put((String) ((List<?>) field).get(0), to((List<?>) ((List<?>) field).get(1), loader));
    }
    RowClass target = className == null || loader == null ? null : rowClass(className, loader);
    return value -> {
      Map<String, Object> row = new LinkedHashMap<>(fields.size() * 4 / 3 + 1);
      Map<?, ?> given = asRow(value);
      fields.forEach((name, conversion) -> {
        try {
          row.put(name, conversion.of(given.get(name)));
        } catch (Conversion.WrongType error) {
          throw new Conversion.WrongType(name + ": " + error.getMessage());
        }
      });
      for (Object name : given.keySet()) {
        if (!fields.containsKey(name)) {
          throw new Conversion.WrongType(Shown.of(name) + " is no field of the schema: " + fields.keySet());
        }
      }
      return target == null ? row : target.make(row);
    };
  }

  private static Map<?, ?> asRow(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    if (RowClass.fits(value.getClass())) {
      return RowClass.of(value.getClass()).row(value);
    }
    throw wrong(value, "row");
  }

  private static RowClass rowClass(String name, ClassLoader loader) {
    try {
      return RowClass.of(Class.forName(name, false, loader));
    } catch (ClassNotFoundException error) {
      throw new IllegalStateException("class " + name + " of the schema is not on the job's class path", error);
    }
  }

  private static Conversion.WrongType wrong(Object value, String name) {
    return new Conversion.WrongType(
        Shown.of(value) + " (" + value.getClass().getSimpleName() + ") does not fit " + name);
  }
}
