package io.ray.streaming.api.state;

import java.util.List;

/** A list for each key; it speaks of the key of the record that is being worked on. */
public interface ListState<V> {

  /** Returns the elements, none if nothing was added; not to be changed. */
  List<V> get();

  /** Appends an element. */
  void add(V value);

  /** Replaces all elements; none removes the list. */
  void update(List<V> values);
}
