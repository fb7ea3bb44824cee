package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.AsyncTwoPhaseWriter;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.connector.TwoPhaseSink;
import io.ray.streaming.api.connector.TwoPhaseWriter;
import io.ray.streaming.api.connector.Writer;
import io.ray.streaming.api.connector.WriterContext;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.Declared;
import java.util.Map;
import java.util.concurrent.Callable;

/** The writer of a sink in one task. */
public final class SinkHost {

  private final FunctionSpec spec;
  private final JobClasses classes;
  private final Class<?> type;
  private final Conversion conversion;
  private final Connecting<?> committables;
  private final Writer<Object> writer;

  /**
   * Opens the writer.
   *
   * @param context in msgpack, by the names of {@link WriterContext}
   * @param state what {@link #snapshot} returned at the checkpoint, else null
   */
  @SuppressWarnings("unchecked")
  public SinkHost(byte[] packed, JobClasses classes, byte[] context, byte[] state) {
    spec = FunctionSpec.read(packed);
    this.classes = classes;
    classes.enter();
    Sink<Object> sink = (Sink<Object>) Functions.make(spec, classes);
    type = sink.getClass();
    conversion = Conversion.to(Declared.argument(type, Sink.class, 0));
    committables = new Connecting<>(sink, TwoPhaseSink.class, 1, "a committable");
    try {
      writer = sink.open(context((Map<?, ?>) Connecting.unpack(context), spec.config(), state));
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), type.getName() + ".open", error);
    }
  }

  private static WriterContext context(Map<?, ?> fields, Map<String, String> config, byte[] state) {
    return new WriterContext(
        (String) fields.get("owner"),
        (boolean) fields.get("durable"),
        (String) fields.get("run"),
        (String) fields.get("operator"),
        ((Number) fields.get("task")).intValue(),
        ((Number) fields.get("parallelism")).intValue(),
        config,
        Connecting.unpack(state));
  }

  /** Writes records. */
  public void write(Column records) {
    boolean converts = records.fromPython() && conversion != null;
    int size = records.size();
    for (int i = 0; i < size; i++) {
      Object record = records.get(i);
      try {
        writer.write(converts ? conversion.of(record) : record);
      } catch (Throwable error) {
        throw Failure.onRecord(spec.operator(), type, record, error);
      }
    }
  }

  /** Ends an epoch; returns what is to be committed, if there is something. */
  public byte[] prepare(long epoch) {
    classes.enter();
    try {
      if (writer instanceof TwoPhaseWriter<?, ?> twoPhase) {
        return committables.written(twoPhase.prepare(epoch));
      }
      writer.flush();
      return null;
    } catch (Throwable error) {
      throw failure(writer instanceof TwoPhaseWriter ? "prepare" : "flush", error);
    }
  }

  /** Whether {@link #prepareLater} is to be called instead of {@link #prepare}. */
  public boolean preparesLater() {
    return writer instanceof AsyncTwoPhaseWriter;
  }

  /** Ends an epoch; returns the rest of preparing it, if there is something to be committed. */
  public Rest prepareLater(long epoch) {
    classes.enter();
    try {
      Callable<?> rest = ((AsyncTwoPhaseWriter<?, ?>) writer).prepareLater(epoch);
      return rest == null ? null : new Rest(rest);
    } catch (Throwable error) {
      throw failure("prepareLater", error);
    }
  }

  /** What another thread does to prepare an epoch. */
  public final class Rest {
    private final Callable<?> rest;

    private Rest(Callable<?> rest) {
      this.rest = rest;
    }

    /** Returns what is to be committed, if there is something. */
    public byte[] finish() {
      classes.enter();
      try {
        return committables.written(rest.call());
      } catch (Throwable error) {
        throw failure("prepareLater", error);
      } finally {
        JobClasses.leave();
      }
    }
  }

  /** Returns what the writer keeps in a checkpoint; null for nothing. */
  public byte[] snapshot() {
    try {
      Object state = writer instanceof TwoPhaseWriter<?, ?> twoPhase ? twoPhase.snapshot() : null;
      return state == null ? null : Connecting.pack(state);
    } catch (Throwable error) {
      throw failure("snapshot", error);
    }
  }

  /** Closes the writer. */
  public void close() {
    try {
      writer.close();
    } catch (Throwable error) {
      throw failure("close", error);
    } finally {
      JobClasses.leave();
    }
  }

  private Failure failure(String method, Throwable error) {
    return Failure.inFunction(spec.operator(), type.getName() + "." + method, error);
  }
}
