package io.ray.streaming.client;

import io.ray.streaming.api.graph.OperatorNode;
import java.util.List;
import java.util.Map;

/** Runs jobs; found by {@code META-INF/services}. */
public interface JobClient {

  /** Runs a job to its end. */
  void run(String jobName, List<OperatorNode> operators, Map<String, String> config);

  /** Has the running job take a checkpoint and end. Called from another thread. */
  void stop();
}
