package io.ray.streaming.python.stream;

import io.ray.streaming.api.Language;
import io.ray.streaming.api.connector.Sink;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.SinkFunction;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.api.stream.DataStream;
import io.ray.streaming.api.stream.Stream;
import io.ray.streaming.api.stream.StreamSink;
import io.ray.streaming.python.PythonFunction;
import java.util.ArrayList;
import java.util.List;

/** A stream whose next functions are in Python; they are named by their module and name. */
public class PythonDataStream extends Stream<PythonDataStream> {

  /** Makes a view of an operator's results; programs call {@code asPythonStream} instead. */
  public PythonDataStream(StreamingContext context, OperatorNode node) {
    super(context, node);
  }

  /** Turns every record into one record. */
  public PythonDataStream map(String moduleName, String functionName) {
    return map(new PythonFunction(moduleName, functionName));
  }

  /** Turns every record into one record. */
  public PythonDataStream map(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "map", function));
  }

  /** Turns every record into any number of records. */
  public PythonDataStream flatMap(String moduleName, String functionName) {
    return flatMap(new PythonFunction(moduleName, functionName));
  }

  /** Turns every record into any number of records. */
  public PythonDataStream flatMap(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "flat_map", function));
  }

  /** Keeps the records for which a function is true. */
  public PythonDataStream filter(String moduleName, String functionName) {
    return filter(new PythonFunction(moduleName, functionName));
  }

  /** Keeps the records for which a function is true. */
  public PythonDataStream filter(PythonFunction function) {
    return new PythonDataStream(getStreamingContext(), then(Language.PYTHON, "filter", function));
  }

  /** Puts the records of several streams into one, in no particular order between them. */
  public final PythonDataStream union(PythonDataStream stream, PythonDataStream... others) {
    List<OperatorNode> inputs = new ArrayList<>(List.of(node(), stream.node()));
    for (PythonDataStream other : others) {
      inputs.add(other.node());
    }
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

  /** Gives every record to all tasks of the next operator. */
  public PythonDataStream broadcast() {
    refuseConverted(Language.PYTHON, "broadcast");
    node().setPartition("broadcast");
    return this;
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

  /** Returns the same stream as Java sees it. */
  public DataStream<Object> asJavaStream() {
    return new DataStream<>(getStreamingContext(), node());
  }
}
