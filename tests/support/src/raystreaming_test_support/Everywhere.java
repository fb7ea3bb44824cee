import io.ray.streaming.api.collector.Collector;
import io.ray.streaming.api.connector.AsyncTwoPhaseWriter;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.Writer;
import io.ray.streaming.api.connector.WriterContext;
import io.ray.streaming.api.context.RuntimeContext;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.partition.Partition;
import io.ray.streaming.api.state.ListState;
import io.ray.streaming.api.state.MapState;
import io.ray.streaming.api.state.ValueState;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import staging.StagedSink;

/** Java in every position of a job that is killed: sources, functions, state, sinks. */
public final class Everywhere {

  private static final int STEP = 4;

  /** Sources are slow until there is a file called "released". */
  private static void pause(String folder) throws InterruptedException {
    if (!Files.exists(Path.of(folder, "released"))) {
      Thread.sleep(5);
    }
  }

  /** Two splits: 0, 4, 8, ... and 1, 5, 9, ... */
  public record Splits(long stop, String folder, int batch) implements Source<Long, Long> {
    @Override
    public List<Split> splits(PlanContext context) {
      return List.of(new Split("zero", Map.of("first", 0)), new Split("one", Map.of("first", 1)));
    }

    @Override
    public SplitReader<Long, Long> open(Split split, Long position) {
      return new SplitReader<>() {
        private long next = position == null ? split.integer("first") : position;

        @Override
        public boolean poll(Collector<Long> records, int limit) throws InterruptedException {
          for (int i = 0; i < Math.min(limit, batch) && next < stop; i++, next += STEP) {
            records.collect(next);
          }
          pause(folder);
          return next < stop;
        }

        @Override
        public Long position() {
          return next;
        }
      };
    }
  }

  /** In two tasks: 2, 6, 10, ... and 3, 7, 11, ... */
  public static final class Numbers implements SourceFunction<Long> {
    private final long stop;
    private final String folder;
    private final int batch;
    private long next = -1;

    public Numbers(long stop, String folder, int batch) {
      this.stop = stop;
      this.folder = folder;
      this.batch = batch;
    }

    @Override
    public void init(int parallelism, int index) {
      next = next < 0 ? index + 2 : next;
    }

    @Override
    public void fetch(SourceContext<Long> ctx) throws Exception {
      for (int i = 0; i < batch && next < stop; i++, next += STEP) {
        ctx.collect(next);
      }
      if (next >= stop) {
        ctx.end();
      }
      pause(folder);
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

  /** No msgpack, and not Serializable. */
  public static final class Counted {
    final long digit;
    final long count;
    final long value;

    Counted(long digit, long count, long value) {
      this.digit = digit;
      this.count = count;
      this.value = value;
    }
  }

  public static final class Natural implements FilterFunction<Long> {
    @Override
    public boolean filter(Long value) {
      return value >= 0;
    }
  }

  /** One of the value, and one that the filter takes out. */
  public static final class WithNegative implements FlatMapFunction<Long, Long> {
    @Override
    public void flatMap(Long value, Collector<Long> collector) {
      collector.collect(-1 - value);
      collector.collect(value);
    }
  }

  public static final class One implements MapFunction<Long, Counted> {
    @Override
    public Counted map(Long value) {
      return new Counted(value % 10, 1, value);
    }
  }

  public static final class Digit implements KeyFunction<Counted, Long> {
    @Override
    public Long keyBy(Counted counted) {
      return counted.digit;
    }
  }

  public static final class Sum implements ReduceFunction<Counted> {
    @Override
    public Counted reduce(Counted a, Counted b) {
      return new Counted(a.digit, a.count + b.count, b.value);
    }
  }

  public static final class Row implements MapFunction<Counted, Map<String, Long>> {
    @Override
    public Map<String, Long> map(Counted counted) {
      return Map.of("digit", counted.digit, "count", counted.count, "value", counted.value);
    }
  }

  /** Writes a digit, how often it came, and the value that came last. */
  public static final class Total implements AggregateFunction<Counted, long[], String> {
    @Override
    public long[] createAccumulator() {
      return new long[3];
    }

    @Override
    public void add(Counted counted, long[] total) {
      total[0] = counted.digit;
      total[1]++;
      total[2] = counted.value;
    }

    @Override
    public String getResult(long[] total) {
      return total[0] + " " + total[1] + " " + total[2];
    }
  }

  public static final class Last implements KeyFunction<Long, Long> {
    @Override
    public Long keyBy(Long value) {
      return value % 10;
    }
  }

  /** Counts in every kind of state; writes as Total does, if all of them say the same. */
  public static final class Remembered implements ProcessFunction<Long, String>, RichFunction {
    private transient ValueState<Long> count;
    private transient ListState<Long> latest;
    private transient MapState<String, Long> parts;

    @Override
    public void open(RuntimeContext context) {
      count = context.getValueState("count");
      latest = context.getListState("latest");
      parts = context.getMapState("parts");
    }

    @Override
    public void process(Long value, Collector<String> collector) {
      long now = count.get() == null ? 1 : count.get() + 1;
      count.update(now);
      latest.add(value);
      int kept = latest.get().size();
      if (kept == 5) {
        latest.update(List.of());
      }
      String part = value / 10 % 2 == 0 ? "even" : "odd";
      parts.put(part, parts.get(part) == null ? 1 : parts.get(part) + 1);
      long sum = parts.entries().values().stream().mapToLong(Long::longValue).sum();
      if (sum != now || kept != (now - 1) % 5 + 1) {
        throw new IllegalStateException("state of three moments: " + now + ", " + kept + ", " + parts.entries());
      }
      collector.collect(value % 10 + " " + now + " " + value);
    }
  }

  public static final class ByDigit implements Partition<Long> {
    @Override
    public int[] partition(Long value, int tasks) {
      return new int[] {(int) (value % 10 % tasks)};
    }
  }

  public static final class Same implements MapFunction<Object, Object> {
    @Override
    public Object map(Object value) {
      return value;
    }
  }

  /** Lines that are appended to a file when they are flushed: what is not, a kill loses. */
  private static final class Buffer {
    private final Path path;
    private final StringBuilder lines = new StringBuilder();

    Buffer(String path) {
      this.path = Path.of(path);
    }

    void add(Object line) {
      lines.append(line).append('\n');
    }

    void flush() throws IOException {
      Files.writeString(path, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      lines.setLength(0);
    }
  }

  /** At least once. */
  public static final class Lines implements SinkFunction<Object> {
    private final Buffer buffer;

    public Lines(String path) {
      buffer = new Buffer(path);
    }

    @Override
    public void sink(Object line) {
      buffer.add(line);
    }

    @Override
    public void flush() throws IOException {
      buffer.flush();
    }
  }

  /** At least once, as a connector. */
  public record OnePhase(String path) implements Sink<Object> {
    @Override
    public Writer<Object> open(WriterContext context) {
      Buffer buffer = new Buffer(path);
      return new Writer<>() {
        @Override
        public void write(Object line) {
          buffer.add(line);
        }

        @Override
        public void flush() throws IOException {
          buffer.flush();
        }
      };
    }
  }

  /** Lines in files that get their names when they are committed. */
  public record Staged(String folder, boolean later) implements StagedSink {
    @Override
    public TwoPhaseWriter<Object, String> open(WriterContext context) throws IOException {
      StagedFiles files = new StagedFiles(staged(prefix(context)).toString(), context.state());
      return later ? new Later(files) : files;
    }
  }

  /** Numbers its files by what it keeps in checkpoints: no name comes twice in a run. */
  private static final class StagedFiles implements TwoPhaseWriter<Object, String> {
    private final String prefix;
    private long epochs;
    private Path file;
    private BufferedWriter out;

    StagedFiles(String prefix, Object state) {
      this.prefix = prefix;
      epochs = state == null ? 0 : (Long) state;
    }

    @Override
    public void write(Object record) throws IOException {
      if (out == null) {
        file = Path.of(prefix + epochs);
        out = Files.newBufferedWriter(file);
      }
      out.write(record + "\n");
    }

    @Override
    public String prepare(long epoch) throws Exception {
      Callable<String> rest = ended();
      return rest == null ? null : rest.call();
    }

    Callable<String> ended() {
      epochs++;
      if (out == null) {
        return null;
      }
      BufferedWriter last = out;
      Path prepared = file;
      out = null;
      return () -> {
        last.close();
        return prepared.getFileName().toString();
      };
    }

    @Override
    public Object snapshot() {
      return epochs;
    }

    @Override
    public void close() throws IOException {
      if (out != null) {
        out.close();
      }
    }
  }

  /** Closes its files in another thread. */
  private record Later(StagedFiles files) implements AsyncTwoPhaseWriter<Object, String> {
    @Override
    public void write(Object record) throws IOException {
      files.write(record);
    }

    @Override
    public Callable<String> prepareLater(long epoch) {
      return files.ended();
    }

    @Override
    public Object snapshot() {
      return files.snapshot();
    }

    @Override
    public void close() throws IOException {
      files.close();
    }
  }
}
