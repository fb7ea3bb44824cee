package io.ray.streaming.api.state;

import java.util.List;

/** A list for each key; it speaks of the key of the record that is being worked on. */
public interface ListState<V> {

  /** Returns a copy of the elements, as what is emitted must not change afterwards. */
  List<V> get();

  /** Appends an element. */
  void add(V value);

  /** Replaces all elements; none removes the list. */
  void update(List<V> values);
}
