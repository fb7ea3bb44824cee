package io.ray.streaming.runtime.types;

import io.ray.streaming.runtime.codec.Shown;
import java.lang.invoke.MethodType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes of a value that Python sent the type that a Java function declares.
 *
 * <p>Numbers become the declared kind of number where nothing is lost, and maps the declared record or
 * plain class; everything else must be what is declared already.
 */
@FunctionalInterface
public interface Conversion {

  /**
   * Returns the value as the declared type.
   *
   * @throws WrongType if it cannot become that without loss
   */
  Object of(Object value);

  /** The conversion to a type; null where any value will do. */
  static Conversion to(Type type) {
    if (type instanceof ParameterizedType parameterized) {
      Class<?> raw = (Class<?>) parameterized.getRawType();
      Type[] arguments = parameterized.getActualTypeArguments();
      if (raw == List.class || raw == ArrayList.class) {
        return list(to(arguments[0]), type);
      }
      if (raw == Map.class) {
        return map(to(arguments[0]), to(arguments[1]), type);
      }
      return instance(raw);
    }
    return type instanceof Class<?> raw ? instance(raw) : null;
  }

  private static Conversion instance(Class<?> type) {
    if (type == Object.class) {
      return null;
    }
    if (type.isPrimitive()) {
      return primitive((Class<?>) MethodType.methodType(type).wrap().returnType());
    }
    if (RowClass.fits(type)) {
      return value -> value instanceof Map<?, ?> row ? RowClass.of(type).make(row) : same(value, type);
    }
    return value -> value == null || type.isInstance(value) ? value : number(value, type);
  }

  private static Conversion primitive(Class<?> type) {
    return value -> {
      if (value == null) {
        throw new WrongType("None does not fit " + type.getSimpleName().toLowerCase(java.util.Locale.ROOT));
      }
      return type.isInstance(value) ? value : number(value, type);
    };
  }

  private static Object same(Object value, Class<?> type) {
    if (value == null || type.isInstance(value)) {
      return value;
    }
    throw new WrongType(value, type);
  }

  private static Conversion list(Conversion element, Type type) {
    return value -> {
      if (value == null) {
        return null;
      }
      if (!(value instanceof List<?> list)) {
        throw new WrongType(value, type);
      }
      if (element == null) {
        return list;
      }
      List<Object> converted = new ArrayList<>(list.size());
      for (Object each : list) {
        converted.add(element.of(each));
      }
      return converted;
    };
  }

  private static Conversion map(Conversion key, Conversion element, Type type) {
    return value -> {
      if (value == null) {
        return null;
      }
      if (!(value instanceof Map<?, ?> map)) {
        throw new WrongType(value, type);
      }
      Map<Object, Object> converted = new LinkedHashMap<>(map.size() * 4 / 3 + 1);
      map.forEach((k, v) -> converted.put(key == null ? k : key.of(k), element == null ? v : element.of(v)));
      return converted;
    };
  }

  private static Object number(Object value, Class<?> type) {
    if (value instanceof Number number) {
      boolean whole = value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte;
      if (whole || value instanceof Double || value instanceof Float) {
        Object exact = whole ? ofLong(number.longValue(), type) : ofDouble(number.doubleValue(), type);
        if (exact != null) {
          return exact;
        }
      }
      if (value instanceof BigInteger big && type == Double.class
          && new BigDecimal(big.doubleValue()).toBigInteger().equals(big)) {
        return big.doubleValue();
      }
    }
    if (type == Character.class && value instanceof String text && text.length() == 1) {
      return text.charAt(0);
    }
    throw new WrongType(value, type);
  }

  private static Object ofLong(long n, Class<?> type) {
    if (type == Long.class) {
      return n;
    }
    if (type == Integer.class) {
      return n == (int) n ? (Object) (int) n : null;
    }
    if (type == Short.class) {
      return n == (short) n ? (Object) (short) n : null;
    }
    if (type == Byte.class) {
      return n == (byte) n ? (Object) (byte) n : null;
    }
    if (type == Double.class) {
      return (long) (double) n == n && n != Long.MAX_VALUE ? (Object) (double) n : null;
    }
    if (type == Float.class) {
      return (long) (float) n == n && n != Long.MAX_VALUE ? (Object) (float) n : null;
    }
    return type == BigInteger.class ? BigInteger.valueOf(n) : null;
  }

  private static Object ofDouble(double x, Class<?> type) {
    if (type == Double.class) {
      return x;
    }
    if (type == Float.class) {
      float rounded = (float) x;
      return Float.isInfinite(rounded) && !Double.isInfinite(x) ? null : (Object) rounded;
    }
    boolean whole = x == Math.rint(x) && x >= -0x1p63 && x < 0x1p63;
    return whole ? ofLong((long) x, type) : null;
  }

  /** A value is not what a function declares, and cannot become it. */
  final class WrongType extends RuntimeException {

    /** Makes an exception with a message that names the value. */
    public WrongType(String message) {
      super(message);
    }

    /** Makes an exception that names the value and the declared type. */
    public WrongType(Object value, Type type) {
      super(
          Shown.of(value) + " (" + value.getClass().getSimpleName() + ") does not fit the declared "
              + (type instanceof Class<?> raw ? raw.getSimpleName() : type.getTypeName())
              + (value instanceof Number && type != String.class ? " without loss" : ""));
    }
  }
}
