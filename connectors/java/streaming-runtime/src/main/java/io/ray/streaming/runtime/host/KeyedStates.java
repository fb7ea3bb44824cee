package io.ray.streaming.runtime.host;

import io.ray.streaming.runtime.codec.Keys;
import io.ray.streaming.runtime.codec.MsgpackWriter;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The state of one operator of one task by key, with snapshots by key group.
 *
 * <p>A key has a value for each state name. Changed groups are noted, so that a checkpoint holds
 * only those; now and then it holds all of them, so that old files can go.
 */
final class KeyedStates {

  private static final int DELTAS_BEFORE_FULL = 10;

  private final int groups;
  private final Keys keys = new Keys();
  private final List<Map<Object, Entry>> members = new ArrayList<>();
  private final Map<Object, Entry> entries = new java.util.HashMap<>();
  private final BitSet changed = new BitSet();
  private boolean everything = true;
  private int deltas;

  KeyedStates(int groups) {
    this.groups = groups;
    for (int group = 0; group < groups; group++) {
      members.add(null);
    }
  }

  /** The values of a key, by the name of the state. */
  static final class Entry {
    private final int group;
    final Map<String, Object> values = new LinkedHashMap<>(2);

    Entry(int group) {
      this.group = group;
    }
  }

  Object get(Object key, String name) {
    Entry entry = entries.get(Keys.canonical(key));
    return entry == null ? null : entry.values.get(name);
  }

  /** Returns the entry of a key, made if there is none, to be changed. */
  Entry entry(Object key) {
    Object canonical = Keys.canonical(key);
    Entry entry = entries.get(canonical);
    if (entry == null) {
      entry = new Entry(keys.group(canonical, groups));
      entries.put(canonical, entry);
      members(entry.group).put(canonical, entry);
    }
    changed.set(entry.group);
    return entry;
  }

  /** Sets a value; null removes it. */
  void put(Object key, String name, Object value) {
    Entry entry = entry(key);
    if (value != null) {
      entry.values.put(name, value);
      return;
    }
    Object canonical = Keys.canonical(key);
    entry.values.remove(name);
    if (entry.values.isEmpty()) {
      entries.remove(canonical);
      members(entry.group).remove(canonical);
    }
  }

  private Map<Object, Entry> members(int group) {
    Map<Object, Entry> found = members.get(group);
    if (found == null) {
      found = new LinkedHashMap<>();
      members.set(group, found);
    }
    return found;
  }

  /** Returns msgpack of whether groups that are not here are empty, and the bytes of each group. */
  byte[] snapshot() {
    boolean full = everything || deltas >= DELTAS_BEFORE_FULL || 2 * changed.cardinality() > groups;
    BitSet chosen = changed;
    if (full) {
      chosen = new BitSet();
      for (int group = 0; group < groups; group++) {
        chosen.set(group, members.get(group) != null && !members.get(group).isEmpty());
      }
    }
    Map<Object, Object> packed = new LinkedHashMap<>();
    for (int group = chosen.nextSetBit(0); group >= 0; group = chosen.nextSetBit(group + 1)) {
      packed.put(group, pack(members(group)));
    }
    deltas = full ? 0 : deltas + 1;
    everything = false;
    changed.clear();
    MsgpackWriter writer = new MsgpackWriter(1024);
    writer.write(List.of(full, packed));
    return writer.toArray();
  }

  private static byte[] pack(Map<Object, Entry> group) {
    if (group.isEmpty()) {
      return new byte[0];
    }
    ObjectWriter writer = new ObjectWriter(1024);
    writer.writeSize(group.size());
    group.forEach((key, entry) -> {
      writer.write(key);
      writer.write(entry.values);
    });
    return writer.toArray();
  }

  void restore(int group, byte[] data, ClassLoader loader) {
    if (data.length == 0) {
      return;
    }
    ObjectReader reader = new ObjectReader(data, loader);
    int count = reader.readSize();
    for (int i = 0; i < count; i++) {
      Object key = reader.read();
      Entry entry = new Entry(group);
      ((Map<?, ?>) reader.read()).forEach((name, value) -> entry.values.put((String) name, value));
      entries.put(key, entry);
      members(group).put(key, entry);
    }
  }
}
