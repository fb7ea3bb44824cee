package io.ray.streaming.runtime.types;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.HashMap;
import java.util.Map;

/** What a class says about the type parameters of an interface that it implements. */
public final class Declared {

  private Declared() {}

  /**
   * Returns the type that a class has put in the place of a type parameter.
   *
   * @param type the class, e.g. {@code class Length implements MapFunction<String, Integer>}
   * @param generic the interface, e.g. {@code MapFunction}
   * @param index which of its parameters, from 0
   * @return the type; Object where the class does not say, as for lambdas
   */
  public static Type argument(Class<?> type, Class<?> generic, int index) {
    Type found = search(type, generic, index, new HashMap<>());
    return found == null ? Object.class : found;
  }

  private static Type search(
      Type type, Class<?> generic, int index, Map<TypeVariable<?>, Type> known) {
    Class<?> raw;
    if (type instanceof ParameterizedType parameterized) {
      raw = (Class<?>) parameterized.getRawType();
      TypeVariable<?>[] variables = raw.getTypeParameters();
      Type[] arguments = parameterized.getActualTypeArguments();
      for (int i = 0; i < variables.length; i++) {
        known.put(variables[i], known.getOrDefault(arguments[i], arguments[i]));
      }
      if (raw == generic) {
        Type argument = known.get(variables[index]);
        return argument instanceof TypeVariable ? null : argument;
      }
    } else if (type instanceof Class<?> plain) {
      raw = plain;
    } else {
      return null;
    }
    for (Type parent : raw.getGenericInterfaces()) {
      Type found = search(parent, generic, index, known);
      if (found != null) {
        return found;
      }
    }
    return raw.getGenericSuperclass() == null
        ? null
        : search(raw.getGenericSuperclass(), generic, index, known);
  }
}
