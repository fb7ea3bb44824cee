package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.Function;
import io.ray.streaming.runtime.codec.MsgpackReader;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A function as Python describes it.
 *
 * @param operator id of its operator, for messages
 * @param kind what it is to be used for
 * @param className its class
 * @param arguments what its constructor is given
 * @param named what it is given by name
 * @param object the function object itself, serialised, where a Java program made it; else null
 * @param options the options of a plugin's connector by their names; null for anything else
 * @param config what {@code withConfig} has set on the operator
 * @param jobConfig what it has set on the job, in a Java program
 */
record FunctionSpec(
    String operator,
    Kind kind,
    String className,
    List<?> arguments,
    Map<String, ?> named,
    byte[] object,
    Map<String, ?> options,
    Map<String, String> config,
    Map<String, String> jobConfig) {

  static FunctionSpec of(Kind kind, Function function, Map<String, String> config) {
    return new FunctionSpec(
        kind.method(), kind, function.getClass().getName(), List.of(), Map.of(), null, null, config, Map.of());
  }

  @SuppressWarnings("unchecked")
  static FunctionSpec read(byte[] packed) {
    Map<?, ?> fields = (Map<?, ?>) new MsgpackReader(packed).read();
    return new FunctionSpec(
        (String) fields.get("operator"),
        Kind.of((String) fields.get("kind")),
        (String) fields.get("class"),
        (List<?>) fields.get("arguments"),
        (Map<String, ?>) fields.get("named"),
        (byte[]) fields.get("object"),
        (Map<String, ?>) fields.get("options"),
        texts((Map<?, ?>) fields.get("config")),
        texts((Map<?, ?>) fields.get("job_config")));
  }

  /** Java's configurations are texts; what Python has set need not be. */
  private static Map<String, String> texts(Map<?, ?> config) {
    Map<String, String> texts = new HashMap<>();
    config.forEach((name, value) -> texts.put(String.valueOf(name), String.valueOf(value)));
    return Collections.unmodifiableMap(texts);
  }
}
