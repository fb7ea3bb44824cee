package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.runtime.codec.ObjectReader;
import io.ray.streaming.runtime.codec.ObjectWriter;
import java.io.Serializable;
import java.util.Map;

/** A source function as one task reads it. */
public final class FunctionSourceHost extends SourceHost implements SourceFunction.SourceContext<Object> {

  private final SourceFunction<Object> function;

  /** Makes the function, gives it its position (null for the start), and lets it get ready. */
  public FunctionSourceHost(byte[] packed, JobClasses classes, int task, int parallelism, byte[] position) {
    this(FunctionSpec.read(packed), null, classes, task, parallelism, position);
  }

  @SuppressWarnings("unchecked")
  private FunctionSourceHost(
      FunctionSpec spec,
      SourceFunction<?> made,
      JobClasses classes,
      int task,
      int parallelism,
      byte[] position) {
    super(spec, classes);
    classes.enter();
    function = (SourceFunction<Object>) (made == null ? Functions.make(spec, classes) : made);
    try {
      if (position != null) {
        function.loadCheckpoint((Serializable) new ObjectReader(position, classes.loader()).read());
      }
      if (function instanceof RichFunction rich) {
        rich.open(new Context(spec, task, parallelism, null));
      }
      function.init(parallelism, task);
    } catch (Throwable error) {
      throw failure("init", error);
    }
  }

  /** Makes a source of a function object that is there, for tests of functions. */
  public static FunctionSourceHost of(
      SourceFunction<?> function, JobClasses classes, int task, int parallelism, byte[] position) {
    FunctionSpec spec = FunctionSpec.of(Kind.SOURCE, function, Map.of());
    return new FunctionSourceHost(spec, function, classes, task, parallelism, position);
  }

  @Override
  void fetch(int limit) throws Exception {
    try {
      function.fetch(this);
    } catch (Throwable error) {
      throw failure("fetch", error);
    }
  }

  @Override
  public byte[] position() {
    try {
      Serializable kept = function.saveCheckpoint();
      return kept == null ? null : ObjectWriter.bytesOf(kept);
    } catch (Throwable error) {
      throw failure("saveCheckpoint", error);
    }
  }

  @Override
  void release() throws Exception {
    function.close();
  }

  @Override
  String name() {
    return function.getClass().getName();
  }
}
