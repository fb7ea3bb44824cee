package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.ReaderContext;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.connector.Split;
import io.ray.streaming.api.connector.SplitReader;
import java.util.Map;

/** One split of a source, as a task reads it. */
public final class SplitHost extends SourceHost {

  private final String name;
  private final Connecting<Object> position;
  private final SplitReader<Object, Object> reader;

  /** Opens a split at a position in msgpack. */
  @SuppressWarnings("unchecked")
  public SplitHost(
      byte[] packed,
      JobClasses classes,
      int task,
      int parallelism,
      String id,
      byte[] payload,
      byte[] position) {
    super(FunctionSpec.read(packed), classes);
    classes.enter();
    Source<Object, Object> source = (Source<Object, Object>) Functions.make(spec, classes);
    name = source.getClass().getName();
    this.position = new Connecting<>(source, Source.class, 1, "a position");
    try {
      Split split = new Split(id, (Map<String, Object>) Connecting.unpack(payload));
      ReaderContext context = new ReaderContext(spec.operator(), task, parallelism, spec.config());
      reader = source.open(split, this.position.read(position), context);
    } catch (Throwable error) {
      throw failure("open", error);
    }
  }

  @Override
  void fetch(int limit) throws Exception {
    try {
      if (!reader.poll(this, limit)) {
        end();
      }
    } catch (Throwable error) {
      throw failure("poll", error);
    }
  }

  @Override
  public byte[] position() {
    try {
      return position.written(reader.position());
    } catch (Throwable error) {
      throw failure("position", error);
    }
  }

  /** Returns how many records are known to wait; -1 if unknown. */
  public long lag() {
    try {
      Long lag = reader.lag();
      return lag == null ? -1 : lag;
    } catch (Throwable error) {
      throw failure("lag", error);
    }
  }

  /** Tells the reader how far a completed checkpoint has come. */
  public void committed(byte[] to) {
    classes.enter();
    try {
      reader.committed(position.read(to));
    } catch (Throwable error) {
      throw failure("committed", error);
    }
  }

  @Override
  void release() throws Exception {
    reader.close();
  }

  @Override
  String name() {
    return name;
  }
}
