package io.ray.streaming.api.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.AggregateFunction;
import io.ray.streaming.api.function.impl.ReduceFunction;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.python.stream.PythonKeyDataStream;

/** A stream whose records have keys; equal keys are in one task. */
public class KeyDataStream<K, T> extends DataStream<T> {

  /** Makes a view of an operator's results; programs get streams from a context instead. */
  public KeyDataStream(StreamingContext context, OperatorNode node) {
    super(context, node);
  }

  /** Combines the records of each key; every record yields the updated value of its key. */
  public DataStream<T> reduce(ReduceFunction<T> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "reduce", function));
  }

  /** Keeps an accumulator for each key; every record yields its result. */
  public <A, O> DataStream<O> aggregate(AggregateFunction<T, A, O> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "aggregate", function));
  }

  @Override
  public PythonKeyDataStream asPythonStream() {
    return new PythonKeyDataStream(getStreamingContext(), node());
  }

  @Override
  public PythonKeyDataStream asPythonStream(Schema schema) {
    return (PythonKeyDataStream) super.asPythonStream(schema);
  }

  @Override
  public PythonKeyDataStream asPythonStream(Class<?> type) {
    return (PythonKeyDataStream) super.asPythonStream(type);
  }
}
