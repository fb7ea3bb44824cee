package io.ray.streaming.api.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.Function;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.graph.Spread;
import java.io.Serializable;
import java.util.List;

/**
 * A stream in any language: how its records are spread over the tasks of what reads them.
 *
 * <p>Each partitioning returns a view of the same stream: what is called on the view reads the
 * records so spread, and other readers of the stream do not. Without one, records stay in the task
 * of the same index where parallelism is equal, and go round robin where it is not.
 */
public abstract class RecordStream<S extends RecordStream<S>> extends Stream<S> {

  private final Spread spread;

  protected RecordStream(StreamingContext context, OperatorNode node, Spread spread) {
    super(context, node);
    this.spread = spread;
  }

  /** Keeps records in the task of the same index; parallelism must be equal. */
  public S forward() {
    return spread("forward", Spread.by("forward"));
  }

  /** Gives every record to all tasks of the next operator. */
  public S broadcast() {
    return spread("broadcast", Spread.by("broadcast"));
  }

  /** Gives every record to a random task. */
  public S shuffle() {
    return spread("shuffle", Spread.by("shuffle"));
  }

  /** Deals records out in turn, each sender to some tasks of its own: fewer connections. */
  public S rescale() {
    return spread("rescale", Spread.by("rescale"));
  }

  /** Deals records out in turn, each sender to all tasks. */
  public S roundRobin() {
    return spread("roundRobin", Spread.by("round robin"));
  }

  protected S partitionBy(Language language, Function function) {
    refuseConverted(language, "partitionBy");
    return spread("partitionBy", new Spread("custom", function));
  }

  private S spread(String method, Spread how) {
    if (node().kind().equals("key_by")) {
      throw new IllegalStateException(
          method + "() right after keyBy(): the key of a record decides where it goes. Call " + method
              + "() before keyBy(), or behind the operator that follows it");
    }
    getStreamingContext().addSpread(how, "nobody reads what " + method + "() of " + node().kind() + " returned");
    return view(how);
  }

  /** Returns the same stream, spread in another way. */
  protected abstract S view(Spread how);

  protected Spread spread() {
    return spread;
  }

  /** Returns the stream as an operator reads it. */
  public Input asInput() {
    return new Input(node(), spread);
  }

  protected OperatorNode then(Language language, String kind, Serializable function) {
    return getStreamingContext().add(language, kind, function, List.of(asInput()));
  }

  /** Refuses what would choose a task by a function of another language than the sender's. */
  protected void refuseConverted(Language viewed, String method) {
    if (node().language() != viewed) {
      throw new IllegalStateException(
          method + "() right after a conversion: the operator before it, " + node().kind() + ", is in "
              + node().language() + ", which runs no function of " + viewed + ". Map first, e.g. with an"
              + " identity function, then call " + method + "()");
    }
  }
}
