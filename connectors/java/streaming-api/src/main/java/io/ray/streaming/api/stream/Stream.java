package io.ray.streaming.api.stream;

import io.ray.streaming.api.ErrorPolicy;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;
import java.util.Map;

/** The operator that makes a stream, or a sink: what can be named and set. */
public abstract class Stream<S extends Stream<S>> {

  private final StreamingContext context;
  private final OperatorNode node;

  protected Stream(StreamingContext context, OperatorNode node) {
    this.context = context;
    this.node = node;
  }

  @SuppressWarnings("unchecked")
  private S self() {
    return (S) this;
  }

  public StreamingContext getStreamingContext() {
    return context;
  }

  /** The operator; views of one stream in several languages share it. */
  public OperatorNode node() {
    return node;
  }

  public int getId() {
    return node.id();
  }

  public int getParallelism() {
    return node.parallelism();
  }

  /** Runs the operator in so many tasks. */
  public S setParallelism(int parallelism) {
    node.setParallelism(parallelism);
    return self();
  }

  /** Names the operator for people. */
  public S withName(String name) {
    node.setName(name);
    return self();
  }

  /** Fixes the operator's identity, so that its state finds it after the program has changed. */
  public S withUid(String uid) {
    node.setUid(uid);
    return self();
  }

  /** Says what becomes of a record that the operator, source or sink cannot take. */
  public S withErrorPolicy(ErrorPolicy policy) {
    node.setErrorPolicy(policy);
    return self();
  }

  /** Says how many CPUs and GPUs each task of the operator asks of a node; Ray places by it. */
  public S withResources(double cpus, double gpus) {
    return withResources(Map.of("num_cpus", cpus, "num_gpus", gpus));
  }

  /**
   * Says what each task of the operator asks of a node; Ray places by it.
   *
   * @param resources {@code num_cpus}, {@code num_gpus}, and the cluster's own by their names
   */
  public S withResources(Map<String, Double> resources) {
    node.resources().putAll(resources);
    return self();
  }

  public Map<String, String> getConfig() {
    return node.config();
  }

  /** Sets what the function sees as its operator's configuration. */
  public S withConfig(Map<String, String> config) {
    node.config().putAll(config);
    return self();
  }

  /** Sets one entry of what the function sees as its operator's configuration. */
  public S withConfig(String key, String value) {
    node.config().put(key, value);
    return self();
  }

  /** Runs the operator in tasks of its own. */
  public S disableChain() {
    node.disableChain();
    return self();
  }
}
