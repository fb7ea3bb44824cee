package io.ray.streaming.api.graph;

import io.ray.streaming.api.ErrorPolicy;
import io.ray.streaming.api.Language;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.python.PythonFunction;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One operator of a program, as streams describe it; all views of a stream share it. */
public final class OperatorNode {

  private final int id;
  private final Language language;
  private final String kind;
  private final Serializable function;
  private final List<Input> inputs;
  private final Map<String, String> config = new HashMap<>();
  private final Map<String, Double> resources = new HashMap<>();
  private String name = "";
  private String uid;
  private ErrorPolicy errorPolicy;
  private Schema schema;
  private int parallelism;
  private boolean chained = true;

  /**
   * Describes an operator.
   *
   * @param id its number in the program
   * @param kind what it does, e.g. {@code "flat_map"}
   * @param function what it runs: a {@link PythonFunction} in Python, a function or a connector in Java; null
   *     for a union
   */
  public OperatorNode(
      int id, Language language, String kind, Serializable function, List<Input> inputs) {
    this.id = id;
    this.language = language;
    this.kind = kind;
    this.function = function;
    this.inputs = new ArrayList<>(inputs);
    this.parallelism = inputs.isEmpty() ? 1 : inputs.get(0).from().parallelism;
  }

  public int id() {
    return id;
  }

  public Language language() {
    return language;
  }

  public String kind() {
    return kind;
  }

  public Serializable function() {
    return function;
  }

  public List<Input> inputs() {
    return inputs;
  }

  public Map<String, String> config() {
    return config;
  }

  public int parallelism() {
    return parallelism;
  }

  public void setParallelism(int parallelism) {
    if (parallelism < 1) {
      throw new IllegalArgumentException("parallelism must be a whole number from 1, got " + parallelism);
    }
    this.parallelism = parallelism;
  }

  /** The type of its results, as a conversion has said; null where none has. */
  public Schema schema() {
    return schema;
  }

  /** Says the type of its results; once. */
  public void setSchema(Schema schema) {
    if (this.schema != null && !this.schema.described().equals(schema.described())) {
      throw new IllegalStateException(
          "the records of " + kind + " have the schema " + this.schema + " already, and cannot have " + schema
              + " too: map in between");
    }
    this.schema = schema;
  }

  public String name() {
    return name;
  }

  public void setName(String name) {
    this.name = name;
  }

  /** What fixes its identity; null where nothing has been said. */
  public String uid() {
    return uid;
  }

  public void setUid(String uid) {
    this.uid = uid;
  }

  /** What becomes of records that it cannot take; null where nothing has been said. */
  public ErrorPolicy errorPolicy() {
    return errorPolicy;
  }

  public void setErrorPolicy(ErrorPolicy errorPolicy) {
    this.errorPolicy = errorPolicy;
  }

  /** What each task asks of a node, by its name. */
  public Map<String, Double> resources() {
    return resources;
  }

  public boolean chained() {
    return chained;
  }

  public void disableChain() {
    chained = false;
  }
}
