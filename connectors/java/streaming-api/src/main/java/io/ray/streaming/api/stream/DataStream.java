package io.ray.streaming.api.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.ProcessFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.graph.Spread;
import io.ray.streaming.api.partition.Partition;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.python.stream.PythonDataStream;
import java.util.ArrayList;
import java.util.List;

/** A stream of records of type T, whose next functions are in Java. */
public class DataStream<T> extends RecordStream<DataStream<T>> {

  /** Makes a view of an operator's results; programs get streams from a context instead. */
  public DataStream(StreamingContext context, OperatorNode node) {
    this(context, node, Spread.UNSAID);
  }

  /** Makes a view of an operator's results, spread in some way. */
  public DataStream(StreamingContext context, OperatorNode node, Spread spread) {
    super(context, node, spread);
  }

  @Override
  protected DataStream<T> view(Spread how) {
    return new DataStream<>(getStreamingContext(), node(), how);
  }

  /** Turns every record into one record. */
  public <R> DataStream<R> map(MapFunction<T, R> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "map", function));
  }

  /** Turns every record into any number of records. */
  public <R> DataStream<R> flatMap(FlatMapFunction<T, R> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "flat_map", function));
  }

  /** Keeps the records for which a function is true. */
  public DataStream<T> filter(FilterFunction<T> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "filter", function));
  }

  /** Works on every record; without state by key, which a {@link KeyDataStream} has. */
  public <R> DataStream<R> process(ProcessFunction<T, R> function) {
    return new DataStream<>(getStreamingContext(), then(Language.JAVA, "process", function));
  }

  /** Puts the records of several streams into one, in no particular order between them. */
  @SafeVarargs
  public final UnionStream<T> union(DataStream<T> stream, DataStream<T>... others) {
    List<DataStream<T>> streams = new ArrayList<>(List.of(stream));
    for (DataStream<T> other : others) {
      streams.add(other);
    }
    return union(streams);
  }

  /** Puts the records of several streams into one, in no particular order between them. */
  public final UnionStream<T> union(List<DataStream<T>> streams) {
    List<Input> inputs = new ArrayList<>(List.of(asInput()));
    streams.forEach(stream -> inputs.add(stream.asInput()));
    return new UnionStream<>(
        getStreamingContext(), getStreamingContext().add(Language.JAVA, "union", null, inputs));
  }

  /** Brings records with equal keys together. */
  public <K> KeyDataStream<K, T> keyBy(KeyFunction<T, K> function) {
    refuseConverted(Language.JAVA, "keyBy");
    return new KeyDataStream<>(getStreamingContext(), then(Language.JAVA, "key_by", function));
  }

  /** Gives every record to the tasks that a function names. */
  public DataStream<T> partitionBy(Partition<T> partition) {
    return partitionBy(Language.JAVA, partition);
  }

  /** Takes the records out of the job, at least once. */
  public DataStreamSink<T> sink(SinkFunction<T> function) {
    return new DataStreamSink<>(getStreamingContext(), then(Language.JAVA, "sink", function));
  }

  /** Takes the records out of the job, exactly once if the sink has two phases. */
  public DataStreamSink<T> sinkTo(Sink<? super T> sink) {
    return new DataStreamSink<>(getStreamingContext(), then(Language.JAVA, "sink", sink));
  }

  /** Returns the same stream as Python sees it. */
  public PythonDataStream asPythonStream() {
    return new PythonDataStream(getStreamingContext(), node(), spread());
  }

  /** Returns the same stream as Python sees it, with records of a type: rows are dicts there. */
  public PythonDataStream asPythonStream(Schema schema) {
    node().setSchema(schema);
    return asPythonStream();
  }

  /** Returns the same stream as Python sees it, with the fields of a record or plain class as dicts. */
  public PythonDataStream asPythonStream(Class<?> type) {
    return asPythonStream(Schema.of(type));
  }
}
