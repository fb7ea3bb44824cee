package io.ray.streaming.runtime.codec;

import java.io.Externalizable;
import java.io.ObjectInputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** The fields of a class: how its objects are taken apart and put together again. */
public final class Shape {

  private static final ClassValue<Shape> SHAPES = new ClassValue<>() {
    @Override
    protected Shape computeValue(Class<?> type) {
      return new Shape(type);
    }
  };

  private static final ClassValue<Boolean> OWN_IDEA = new ClassValue<>() {
    @Override
    protected Boolean computeValue(Class<?> type) {
      return computeOwnIdea(type);
    }
  };

  private final Class<?> type;
  private final Field[] fields;
  private final Constructor<?> constructor;

  private Shape(Class<?> type) {
    this.type = type;
    try {
      if (type.isRecord()) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        fields = new Field[components.length];
        for (int i = 0; i < fields.length; i++) {
          fields[i] = type.getDeclaredField(components[i].getName());
        }
        constructor = type.getDeclaredConstructor(types);
      } else {
        fields = instanceFields(type);
        constructor = withoutItsConstructors(type);
      }
      constructor.setAccessible(true);
      for (Field field : fields) {
        field.setAccessible(true);
      }
    } catch (ReflectiveOperationException | RuntimeException error) {
      throw new CannotCross("objects of " + type.getName() + " cannot be sent or kept: " + error);
    }
  }

  /** Makes objects as serialization does; called by name, as javac warns of whatever is in sun.reflect. */
  private static Constructor<?> withoutItsConstructors(Class<?> type) throws ReflectiveOperationException {
    Class<?> factory = Class.forName("sun.reflect.ReflectionFactory");
    return (Constructor<?>) factory
        .getMethod("newConstructorForSerialization", Class.class, Constructor.class)
        .invoke(factory.getMethod("getReflectionFactory").invoke(null), type, Object.class.getDeclaredConstructor());
  }

  /** Returns the shape of a class. */
  public static Shape of(Class<?> type) {
    return SHAPES.get(type);
  }

  int size() {
    return fields.length;
  }

  /** Returns the fields: what {@link #read} returns, and {@link #make} takes, in that order. */
  public List<Field> fields() {
    return List.of(fields);
  }

  /** Returns the values of an object's fields. */
  public Object[] read(Object value) {
    Object[] read = new Object[fields.length];
    try {
      for (int i = 0; i < read.length; i++) {
        read[i] = fields[i].get(value);
      }
      return read;
    } catch (IllegalAccessException error) {
      throw new CannotCross("objects of " + type.getName() + " cannot be sent or kept: " + error);
    }
  }

  /** Returns an object with these values, made without running a constructor unless it is a record. */
  public Object make(Object[] values) {
    try {
      return type.isRecord() ? constructor.newInstance(values) : fill(constructor.newInstance(), values);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("an object of " + type.getName() + " cannot be put together: " + error, error);
    }
  }

  /** Sets the fields of an object that is no record, and returns it. */
  public Object fill(Object made, Object[] values) throws IllegalAccessException {
    for (int i = 0; i < values.length; i++) {
      fields[i].set(made, values[i]);
    }
    return made;
  }

  /** Whether objects of a class must go through Java's serialization. */
  static boolean hasOwnIdea(Class<?> type) {
    return OWN_IDEA.get(type);
  }

  private static boolean computeOwnIdea(Class<?> type) {
    if (type.getClassLoader() == null || type.getClassLoader() == ClassLoader.getPlatformClassLoader()) {
      return true;
    }
    if (type.isHidden() || type.isSynthetic() || Externalizable.class.isAssignableFrom(type)) {
      return true; // a lambda among them
    }
    for (Class<?> each = type; each != Object.class && each != Record.class; each = each.getSuperclass()) {
      boolean ofJdk = each.getClassLoader() == null;
      if (ofJdk || declares(each, "readObject", ObjectInputStream.class)
          || declares(each, "readResolve") || declares(each, "writeReplace")) {
        return true;
      }
    }
    return false;
  }

  private static boolean declares(Class<?> type, String method, Class<?>... parameters) {
    try {
      type.getDeclaredMethod(method, parameters);
      return true;
    } catch (NoSuchMethodException error) {
      return false;
    }
  }

  private static Field[] instanceFields(Class<?> type) {
    List<Field> found = new ArrayList<>();
    for (Class<?> each = type; each != Object.class; each = each.getSuperclass()) {
      Arrays.stream(each.getDeclaredFields())
          .filter(f -> !Modifier.isStatic(f.getModifiers()) && !Modifier.isTransient(f.getModifiers()))
          .sorted(Comparator.comparing(Field::getName))
          .forEach(found::add);
    }
    return found.toArray(Field[]::new);
  }
}
