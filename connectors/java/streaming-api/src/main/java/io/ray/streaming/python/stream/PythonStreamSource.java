package io.ray.streaming.python.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.python.PythonFunction;
import java.util.List;

/** Where a stream begins, in Python. */
public final class PythonStreamSource extends PythonDataStream {

  private PythonStreamSource(StreamingContext context, OperatorNode node) {
    super(context, node);
  }

  /**
   * Reads from a class or object of Python, a {@code SourceFunction} or a {@code Source}, or from what a function
   * returns: one of these, or values.
   */
  public static PythonStreamSource from(StreamingContext context, PythonFunction function) {
    return new PythonStreamSource(context, context.add(Language.PYTHON, "source", function, List.of()));
  }
}
