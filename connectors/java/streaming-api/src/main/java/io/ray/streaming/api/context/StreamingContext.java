package io.ray.streaming.api.context;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.graph.Spread;
import io.ray.streaming.client.JobClient;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Where a program begins: builds and runs one job. */
public final class StreamingContext {

  private final List<OperatorNode> operators = new ArrayList<>();
  private final Map<String, String> config = new HashMap<>();
  private final List<Unread> unread = new ArrayList<>();
  private volatile JobClient running;

  private StreamingContext() {}

  /** Returns a new context. */
  public static StreamingContext buildContext() {
    return new StreamingContext();
  }

  /**
   * Sets how the job is to run.
   *
   * <p>Settings of the engine begin with {@code raystreaming.}, e.g. {@code
   * raystreaming.checkpoint_dir}; functions see all of it.
   */
  public void withConfig(Map<String, String> jobConfig) {
    config.putAll(jobConfig);
  }

  /**
   * Runs the job to its end.
   *
   * @throws JobException if it fails; the message is the engine's
   * @throws IllegalStateException if a partitioning has no effect, as nobody reads the stream that it returned
   */
  public void execute(String jobName) {
    if (!unread.isEmpty()) {
      throw new IllegalStateException(
          unread.stream().map(Unread::shown).collect(Collectors.joining("; "))
              + ". Such a method leaves the stream as it is and returns a view of it: go on with that, e.g."
              + " stream = stream.broadcast()");
    }
    JobClient client = ServiceLoader.load(JobClient.class)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(
            "nothing runs jobs: put the streaming-runtime jar on the class path"));
    running = client;
    client.run(jobName, Collections.unmodifiableList(operators), Collections.unmodifiableMap(config));
  }

  /** Has a job that another thread executes take a checkpoint and end; the same program goes on later. */
  public void stop() {
    JobClient client = running;
    if (client != null) {
      client.stop();
    }
  }

  /** Notes a partitioning that an operator is to read by; for streams. */
  public void addSpread(Spread spread, String shown) {
    unread.add(new Unread(spread, shown));
  }

  /** Adds an operator; for streams. */
  public OperatorNode add(Language language, String kind, Serializable function, List<Input> inputs) {
    OperatorNode node = new OperatorNode(operators.size(), language, kind, function, inputs);
    operators.add(node);
    unread.removeIf(each -> inputs.stream().anyMatch(input -> input.spread() == each.spread()));
    return node;
  }

  /** A partitioning that no operator reads by; the very object, as others may be equal. */
  private record Unread(Spread spread, String shown) {}
}
