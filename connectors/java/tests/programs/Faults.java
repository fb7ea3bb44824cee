import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.JobException;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.graph.Spread;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.api.stream.DataStream;
import io.ray.streaming.api.stream.DataStreamSource;
import io.ray.streaming.runtime.client.EngineClient;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Programs that go wrong, and those that go on: the first argument says which. */
public class Faults {

  static class NotSerializable {}

  /** Numbers for ever, slowly. */
  static class Endless implements SourceFunction<Long> {
    private long next;

    public void init(int parallelism, int index) {}

    public void fetch(SourceContext<Long> ctx) throws Exception {
      ctx.collect(next++);
      Thread.sleep(2);
    }

    @Override
    public Serializable saveCheckpoint() {
      return next;
    }

    @Override
    public void loadCheckpoint(Serializable position) {
      next = (Long) position;
    }
  }

  /** A line per record; with the process that wrote it. */
  static class Lines<T> implements SinkFunction<T> {
    private final String path;

    Lines(String path) {
      this.path = path;
    }

    public void sink(T value) throws IOException {
      String line = ProcessHandle.current().pid() + " " + value + "\n";
      Files.writeString(Path.of(path), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  record Reading(String sensor, Double value) {}

  /** The index of the task that sees a record. */
  static class Where<T> implements MapFunction<T, Integer>, RichFunction {
    private int task;

    @Override
    public void open(RuntimeContext context) {
      task = context.getTaskIndex();
    }

    public Integer map(T value) {
      return task;
    }
  }

  public static void main(String[] args) throws Exception {
    StreamingContext context = StreamingContext.buildContext();
    DataStream<Long> numbers = DataStreamSource.fromCollection(context, Arrays.asList(1L, 2L, 3L));
    try {
      switch (args[0]) {
        case "python" -> numbers.asPythonStream().map("acme_functions", "fails").sink("acme_functions", "show");
        case "java" -> numbers.map(n -> 10 / (n - 2)).sink(n -> {});
        case "capture" -> {
          NotSerializable captured = new NotSerializable();
          numbers.map(n -> captured.hashCode()).sink(n -> {});
        }
        case "module" -> numbers.asPythonStream().map("acme_nothing", "f").sink("acme_functions", "show");
        case "function" -> numbers.asPythonStream().map("acme_functions", "f").sink("acme_functions", "show");
        case "setting" -> {
          context.withConfig(Map.of("raystreaming.checkpoint_intervall", "1s", "other", "x"));
          numbers.sink(n -> {});
        }
        case "partition" -> {
          context = StreamingContext.buildContext();
          DataStream<Integer> where = DataStreamSource
              .fromCollection(context, List.of(0L, 1L, 2L, 3L, 4L, 5L))
              .partitionBy((n, tasks) -> new int[] {(int) (n % tasks)})
              .map(new Where<>()).setParallelism(3)
              .partitionBy((pair, tasks) -> new int[] {pair})
              .map(task -> task).setParallelism(3);
          where.asPythonStream().map("acme_functions", "plus_ten").partitionBy("acme_functions", "last")
              .map("acme_functions", "plus_ten").setParallelism(2)
              .sink("acme_functions", "show");
          where.map(new Where<>()).setParallelism(1).broadcast().map(new Where<>()).setParallelism(2)
              .sink(new Lines<>(args[1]));
        }
        case "schema" -> numbers
            .map(n -> new Reading("s" + n, n / 2.0))
            .asPythonStream(Reading.class)
            .map("acme_functions", "raised")
            .asJavaStream(Reading.class)
            .filter(reading -> !reading.sensor().equals("s2"))
            .sink(new Lines<>(args[1]));
        case "schemas" -> numbers.asPythonStream(Schema.INT32).asJavaStream(Schema.INT64);
        case "keyby" -> numbers.asPythonStream().keyBy("acme_functions", "show");
        case "unread" -> {
          numbers.broadcast();
          numbers.broadcast().map(n -> n).sink(n -> {});
          numbers.map(n -> n).partitionBy((n, tasks) -> new int[] {0}).asPythonStream();
        }
        case "resources" -> numbers.map(n -> n).withResources(Map.of("num_cpus", -1.0)).sink(n -> {});
        case "class" -> numbers.asPythonStream().map("acme_functions", "Needy").sink("acme_functions", "show");
        case "endless" -> context = endless("100ms", args[1], args[2]);
        case "stopped" -> {
          context = endless("1h", args[1], args[2]);
          stopWhen(context, Path.of(args[2]), 100);
        }
        case "early" -> {
          stopBeforeItRuns(args[1]);
          return;
        }
        default -> throw new IllegalArgumentException(args[0]);
      }
      context.execute("faults");
      System.out.println("ended");
    } catch (JobException error) {
      System.out.println("JobException: " + error.getMessage());
      System.out.println("cause: " + (error.getCause() == null ? null : error.getCause().getMessage()));
    } catch (IllegalStateException error) {
      System.out.println("IllegalStateException: " + error.getMessage());
    }
  }

  private static StreamingContext endless(String interval, String state, String path) {
    StreamingContext context = StreamingContext.buildContext();
    context.withConfig(
        Map.of("raystreaming.checkpoint_dir", state, "raystreaming.checkpoint_interval", interval));
    DataStreamSource.fromSource(context, new Endless()).sink(new Lines<>(path));
    return context;
  }

  /** Stops the job from another thread once it has written so many more lines. */
  private static void stopWhen(StreamingContext context, Path path, int more) throws IOException {
    long enough = lines(path) + more;
    Thread stopping = new Thread(() -> {
      try {
        while (lines(path) < enough) {
          Thread.sleep(20);
        }
      } catch (IOException | InterruptedException error) {
        throw new IllegalStateException(error);
      }
      context.stop();
    });
    stopping.setDaemon(true);
    stopping.start();
  }

  private static void stopBeforeItRuns(String path) {
    OperatorNode source = new OperatorNode(0, Language.JAVA, "from_java", new Endless(), List.of());
    List<Input> inputs = List.of(new Input(source, Spread.UNSAID));
    OperatorNode sink = new OperatorNode(1, Language.JAVA, "sink", new Lines<>(path), inputs);
    EngineClient client = new EngineClient();
    client.stop();
    client.run("early", List.of(source, sink), Map.of());
    System.out.println("ended");
  }

  private static long lines(Path path) throws IOException {
    return Files.exists(path) ? Files.readAllLines(path).size() : 0;
  }
}
