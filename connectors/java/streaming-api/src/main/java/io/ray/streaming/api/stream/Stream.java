package io.ray.streaming.api.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;
import java.io.Serializable;
import java.util.List;
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

  /** Keeps results in the task of the same index. */
  public S forward() {
    node.setPartition("forward");
    return self();
  }

  protected OperatorNode then(Language language, String kind, Serializable function) {
    return context.add(language, kind, function, List.of(node));
  }

  /** Refuses what would choose a task by a function of another language than the sender's. */
  protected void refuseConverted(Language viewed, String method) {
    if (node.language() != viewed) {
      throw new IllegalStateException(
          method + "() right after a conversion: the operator before it, " + node.kind() + ", is in "
              + node.language() + ", which runs no function of " + viewed + ". Map first, e.g. with an"
              + " identity function, then call " + method + "()");
    }
  }
}
