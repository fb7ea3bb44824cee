package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.Function;
import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.runtime.codec.CannotCross;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.Declared;
import java.io.Serializable;
import java.util.Map;

/** One operator of one task: its function, and its state. */
public final class OperatorHost {

  private final FunctionSpec spec;
  private final JobClasses classes;
  private final Function function;
  private final KeyedStates states;
  private final Context context;
  private final Stage stage;

  /**
   * Makes an operator; nothing is open yet.
   *
   * @param packed the function, as {@link FunctionSpec} reads it
   * @param groups number of key groups; 0 where records have no keys
   */
  public OperatorHost(byte[] packed, JobClasses classes, int task, int parallelism, int groups) {
    this(FunctionSpec.read(packed), null, classes, task, parallelism, groups);
  }

  private OperatorHost(
      FunctionSpec spec, Function made, JobClasses classes, int task, int parallelism, int groups) {
    this.spec = spec;
    this.classes = classes;
    function = made == null ? (Function) Functions.make(spec, classes) : made;
    states = groups > 0 ? new KeyedStates(groups) : null;
    context = new Context(spec, task, parallelism, states);
    Conversion conversion = Conversion.to(Declared.argument(function.getClass(), spec.kind().function(), 0));
    stage = Stage.of(spec, function, conversion, states);
  }

  /** Makes an operator of a function object that is there, for tests of functions. */
  public static OperatorHost of(
      Kind kind,
      Function function,
      Map<String, String> config,
      JobClasses classes,
      int task,
      int parallelism,
      int groups) {
    return new OperatorHost(
        FunctionSpec.of(kind, function, config), function, classes, task, parallelism, groups);
  }

  String operator() {
    return spec.operator();
  }

  Stage stage() {
    return stage;
  }

  void follow(Cursor cursor) {
    context.follow(cursor);
    stage.cursor = cursor;
  }

  /** Takes back one group of a snapshot; before {@link #open}. */
  public void restoreGroup(int group, byte[] data) {
    states.restore(group, data, classes.loader());
  }

  /** Takes back what {@link #snapshot} returned; before {@link #open}. */
  public void restore(byte[] state) {
    function.loadCheckpoint((Serializable) new ObjectReader(state, classes.loader()).read());
  }

  /** Opens the function, in the thread that runs it. */
  public void open() {
    classes.enter();
    if (function instanceof RichFunction rich) {
      try {
        rich.open(context);
      } catch (Throwable error) {
        throw Failure.inFunction(spec.operator(), name() + ".open", error);
      }
    }
  }

  /** Returns the changed state by key, as {@link KeyedStates#snapshot} packs it. */
  public byte[] snapshotGroups() {
    try {
      return states.snapshot();
    } catch (CannotCross error) {
      throw new CannotCross(
          "operator '" + spec.operator() + "': its state cannot be put into a checkpoint: " + error.getMessage());
    }
  }

  /** Returns what the function keeps in a checkpoint; null for nothing. */
  public byte[] snapshot() {
    try {
      Serializable kept = function.saveCheckpoint();
      return kept == null ? null : ObjectWriter.bytesOf(kept);
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), name() + ".saveCheckpoint", error);
    }
  }

  /** Has a sink put everything where it survives a crash. */
  public void flush() {
    try {
      ((SinkFunction<?>) function).flush();
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), name() + ".flush", error);
    }
  }

  /** Closes the function. */
  public void close() {
    try {
      function.close();
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), name() + ".close", error);
    } finally {
      JobClasses.leave();
    }
  }

  private String name() {
    return function.getClass().getName();
  }
}
