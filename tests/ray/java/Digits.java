import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What counts numbers by their last digit: a source, functions and a sink. */
public class Digits {

  /** Numbers from 0 with a position; slowly, until there is a file called "released". */
  public static class Numbers implements SourceFunction<Long> {
    private final long stop;
    private final String released;
    private long next = -1;
    private long step;

    public Numbers(long stop, String folder) {
      this.stop = stop;
      this.released = folder + "/released";
    }

    public void init(int parallelism, int index) {
      step = parallelism;
      next = next < 0 ? index : next;
    }

    public void fetch(SourceContext<Long> ctx) throws Exception {
      if (next >= stop) {
        ctx.end();
        return;
      }
      ctx.collect(next);
      next += step;
      if (!Files.exists(Path.of(released))) {
        Thread.sleep(5);
      }
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
  public static class Counted {
    final long digit;
    final long count;
    final long value;

    Counted(long digit, long count, long value) {
      this.digit = digit;
      this.count = count;
      this.value = value;
    }
  }

  /** Appends lines to a file. */
  public static class Lines implements SinkFunction<Object> {
    private final String path;

    public Lines(String path) {
      this.path = path;
    }

    public void sink(Object line) throws IOException {
      Files.writeString(Path.of(path), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }
}
