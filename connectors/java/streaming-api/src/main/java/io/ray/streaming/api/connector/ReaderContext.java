package io.ray.streaming.api.connector;

import java.util.Map;

/**
 * What {@link Source#open} may know.
 *
 * @param operator id of the source's operator, for messages
 * @param task index of this task, from 0
 * @param parallelism number of tasks
 * @param config what {@code withConfig} has set on the operator, and in a Java program on the job
 */
public record ReaderContext(String operator, int task, int parallelism, Map<String, String> config) {}
