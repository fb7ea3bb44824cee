package io.ray.streaming.api.stream;

import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;

/** The end of a stream. */
public class StreamSink<T> extends Stream<StreamSink<T>> {

  /** Makes the end of a stream; programs call {@code sink} instead. */
  public StreamSink(StreamingContext context, OperatorNode node) {
    super(context, node);
  }
}
