package io.ray.streaming.api.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.connector.Source;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.SourceFunction;
import io.ray.streaming.api.function.internal.CollectionSourceFunction;
import io.ray.streaming.api.graph.OperatorNode;
import java.util.Collection;
import java.util.List;

/** Where a stream begins, in Java. */
public class DataStreamSource<T> extends DataStream<T> {

  private DataStreamSource(StreamingContext context, OperatorNode node) {
    super(context, node);
  }

  /** Reads from a source function. */
  public static <T> DataStreamSource<T> fromSource(StreamingContext context, SourceFunction<T> function) {
    return new DataStreamSource<>(context, context.add(Language.JAVA, "from_java", function, List.of()));
  }

  /** Reads from a source, in splits. */
  public static <T> DataStreamSource<T> fromSource(StreamingContext context, Source<T, ?> source) {
    return new DataStreamSource<>(context, context.add(Language.JAVA, "from_java", source, List.of()));
  }

  /** Reads the elements of a collection, in order. */
  public static <T> DataStreamSource<T> fromCollection(StreamingContext context, Collection<T> values) {
    return fromSource(context, new CollectionSourceFunction<>(values));
  }
}
