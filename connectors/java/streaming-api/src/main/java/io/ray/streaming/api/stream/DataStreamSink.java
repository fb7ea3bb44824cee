package io.ray.streaming.api.stream;

import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;

/** The end of a stream, in Java. */
public class DataStreamSink<T> extends StreamSink<T> {

  /** Makes the end of a stream; programs call {@code sink} instead. */
  public DataStreamSink(StreamingContext context, OperatorNode node) {
    super(context, node);
  }
}
