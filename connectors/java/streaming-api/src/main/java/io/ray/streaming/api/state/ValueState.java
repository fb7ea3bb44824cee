package io.ray.streaming.api.state;

/** One value for each key; it speaks of the key of the record that is being worked on. */
public interface ValueState<V> {

  /** Returns the value, or null if there is none. */
  V get();

  /** Sets the value; null removes it. */
  void update(V value);
}
