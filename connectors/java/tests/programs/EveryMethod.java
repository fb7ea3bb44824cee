import io.ray.streaming.api.ErrorPolicy;
import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.state.ListState;
import io.ray.streaming.api.state.MapState;
import io.ray.streaming.api.state.ValueState;
import io.ray.streaming.api.stream.DataStream;
import io.ray.streaming.api.stream.DataStreamSource;
import io.ray.streaming.python.PythonFunction;
import io.ray.streaming.python.stream.PythonDataStream;
import io.ray.streaming.python.stream.PythonStreamSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** One job with the methods of streams; each branch ends in a file of its name in the folder args[0]. */
public class EveryMethod {

  private static final String PYTHON = "acme_functions";

  private static String folder;

  public static void main(String[] args) {
    folder = args[0];
    StreamingContext context = StreamingContext.buildContext();
    context.withConfig(Map.of("season", "autumn", "unit", "of the job"));
    DataStream<Long> numbers = DataStreamSource.fromCollection(context, List.of(1L, 2L, 3L));
    chained(context, numbers);
    spread(numbers);
    withState(numbers);
    ofPython(context);
    configured(numbers);
    objects(numbers);
    seeds(numbers);
    failing(numbers);
    context.execute("every-method");
  }

  private static <T> SinkFunction<T> file(String name) {
    return new Faults.Lines<>(folder + "/" + name);
  }

  private static void chained(StreamingContext context, DataStream<Long> numbers) {
    DataStream<Object> python = PythonStreamSource
        .from(context, new PythonFunction(PYTHON, "values"))
        .flatMap(PYTHON, "twice")
        .keyBy(PYTHON, "parity")
        .reduceByKey(PYTHON, "add")
        .asJavaStream();
    numbers
        .map(n -> (Object) (n * 100))
        .union(List.of(python))
        .setParallelism(2)
        .map(value -> "value " + value)
        .broadcast()
        .filter(text -> true)
        .setParallelism(2)
        .forward()
        .withName("all of them")
        .disableChain()
        .sink(file("chained"));
  }

  private static void spread(DataStream<Long> numbers) {
    numbers.roundRobin().map(new Faults.Where<>()).setParallelism(3).sink(file("roundRobin"));
    numbers.rescale().map(new Faults.Where<>()).setParallelism(3).sink(file("rescale"));
    numbers
        .flatMap((Long n, Collector<Long> out) -> LongStream.range(0, 20).forEach(out::collect))
        .shuffle()
        .map(new Faults.Where<>())
        .setParallelism(2)
        .sink(file("shuffle"));
  }

  /** Uses every kind of state by key. */
  static class Remember implements ProcessFunction<Long, String>, RichFunction {
    private transient RuntimeContext context;
    private transient ValueState<Long> count;
    private transient ListState<Long> seen;
    private transient MapState<String, Long> sums;

    @Override
    public void open(RuntimeContext context) {
      this.context = context;
      count = context.getValueState("count");
      seen = context.getListState("seen");
      sums = context.getMapState("sums");
    }

    public void process(Long value, Collector<String> collector) {
      count.update(count.get() == null ? 1 : count.get() + 1);
      seen.add(value);
      sums.put("sum", (sums.get("sum") == null ? 0 : sums.get("sum")) + value);
      collector.collect(
          "key " + context.getCurrentKey() + ": " + count.get() + " " + seen.get() + " " + sums.entries());
    }
  }

  static class Mean implements AggregateFunction<Long, long[], Double> {
    public long[] createAccumulator() {
      return new long[2];
    }

    public void add(Long value, long[] sums) {
      sums[0] += value;
      sums[1]++;
    }

    public Double getResult(long[] sums) {
      return (double) sums[0] / sums[1];
    }
  }

  private static void withState(DataStream<Long> numbers) {
    numbers.keyBy(n -> n % 2).process(new Remember()).setParallelism(2).sink(file("process"));
    numbers.keyBy(n -> n % 2).aggregate(new Mean()).setParallelism(2).sink(file("aggregate"));
    numbers
        .process((Long n, Collector<Long> out) -> {
          out.collect(n);
          out.collect(-n);
        })
        .sink(file("stateless"));
  }

  /** Sources and functions that are classes, or objects, of Python. */
  private static void ofPython(StreamingContext context) {
    PythonDataStream ofClass = PythonStreamSource
        .from(context, new PythonFunction(PYTHON, "Countdown")).setParallelism(2);
    PythonDataStream ofObject = PythonStreamSource.from(context, new PythonFunction(PYTHON, "countdown"));
    PythonDataStream ofFunction = PythonStreamSource.from(context, new PythonFunction(PYTHON, "values"));
    ofClass
        .union(ofObject, ofFunction)
        .union(List.of(ofFunction))
        .map(PYTHON, "Tenfold")
        .flatMap(PYTHON, "Twice")
        .filter(PYTHON, "NotTen")
        .keyBy(PYTHON, "ByValue")
        .reduce(PYTHON, "Add")
        .partitionBy(PYTHON, "last")
        .asJavaStream()
        .sink(file("python"));
    ofFunction.map(PYTHON, "twice").sink(PYTHON, "Print");
  }

  /** Shows what the contexts of Java know. */
  static class Told<T> implements MapFunction<T, String>, RichFunction {
    private transient String told;

    @Override
    public void open(RuntimeContext context) {
      told = context.getConfig().get("unit") + " " + context.getOpConfig().get("season")
          + " " + new TreeMap<>(context.getJobConfig())
          + " " + context.getTaskIndex() + "/" + context.getParallelism();
    }

    public String map(T value) {
      return value + ", Java: " + told;
    }
  }

  private static void configured(DataStream<Long> numbers) {
    numbers
        .filter(n -> n == 2)
        .asPythonStream()
        .map(PYTHON, "Told").withConfig("unit", "pears")
        .asJavaStream()
        .roundRobin()
        .map(new Told<>()).setParallelism(2).withConfig(Map.of("unit", "apples"))
        .map(new Told<>())
        .sink(file("config"));
  }

  static class Plus implements MapFunction<Integer, Object> {
    public Object map(Integer value) {
      return value + 1;
    }
  }

  static class Twice implements FlatMapFunction<Long, Long> {
    public void flatMap(Long value, Collector<Long> collector) {
      collector.collect(value);
      collector.collect(value);
    }
  }

  static class NotTwelve implements FilterFunction<Long> {
    public boolean filter(Long value) {
      return value != 12;
    }
  }

  static class Parity implements KeyFunction<Long, Long> {
    public Long keyBy(Long value) {
      return value % 2;
    }
  }

  static class Sum implements ReduceFunction<Long> {
    public Long reduce(Long old, Long value) {
      return old + value;
    }
  }

  /** Functions of Java, given as objects to Python streams. */
  private static void objects(DataStream<Long> numbers) {
    PythonDataStream summed = numbers
        .asPythonStream()
        .map(PYTHON, "plus_ten")
        .map(new Plus())
        .flatMap((Number n, Collector<Long> out) -> out.collect(n.longValue()))
        .flatMap(new Twice())
        .filter(new NotTwelve())
        .keyBy(new Parity())
        .reduceByKey(new Sum())
        .map(PYTHON, "plus_ten");
    summed.sink(file("objects"));
    summed
        .map(x -> x)
        .partitionBy((value, tasks) -> new int[] {tasks - 1})
        .map(new Faults.Where<>())
        .setParallelism(3)
        .sink(file("partitionBy"));
  }

  private static void failing(DataStream<Long> numbers) {
    numbers.map(n -> 6 / (n - 2)).withErrorPolicy(ErrorPolicy.skip()).sink(file("skip"));
    numbers
        .map(n -> 6 / (n - 1))
        .withUid("divides")
        .withErrorPolicy(ErrorPolicy.retry(2, Duration.ofMillis(1), ErrorPolicy.deadLetter(file("letters"))))
        .withResources(1, 0)
        .sink(file("divided"));
    numbers
        .asPythonStream()
        .map(PYTHON, "fails")
        .withUid("mine")
        .withErrorPolicy(ErrorPolicy.deadLetter(new PythonFunction(PYTHON, "show_letter")))
        .sink(PYTHON, "show");
  }

  static class MySink implements SinkFunction<Object> {
    private final SinkFunction<Object> lines = file("seeds");

    public void sink(Object value) throws Exception {
      lines.sink(value);
    }
  }

  static boolean filter(Long n) {
    return n != 2;
  }

  static Long mapper1(Long n) {
    return n * 100;
  }

  static String map(Object value) {
    return "value " + value;
  }

  /** The program of Ray Streaming's document on its cross-language API. */
  private static void seeds(DataStream<Long> ds) {
    ds.filter(EveryMethod::filter)
        .map(EveryMethod::mapper1)
        .asPythonStream()
        .map(PYTHON, "plus_ten")
        .keyBy(PYTHON, "parity")
        .reduceByKey(PYTHON, "add")
        .asJavaStream()
        .map(EveryMethod::map)
        .asPythonStream()
        .sink(new MySink());
  }
}
