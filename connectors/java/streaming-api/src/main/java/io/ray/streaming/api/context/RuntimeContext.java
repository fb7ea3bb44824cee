package io.ray.streaming.api.context;

import io.ray.streaming.api.state.ListState;
import io.ray.streaming.api.state.MapState;
import io.ray.streaming.api.state.ValueState;
import java.util.Map;
import java.util.Objects;

/** What a function may know about the task it runs in, and its state by key. */
public interface RuntimeContext {

  /** Index of this task among the tasks of its operator, from 0. */
  int getTaskIndex();

  /** Number of tasks of the operator. */
  int getTaskParallelism();

  /** The same as {@link #getTaskParallelism}. */
  default int getParallelism() {
    return getTaskParallelism();
  }

  /** A number of this task, the same after a restart; two tasks of a job hardly ever have the same one. */
  default int getTaskId() {
    return Objects.hash(getOperatorName(), getTaskIndex());
  }

  /** Id of the operator, as errors show it. */
  String getOperatorName();

  /** What {@code withConfig} has set on the operator, and in a Java program on the job. */
  Map<String, String> getOpConfig();

  /** The same as {@link #getOpConfig}. */
  default Map<String, String> getConfig() {
    return getOpConfig();
  }

  /** What a Java program's {@code StreamingContext.withConfig} has set on the job. */
  Map<String, String> getJobConfig();

  /** The key of the record that is being worked on; null where records have none. */
  Object getCurrentKey();

  /** One value per key. Only behind {@code keyBy}; found again after a restart by its name. */
  <V> ValueState<V> getValueState(String name);

  /** A list per key. Only behind {@code keyBy}; found again after a restart by its name. */
  <V> ListState<V> getListState(String name);

  /** A map per key. Only behind {@code keyBy}; found again after a restart by its name. */
  <K, V> MapState<K, V> getMapState(String name);
}
