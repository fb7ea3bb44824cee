package io.ray.streaming.python.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.api.stream.KeyDataStream;
import io.ray.streaming.python.PythonFunction;

/** A stream whose records have keys and whose next functions are in Python. */
public class PythonKeyDataStream extends PythonDataStream {

  /** Makes a view of an operator's results; programs call {@code keyBy} instead. */
  public PythonKeyDataStream(StreamingContext context, OperatorNode node) {
    super(context, node);
  }

  /** Combines the records of each key; every record yields the updated value of its key. */
  public PythonDataStream reduce(String moduleName, String functionName) {
    return reduce(new PythonFunction(moduleName, functionName));
  }

  /** Combines the records of each key; every record yields the updated value of its key. */
  public PythonDataStream reduce(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "reduce", function));
  }

  /** Combines the records of each key by a function in Java; every record yields the updated value. */
  @SuppressWarnings("unchecked")
  public <T> PythonDataStream reduce(ReduceFunction<T> function) {
    return ((KeyDataStream<Object, T>) (KeyDataStream<?, ?>) asJavaStream()).reduce(function).asPythonStream();
  }

  /** The same as {@link #reduce(String, String)}. */
  public PythonDataStream reduceByKey(String moduleName, String functionName) {
    return reduce(moduleName, functionName);
  }

  /** The same as {@link #reduce(ReduceFunction)}. */
  public <T> PythonDataStream reduceByKey(ReduceFunction<T> function) {
    return reduce(function);
  }

  @Override
  public KeyDataStream<Object, Object> asJavaStream() {
    return new KeyDataStream<>(getStreamingContext(), node());
  }

  @Override
  @SuppressWarnings("unchecked")
  public <T> KeyDataStream<Object, T> asJavaStream(Schema schema) {
    node().setSchema(schema);
    return (KeyDataStream<Object, T>) (KeyDataStream<?, ?>) asJavaStream();
  }

  @Override
  public <T> KeyDataStream<Object, T> asJavaStream(Class<T> type) {
    return asJavaStream(Schema.of(type));
  }
}
