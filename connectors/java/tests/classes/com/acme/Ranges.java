package com.acme;

import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Numbers from 0, in splits of equal length. Says of every record which split it is from. */
public final class Ranges implements Source<List<Object>, Integer> {
  private final int splits;
  private final int size;

  public Ranges(int splits, int size) {
    this.splits = splits;
    this.size = size;
  }

  @Override
  public List<Split> splits(PlanContext context) {
    List<Split> found = new ArrayList<>();
    for (int i = 0; i < splits; i++) {
      found.add(new Split("range-" + i, Map.of("first", i * size, "end", (i + 1) * size)));
    }
    return found;
  }

  @Override
  public SplitReader<List<Object>, Integer> open(Split split, Integer position) {
    int end = (int) split.integer("end");
    return new SplitReader<>() {
      private int next = position == null ? (int) split.integer("first") : position;

      @Override
      public boolean poll(Collector<List<Object>> records, int limit) {
        int stop = Math.min(end, next + Math.min(limit, 20));
        while (next < stop) {
          records.collect(List.of(split.id(), next++));
        }
        return next < end;
      }

      @Override
      public Integer position() {
        return next;
      }

      @Override
      public Long lag() {
        return (long) end - next;
      }
    };
  }
}
