import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.state.ValueState;

/** Counts numbers by their remainder, in state that is in the checkpoint. */
public final class Counted {
  public static final class Number implements MapFunction<String, Long> {
    @Override
    public Long map(String line) {
      return Long.parseLong(line);
    }
  }

  public static final class Remainder implements KeyFunction<Long, Long> {
    @Override
    public Long keyBy(Long number) {
      return number % 7;
    }
  }

  public static final class Count implements ProcessFunction<Long, String>, RichFunction {
    private transient ValueState<Long> count;

    @Override
    public void open(RuntimeContext context) {
      count = context.getValueState("count");
    }

    @Override
    public void process(Long number, Collector<String> collector) {
      long now = count.get() == null ? 1 : count.get() + 1;
      count.update(now);
      collector.collect(number % 7 + " " + now + " " + number);
    }
  }
}
