package io.ray.streaming.api.connector;

import java.util.Map;

/**
 * What {@link Source#splits} may know.
 *
 * @param parallelism number of tasks that will read
 * @param known splits of before by their ids: one that is listed again goes on at its position, with the
 *     new payload
 */
public record PlanContext(int parallelism, Map<String, KnownSplit> known) {}
