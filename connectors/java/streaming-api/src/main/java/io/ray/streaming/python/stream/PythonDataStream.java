package io.ray.streaming.python.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.FilterFunction;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.function.impl.KeyFunction;
import io.ray.streaming.api.function.impl.MapFunction;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.graph.Spread;
import io.ray.streaming.api.partition.Partition;
import io.ray.streaming.api.schema.Schema;
import io.ray.streaming.api.stream.DataStream;
import io.ray.streaming.api.stream.RecordStream;
import io.ray.streaming.api.stream.StreamSink;
import io.ray.streaming.python.PythonFunction;
import java.util.ArrayList;
import java.util.List;

/**
 * A stream whose next functions are in Python; they are named by their module and name.
 *
 * <p>A function in Java may be given too, as an object: it is that of the same stream as Java sees it.
 */
public class PythonDataStream extends RecordStream<PythonDataStream> {

  /** Makes a view of an operator's results; programs call {@code asPythonStream} instead. */
  public PythonDataStream(StreamingContext context, OperatorNode node) {
    this(context, node, Spread.UNSAID);
  }

  /** Makes a view of an operator's results, spread in some way. */
  public PythonDataStream(StreamingContext context, OperatorNode node, Spread spread) {
    super(context, node, spread);
  }

  @Override
  protected PythonDataStream view(Spread how) {
    return new PythonDataStream(getStreamingContext(), node(), how);
  }

  /** Turns every record into one record. */
  public PythonDataStream map(String moduleName, String functionName) {
    return map(new PythonFunction(moduleName, functionName));
  }

  /** Turns every record into one record. */
  public PythonDataStream map(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "map", function));
  }

  /** Turns every record into one record, by a function in Java. */
  public <T, R> PythonDataStream map(MapFunction<T, R> function) {
    return this.<T>inJava().map(function).asPythonStream();
  }

  /** Turns every record into any number of records. */
  public PythonDataStream flatMap(String moduleName, String functionName) {
    return flatMap(new PythonFunction(moduleName, functionName));
  }

  /** Turns every record into any number of records. */
  public PythonDataStream flatMap(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "flat_map", function));
  }

  /** Turns every record into any number of records, by a function in Java. */
  public <T, R> PythonDataStream flatMap(FlatMapFunction<T, R> function) {
    return this.<T>inJava().flatMap(function).asPythonStream();
  }

  /** Keeps the records for which a function is true. */
  public PythonDataStream filter(String moduleName, String functionName) {
    return filter(new PythonFunction(moduleName, functionName));
  }

  /** Keeps the records for which a function is true. */
  public PythonDataStream filter(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "filter", function));
  }

  /** Keeps the records for which a function in Java is true. */
  public <T> PythonDataStream filter(FilterFunction<T> function) {
    return this.<T>inJava().filter(function).asPythonStream();
  }

  /** Puts the records of several streams into one, in no particular order between them. */
  public final PythonDataStream union(PythonDataStream stream, PythonDataStream... others) {
    List<PythonDataStream> streams = new ArrayList<>(List.of(stream));
    streams.addAll(List.of(others));
    return union(streams);
  }

  /** Puts the records of several streams into one, in no particular order between them. */
  public final PythonDataStream union(List<? extends PythonDataStream> streams) {
    List<Input> inputs = new ArrayList<>(List.of(asInput()));
    streams.forEach(stream -> inputs.add(stream.asInput()));
    return new PythonDataStream(
        getStreamingContext(), getStreamingContext().add(Language.PYTHON, "union", null, inputs));
  }

  /** Brings records with equal keys together. */
  public PythonKeyDataStream keyBy(String moduleName, String functionName) {
    return keyBy(new PythonFunction(moduleName, functionName));
  }

  /** Brings records with equal keys together. */
  public PythonKeyDataStream keyBy(PythonFunction function) {
    refuseConverted(Language.PYTHON, "keyBy");
    return new PythonKeyDataStream(getStreamingContext(), then(Language.PYTHON, "key_by", function));
  }

  /** Brings records with equal keys together, by a function in Java; the operator before it is in Java too. */
  public <T, K> PythonKeyDataStream keyBy(KeyFunction<T, K> function) {
    return this.<T>inJava().keyBy(function).asPythonStream();
  }

  /** Gives every record to the task, or tasks, that a Python function of a record and their number names. */
  public PythonDataStream partitionBy(String moduleName, String functionName) {
    return partitionBy(new PythonFunction(moduleName, functionName));
  }

  /** Gives every record to the task, or tasks, that a Python function of a record and their number names. */
  public PythonDataStream partitionBy(PythonFunction function) {
    return partitionBy(Language.PYTHON, function);
  }

  /** Gives every record to the tasks that a function in Java names; the operator before it is in Java too. */
  public <T> PythonDataStream partitionBy(Partition<T> partition) {
    return partitionBy(Language.JAVA, partition);
  }

  /** Calls a Python function with every record, at least once. */
  public StreamSink<Object> sink(String moduleName, String functionName) {
    return sink(new PythonFunction(moduleName, functionName));
  }

  /** Calls a Python function with every record, at least once. */
  public StreamSink<Object> sink(PythonFunction function) {
    return new StreamSink<>(getStreamingContext(), then(Language.PYTHON, "sink", function));
  }

  /** Takes the records out of the job by a sink in Java, at least once. */
  public <T> StreamSink<T> sink(SinkFunction<T> function) {
    return new StreamSink<>(getStreamingContext(), then(Language.JAVA, "sink", function));
  }

  /** Takes the records out of the job by a sink in Java, exactly once if it has two phases. */
  public <T> StreamSink<T> sinkTo(Sink<T> sink) {
    return new StreamSink<>(getStreamingContext(), then(Language.JAVA, "sink", sink));
  }

  @SuppressWarnings("unchecked")
  private <T> DataStream<T> inJava() {
    return (DataStream<T>) asJavaStream();
  }

  /** Returns the same stream as Java sees it. */
  public DataStream<Object> asJavaStream() {
    return new DataStream<>(getStreamingContext(), node(), spread());
  }

  /** Returns the same stream as Java sees it, with records of a type: rows are maps. */
  @SuppressWarnings("unchecked")
  public <T> DataStream<T> asJavaStream(Schema schema) {
    node().setSchema(schema);
    return (DataStream<T>) asJavaStream();
  }

  /** Returns the same stream as Java sees it, with records of a class: rows are its objects. */
  public <T> DataStream<T> asJavaStream(Class<T> type) {
    return asJavaStream(Schema.of(type));
  }
}
