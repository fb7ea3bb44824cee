package io.ray.streaming.runtime.host;

import io.ray.streaming.runtime.codec.Shown;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.RowClass;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How an object is made of what a program has given: arguments, and options by name.
 *
 * <p>Arguments go to a constructor in their order. Options go to its last parameter, if that is a map
 * or of a record or plain class with such fields; else to parameters of their names, which records
 * have, and classes compiled with {@code -parameters}; else to setters.
 */
final class Making {

  private final Constructor<?> constructor;
  private final Object[] arguments;
  private final Map<Method, Object> setters;

  private Making(Constructor<?> constructor, Object[] arguments, Map<Method, Object> setters) {
    this.constructor = constructor;
    this.arguments = arguments;
    this.setters = setters;
  }

  /**
   * Finds the way to make an object.
   *
   * @throws Conversion.WrongType if there is none; says what the class has
   */
  static Making of(Class<?> type, List<?> given, Map<String, ?> options) {
    List<String> refused = new ArrayList<>();
    Constructor<?>[] constructors = type.getDeclaredConstructors();
    Arrays.sort(constructors, Comparator.comparingInt(Constructor::getParameterCount));
    for (Constructor<?> constructor : constructors) {
      if (constructor.getParameterCount() < given.size()) {
        continue;
      }
      try {
        Making found = by(constructor, given, new LinkedHashMap<>(options));
        if (found != null) {
          return found;
        }
      } catch (Conversion.WrongType error) {
        refused.add(error.getMessage());
      }
    }
    String byName = setters(type).entrySet().stream()
        .map(e -> e.getKey() + " (" + e.getValue().getParameterTypes()[0].getSimpleName() + ")")
        .collect(Collectors.joining(", "));
    throw new Conversion.WrongType(
        type.getName() + " has no constructor " + taking(given, options) + "; it has "
            + Arrays.stream(constructors).map(Making::shown).collect(Collectors.joining(" and "))
            + (byName.isEmpty() ? "" : ", and setters of " + byName)
            + (refused.isEmpty() ? "" : ": " + String.join("; ", refused))
            + ". Give its arguments after the name of the class, or add such a constructor");
  }

  private static String taking(List<?> given, Map<String, ?> options) {
    if (given.isEmpty() && options.isEmpty()) {
      return "without arguments";
    }
    return "that takes " + (given.isEmpty() ? "" : Shown.of(given))
        + (given.isEmpty() || options.isEmpty() ? "" : " and ")
        + (options.isEmpty() ? "" : "the options " + Shown.of(options));
  }

  /** Makes the object. */
  Object make() throws ReflectiveOperationException {
    constructor.setAccessible(true);
    Object made = constructor.newInstance(arguments);
    for (Map.Entry<Method, Object> setter : setters.entrySet()) {
      setter.getKey().setAccessible(true);
      setter.getKey().invoke(made, setter.getValue());
    }
    return made;
  }

  private static Making by(Constructor<?> constructor, List<?> given, Map<String, Object> options) {
    Type[] types = types(constructor);
    List<String> names = names(constructor);
    Object[] arguments = new Object[types.length];
    for (int i = 0; i < given.size(); i++) {
      arguments[i] = converted(types[i], given.get(i), "");
    }
    int last = types.length - 1;
    boolean takesAll = given.size() == last && !(names != null && options.containsKey(names.get(last)));
    Class<?> lastType = takesAll ? constructor.getParameterTypes()[last] : null;
    if (takesAll && lastType == Map.class) {
      arguments[last] = converted(types[last], new LinkedHashMap<>(options), "");
      options.clear();
    } else if (takesAll && RowClass.fits(lastType)) {
      arguments[last] = RowClass.of(lastType).makeOfOptions(options);
      options.clear();
    } else {
      for (int i = given.size(); i < types.length; i++) {
        if (names == null || !options.containsKey(names.get(i))) {
          return null;
        }
        arguments[i] = converted(types[i], options.remove(names.get(i)), names.get(i) + ": ");
      }
    }
    return new Making(constructor, arguments, setting(constructor.getDeclaringClass(), options));
  }

  private static Map<Method, Object> setting(Class<?> type, Map<String, Object> options) {
    Map<String, Method> known = options.isEmpty() ? Map.of() : setters(type);
    Map<Method, Object> values = new LinkedHashMap<>();
    options.forEach((name, value) -> {
      Method setter = known.get(name);
      if (setter == null) {
        throw new Conversion.WrongType("there is no option " + name);
      }
      values.put(setter, converted(setter.getGenericParameterTypes()[0], value, name + ": "));
    });
    return values;
  }

  private static Object converted(Type type, Object value, String where) {
    Conversion conversion = Conversion.to(type);
    try {
      return conversion == null ? value : conversion.of(value);
    } catch (Conversion.WrongType error) {
      throw new Conversion.WrongType(where + error.getMessage());
    }
  }

  private static Map<String, Method> setters(Class<?> type) {
    Map<String, Method> found = new TreeMap<>();
    for (Method method : type.getMethods()) {
      String name = method.getName();
      if (name.length() > 3 && name.startsWith("set") && Character.isUpperCase(name.charAt(3))
          && method.getParameterCount() == 1 && !Modifier.isStatic(method.getModifiers())) {
        found.put(Character.toLowerCase(name.charAt(3)) + name.substring(4), method);
      }
    }
    return found;
  }

  private static Type[] types(Constructor<?> constructor) {
    Type[] generic = constructor.getGenericParameterTypes();
    return generic.length == constructor.getParameterCount() ? generic : constructor.getParameterTypes();
  }

  /** Returns the names of the parameters; null if nobody has kept them. */
  private static List<String> names(Constructor<?> constructor) {
    Class<?> type = constructor.getDeclaringClass();
    if (type.isRecord()) {
      RecordComponent[] components = type.getRecordComponents();
      Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      if (Arrays.equals(types, constructor.getParameterTypes())) {
        return Arrays.stream(components).map(RecordComponent::getName).toList();
      }
    }
    Parameter[] parameters = constructor.getParameters();
    return Arrays.stream(parameters).allMatch(Parameter::isNamePresent)
        ? Arrays.stream(parameters).map(Parameter::getName).toList()
        : null;
  }

  private static String shown(Constructor<?> constructor) {
    List<String> names = names(constructor);
    Class<?>[] types = constructor.getParameterTypes();
    List<String> parameters = new ArrayList<>();
    for (int i = 0; i < types.length; i++) {
      boolean options = i == types.length - 1 && RowClass.fits(types[i]);
      parameters.add(types[i].getSimpleName() + (names == null ? "" : " " + names.get(i))
          + (options ? " of " + RowClass.of(types[i]).described() : ""));
    }
    return constructor.getDeclaringClass().getSimpleName() + "(" + String.join(", ", parameters) + ")";
  }
}
