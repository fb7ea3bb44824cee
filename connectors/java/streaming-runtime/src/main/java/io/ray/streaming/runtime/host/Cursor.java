package io.ray.streaming.runtime.host;

/** The record that a run is at: what belongs to it beside its value. */
final class Cursor {
  Object key;
  Object timestamp;
}
