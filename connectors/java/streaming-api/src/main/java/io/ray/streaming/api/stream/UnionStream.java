package io.ray.streaming.api.stream;

import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;

/** The records of several streams in one. */
public class UnionStream<T> extends DataStream<T> {

  /** Makes a view of a union; programs call {@link DataStream#union} instead. */
  public UnionStream(StreamingContext context, OperatorNode node) {
    super(context, node);
  }
}
