package io.ray.streaming.api.connector;

import java.util.Map;

/**
 * A piece of a source.
 *
 * @param id its stable name, unique in the source: a file's path, say
 * @param payload what a reader needs to read it; fixed when the split is found, its end included, so that
 *     a restarted job reads the same records. Numbers come back as Long
 */
public record Split(String id, Map<String, Object> payload) {

  /** Makes a split whose id says everything. */
  public Split(String id) {
    this(id, Map.of());
  }

  /** Returns a whole number of the payload. */
  public long integer(String name) {
    return ((Number) payload.get(name)).longValue();
  }
}
