package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.KnownSplit;
import io.ray.streaming.api.connector.PlanContext;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.runtime.codec.CannotCross;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a job asks of sources and sinks outside of their tasks. */
public final class Connections {

  private Connections() {}

  /** Returns in msgpack what a source or sink says about itself; null for a function. */
  public static byte[] describe(byte[] packed, JobClasses classes) {
    FunctionSpec spec = FunctionSpec.read(packed);
    classes.enter();
    if (!Functions.isConnector(spec, classes)) {
      return null;
    }
    Object connector = Functions.make(spec, classes);
    if (connector instanceof Source<?, ?> source) {
      Duration interval = source.discoveryInterval();
      Map<String, Object> said = new LinkedHashMap<>();
      said.put("bounded", source.bounded());
      said.put("splits_end", source.splitsEnd());
      said.put("interval", interval == null ? null : interval.toNanos() / 1e9);
      return Connecting.pack(said);
    }
    return Connecting.pack(Map.of("two_phase", connector instanceof TwoPhaseSink));
  }

  /**
   * Lists the splits of a source.
   *
   * @param known what is known of before: a map from ids to [payload, position, ended]
   * @return a list of [id, payload]
   */
  @SuppressWarnings("unchecked")
  public static byte[] splits(byte[] packed, JobClasses classes, int parallelism, byte[] known) {
    FunctionSpec spec = FunctionSpec.read(packed);
    classes.enter();
    Source<?, ?> source = (Source<?, ?>) Functions.make(spec, classes);
    Map<String, KnownSplit> before = new LinkedHashMap<>();
    ((Map<String, List<?>>) Connecting.unpack(known)).forEach((id, split) -> before.put(
        id,
        new KnownSplit(
            new Split(id, (Map<String, Object>) split.get(0)), split.get(1), (boolean) split.get(2))));
    List<Split> found;
    try {
      found = source.splits(new PlanContext(parallelism, before));
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), source.getClass().getName() + ".splits", error);
    }
    List<Object> splits = new ArrayList<>();
    found.forEach(split -> splits.add(List.of(split.id(), split.payload())));
    try {
      return Connecting.pack(splits);
    } catch (CannotCross error) {
      throw new CannotCross(
          "a split of " + source.getClass().getName() + " cannot be kept in a checkpoint: " + error.getMessage());
    }
  }

  /** Makes what the writers of a sink have prepared visible. */
  public static void commit(byte[] packed, JobClasses classes, byte[][] prepared) {
    Committing committing = new Committing(packed, classes);
    committing.calling("commit", () -> committing.sink.commit(committing.read(prepared)));
  }

  /** Throws away what the writers of a sink have prepared. */
  public static void abort(byte[] packed, JobClasses classes, byte[][] prepared) {
    Committing committing = new Committing(packed, classes);
    committing.calling("abort", () -> committing.sink.abort(committing.read(prepared)));
  }

  /** Lists what an owner has neither committed nor aborted. */
  public static byte[][] listOpen(byte[] packed, JobClasses classes, String owner) {
    Committing committing = new Committing(packed, classes);
    List<byte[]> open = new ArrayList<>();
    committing.calling(
        "listOpen",
        () -> committing.sink.listOpen(owner).forEach(each -> open.add(committing.committables.written(each))));
    return open.toArray(byte[][]::new);
  }

  private interface Call {
    void run() throws Exception;
  }

  /** A sink apart from its writers. */
  private static final class Committing {
    final TwoPhaseSink<?, Object> sink;
    final Connecting<Object> committables;
    private final FunctionSpec spec;

    @SuppressWarnings("unchecked")
    Committing(byte[] packed, JobClasses classes) {
      spec = FunctionSpec.read(packed);
      classes.enter();
      sink = (TwoPhaseSink<?, Object>) Functions.make(spec, classes);
      committables = new Connecting<>(sink, TwoPhaseSink.class, 1, "a committable");
    }

    List<Object> read(byte[][] prepared) {
      List<Object> read = new ArrayList<>();
      for (byte[] each : prepared) {
        read.add(committables.read(each));
      }
      return read;
    }

    void calling(String method, Call call) {
      try {
        call.run();
      } catch (Throwable error) {
        throw Failure.inFunction(spec.operator(), sink.getClass().getName() + "." + method, error);
      }
    }
  }
}
