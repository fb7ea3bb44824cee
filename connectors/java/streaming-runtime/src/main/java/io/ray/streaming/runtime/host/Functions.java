package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.Connector;
import io.ray.streaming.api.connector.Connectors;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.types.Conversion;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;

/** Finds the classes of functions and connectors, and makes objects of them. */
public final class Functions {

  private Functions() {}

  /** Returns what is wrong with a function, as far as can be known without making it; null if nothing. */
  public static String problem(byte[] spec, JobClasses classes) {
    FunctionSpec function = FunctionSpec.read(spec);
    try {
      if (function.options() != null) {
        connector(function, classes); // opens nothing, and its options are checked
      } else if (function.object() == null) {
        making(function, load(function, classes));
      }
      return null;
    } catch (Unusable error) {
      return error.getMessage();
    }
  }

  /** Makes the function object of one task. */
  static Object make(FunctionSpec spec, JobClasses classes) {
    if (spec.object() != null) {
      return new ObjectReader(spec.object(), classes.loader()).read();
    }
    if (spec.options() != null) {
      return connector(spec, classes);
    }
    Class<?> type = load(spec, classes);
    Making making = making(spec, type);
    try {
      return making.make();
    } catch (InvocationTargetException error) {
      throw Failure.inFunction(spec.operator(), "constructor of " + type.getName(), error.getCause());
    } catch (ReflectiveOperationException | InaccessibleObjectException error) {
      throw new Unusable("operator '" + spec.operator() + "': " + type.getName() + " cannot be made: " + error);
    }
  }

  /** Whether it is a connector; functions are not made to find out. */
  static boolean isConnector(FunctionSpec spec, JobClasses classes) {
    return spec.object() != null
        ? make(spec, classes) instanceof Connector
        : Connector.class.isAssignableFrom(load(spec, classes));
  }

  /** Makes the connector of a plugin, which is listed in META-INF/services. */
  private static Connector connector(FunctionSpec spec, JobClasses classes) {
    load(spec, classes); // says more of what is wrong with the class
    Class<? extends Connector> kind = spec.kind() == Kind.SOURCE ? Source.class : Sink.class;
    try {
      return Connectors.find(kind, spec.className(), spec.options(), classes.loader());
    } catch (IllegalArgumentException error) {
      throw new Unusable("operator '" + spec.operator() + "': " + error.getMessage());
    }
  }

  private static Class<?> load(FunctionSpec spec, JobClasses classes) {
    String name = spec.className();
    String operator = "operator '" + spec.operator() + "': ";
    try {
      Class<?> type = Class.forName(name, true, classes.loader());
      if (!spec.kind().takes(type)) {
        String others = Kind.implementedBy(type);
        throw new Unusable(
            operator + spec.kind().method() + "() needs a " + spec.kind().wanted(Class::getSimpleName)
                + ", and class " + name
                + " is none: " + (others.isEmpty() ? "it implements no function" : "it is a " + others)
                + ". Let it implement " + spec.kind().wanted(Class::getName));
      }
      return type;
    } catch (ClassNotFoundException error) {
      throw new Unusable(
          operator + "there is no class " + name + inner(name, classes) + ". Searched: " + classes.searched()
              + (spec.options() == null
                  ? ". Put its jar into java_classpath=[...]"
                  : ". Reinstall the package that the connector comes from"));
    } catch (ExceptionInInitializerError error) {
      throw new Unusable(
          operator + "the static initialiser of " + name + " raised " + error.getCause()
              + Failure.frames(error.getCause()));
    } catch (LinkageError error) {
      throw new Unusable(
          operator + "class " + name + " cannot be loaded: " + error
              + ". Searched: " + classes.searched());
    }
  }

  /** Suggests the name of an inner class where a dot was written instead of a dollar sign. */
  private static String inner(String name, JobClasses classes) {
    int dot = name.lastIndexOf('.');
    if (dot < 0) {
      return " (write the whole name, with its package)";
    }
    String guess = name.substring(0, dot) + "$" + name.substring(dot + 1);
    try {
      Class.forName(guess, false, classes.loader());
      return " (did you mean " + guess + "?)";
    } catch (ClassNotFoundException | LinkageError error) {
      return "";
    }
  }

  private static Making making(FunctionSpec spec, Class<?> type) {
    String operator = "operator '" + spec.operator() + "': ";
    int modifiers = type.getModifiers();
    if (Modifier.isAbstract(modifiers)) {
      throw new Unusable(operator + type.getName() + " is abstract or an interface: name a class that is not");
    }
    if (type.isMemberClass() && !Modifier.isStatic(modifiers)) {
      throw new Unusable(operator + type.getName() + " is an inner class of an object: make it static");
    }
    try {
      return Making.of(type, spec.arguments(), spec.named());
    } catch (Conversion.WrongType error) {
      throw new Unusable(operator + error.getMessage());
    } catch (LinkageError error) {
      throw new Unusable(operator + "class " + type.getName() + " names what is not there: " + error);
    }
  }

  /** A function cannot be used; the message says which, why and what to do. */
  public static final class Unusable extends RuntimeException {
    Unusable(String message) {
      super(message);
    }
  }
}
