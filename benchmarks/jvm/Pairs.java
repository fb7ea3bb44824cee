package bench;

import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import java.util.List;

/** The Java half of the jobs that use both languages. */
public class Pairs {

  /** Numbers from 1. */
  public static class Numbers implements SourceFunction<Long> {
    private final long last;
    private long next = 1;

    public Numbers(long last) {
      this.last = last;
    }

    public void init(int parallelism, int index) {}

    public void fetch(SourceContext<Long> ctx) throws Exception {
      for (int i = 0; i < 1_000 && next <= last; i++) {
        ctx.collect(next++);
      }
      if (next > last) {
        ctx.end();
      }
    }
  }

  /** Of a pair of a text and a number, the number plus one. */
  public static class Increment implements MapFunction<List<Object>, List<Object>> {
    public List<Object> map(List<Object> pair) {
      return List.of(pair.get(0), (Long) pair.get(1) + 1);
    }
  }

  public static class NoThrees implements FilterFunction<List<Object>> {
    public boolean filter(List<Object> pair) {
      return (Long) pair.get(1) % 3 != 0;
    }
  }

  public static class PlusOne implements MapFunction<Long, Long> {
    public Long map(Long n) {
      return n + 1;
    }
  }

  /** Adds up what it gets; at its end the sum is in a property of the JVM. */
  public static class Total implements SinkFunction<Long> {
    private long count;
    private long total;

    public void sink(Long n) {
      count++;
      total += n;
    }

    @Override
    public void close() {
      System.setProperty("bench.count", Long.toString(count));
      System.setProperty("bench.total", Long.toString(total));
    }
  }
}
