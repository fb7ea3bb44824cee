package io.ray.streaming.api.connector;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The options of a connector by their names.
 *
 * <p>Without a second argument an option is required. None of Python and null are the same as an option
 * that is not given.
 */
public final class Options {

  private static final Pattern DURATION = Pattern.compile("\\s*(\\d+(?:\\.\\d*)?|\\.\\d+)\\s*(ms|s|m|min|h)\\s*");
  private static final Map<String, Double> SECONDS = Map.of("ms", 0.001, "s", 1.0, "m", 60.0, "min", 60.0, "h", 3600.0);

  private final Map<String, ?> given;
  private final Set<String> known = new TreeSet<>();

  /** Takes options as they are; numbers of any kind. */
  public Options(Map<String, ?> given) {
    this.given = given;
  }

  public String string(String name) {
    return required(name, string(name, null));
  }

  public String string(String name, String otherwise) {
    return value(name, String.class, "a text", otherwise);
  }

  public long integer(String name) {
    return required(name, integer(name, null));
  }

  /** Returns a whole number. */
  public Long integer(String name, Long otherwise) {
    Number number = value(name, Number.class, "a whole number", otherwise);
    if (number instanceof Double || number instanceof Float) {
      throw wrong(name, "a whole number", number);
    }
    return number == null ? null : (Long) number.longValue();
  }

  public double decimal(String name) {
    return required(name, decimal(name, null));
  }

  /** Returns a number. */
  public Double decimal(String name, Double otherwise) {
    Number number = value(name, Number.class, "a number", otherwise);
    return number == null ? null : (Double) number.doubleValue();
  }

  public boolean bool(String name) {
    return required(name, bool(name, null));
  }

  public Boolean bool(String name, Boolean otherwise) {
    return value(name, Boolean.class, "true or false", otherwise);
  }

  public Duration duration(String name) {
    return required(name, duration(name, null));
  }

  /** Returns a time of more than zero: a number of seconds, or a text like "5s", "500ms" or "2m". */
  public Duration duration(String name, Duration otherwise) {
    Object given = value(name, Object.class, "", null);
    if (given == null) {
      return otherwise;
    }
    Matcher text = DURATION.matcher(given.toString());
    double seconds = given instanceof Number number ? number.doubleValue()
        : text.matches() ? Double.parseDouble(text.group(1)) * SECONDS.get(text.group(2)) : 0;
    if (!(seconds > 0)) {
      throw new IllegalArgumentException(
          "option '" + name + "' must be a time like \"5s\", \"500ms\" or \"2m\", and is " + given);
    }
    return Duration.ofNanos((long) (seconds * 1e9));
  }

  public List<String> strings(String name) {
    return required(name, strings(name, null));
  }

  /** Returns a list of texts. */
  public List<String> strings(String name, List<String> otherwise) {
    List<?> list = value(name, List.class, "a list of texts", otherwise);
    List<String> texts = new ArrayList<>();
    for (Object element : list == null ? List.of() : list) {
      if (!(element instanceof String text)) {
        throw wrong(name, "a list of texts", list);
      }
      texts.add(text);
    }
    return list == null ? null : Collections.unmodifiableList(texts);
  }

  /** Returns texts by texts; none where it is not given. */
  public Map<String, String> map(String name) {
    Map<?, ?> map = value(name, Map.class, "texts by texts", Map.of());
    Map<String, String> texts = new java.util.LinkedHashMap<>();
    map.forEach((key, value) -> {
      if (!(key instanceof String) || !(value instanceof String)) {
        throw wrong(name, "texts by texts", map);
      }
      texts.put((String) key, (String) value);
    });
    return texts;
  }

  /**
   * Refuses options that nobody has asked for. Called after {@link Connector#configure}.
   *
   * @throws IllegalArgumentException names all of them, and those that there are
   */
  public void refuseUnknown() {
    Set<String> unknown = new TreeSet<>(given.keySet());
    unknown.removeAll(known);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException("unknown option " + String.join(", ", unknown) + "; there are " + known);
    }
  }

  private <V> V value(String name, Class<V> type, String wanted, V otherwise) {
    known.add(name);
    Object value = given.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!type.isInstance(value)) {
      throw wrong(name, wanted, value);
    }
    return type.cast(value);
  }

  private static <V> V required(String name, V value) {
    if (value == null) {
      throw new IllegalArgumentException("option '" + name + "' is missing");
    }
    return value;
  }

  private static IllegalArgumentException wrong(String name, String wanted, Object value) {
    return new IllegalArgumentException(
        "option '" + name + "' must be " + wanted + ", and is a " + value.getClass().getSimpleName());
  }
}
