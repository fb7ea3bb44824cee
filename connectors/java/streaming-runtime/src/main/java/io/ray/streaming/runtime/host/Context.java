package io.ray.streaming.runtime.host;

import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.state.ListState;
import io.ray.streaming.api.state.MapState;
import io.ray.streaming.api.state.ValueState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What functions are told about their task, and their way to the state. */
final class Context implements RuntimeContext {

  private final String operator;
  private final int task;
  private final int parallelism;
  private final Map<String, String> config;
  private final Map<String, String> jobConfig;
  private final KeyedStates states;
  private Cursor cursor = new Cursor();

  Context(FunctionSpec spec, int task, int parallelism, KeyedStates states) {
    this.operator = spec.operator();
    this.task = task;
    this.parallelism = parallelism;
    this.states = states;
    this.config = spec.config();
    this.jobConfig = spec.jobConfig();
  }

  void follow(Cursor run) {
    cursor = run;
  }

  @Override
  public int getTaskIndex() {
    return task;
  }

  @Override
  public int getTaskParallelism() {
    return parallelism;
  }

  @Override
  public String getOperatorName() {
    return operator;
  }

  @Override
  public Map<String, String> getOpConfig() {
    return config;
  }

  @Override
  public Map<String, String> getJobConfig() {
    return jobConfig;
  }

  @Override
  public Object getCurrentKey() {
    return cursor.key;
  }

  private KeyedStates states() {
    if (states == null) {
      throw new IllegalStateException(
          "operator '" + operator + "' has no state by key: only process, reduce and aggregate behind"
              + " keyBy have");
    }
    return states;
  }

  @Override
  public <V> ValueState<V> getValueState(String name) {
    KeyedStates of = states();
    return new ValueState<>() {
      @Override
      @SuppressWarnings("unchecked")
      public V get() {
        return (V) of.get(cursor.key, name);
      }

      @Override
      public void update(V value) {
        of.put(cursor.key, name, value);
      }
    };
  }

  @Override
  public <V> ListState<V> getListState(String name) {
    ValueState<ArrayList<V>> whole = getValueState(name);
    return new ListState<>() {
      @Override
      public List<V> get() {
        ArrayList<V> list = whole.get();
        return list == null ? new ArrayList<>() : new ArrayList<>(list);
      }

      @Override
      public void add(V value) {
        ArrayList<V> list = whole.get();
        list = list == null ? new ArrayList<>() : list;
        list.add(value);
        whole.update(list);
      }

      @Override
      public void update(List<V> values) {
        whole.update(values.isEmpty() ? null : new ArrayList<>(values));
      }
    };
  }

  @Override
  public <K, V> MapState<K, V> getMapState(String name) {
    ValueState<HashMap<K, V>> whole = getValueState(name);
    return new MapState<>() {
      @Override
      public V get(K key) {
        HashMap<K, V> map = whole.get();
        return map == null ? null : map.get(key);
      }

      @Override
      public void put(K key, V value) {
        HashMap<K, V> map = whole.get();
        map = map == null ? new HashMap<>() : map;
        map.put(key, value);
        whole.update(map);
      }

      @Override
      public void remove(K key) {
        HashMap<K, V> map = whole.get();
        if (map != null && map.remove(key) != null) {
          whole.update(map.isEmpty() ? null : map);
        }
      }

      @Override
      public Map<K, V> entries() {
        HashMap<K, V> map = whole.get();
        return map == null ? new HashMap<>() : new HashMap<>(map);
      }
    };
  }
}
