package io.ray.streaming.api.state;

import java.util.Map;

/** A map for each key; it speaks of the key of the record that is being worked on. */
public interface MapState<K, V> {

  /** Returns the value of an entry, or null. */
  V get(K key);

  /** Sets an entry. */
  void put(K key, V value);

  /** Removes an entry. */
  void remove(K key);

  /** Returns a copy of all entries, as what is emitted must not change afterwards. */
  Map<K, V> entries();
}
