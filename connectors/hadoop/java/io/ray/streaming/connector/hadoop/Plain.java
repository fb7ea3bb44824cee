package io.ray.streaming.connector.hadoop;

import io.ray.streaming.api.connector.TerminalException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.io.ArrayWritable;
import org.apache.hadoop.io.BooleanWritable;
import org.apache.hadoop.io.ByteWritable;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.DoubleWritable;
import org.apache.hadoop.io.FloatWritable;
import org.apache.hadoop.io.IntWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.MapWritable;
import org.apache.hadoop.io.NullWritable;
import org.apache.hadoop.io.ShortWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.VIntWritable;
import org.apache.hadoop.io.VLongWritable;
import org.apache.hadoop.io.Writable;

/** Plain values of Hadoop's writable ones, and the other way round. */
final class Plain {

  private Plain() {}

  /** Returns what a key or value of a sequence file is. */
  static Object of(Writable value) {
    if (value instanceof Text text) {
      return text.toString();
    } else if (value instanceof LongWritable number) {
      return number.get();
    } else if (value instanceof IntWritable number) {
      return number.get();
    } else if (value instanceof DoubleWritable number) {
      return number.get();
    } else if (value instanceof BytesWritable bytes) {
      return bytes.copyBytes();
    } else if (value instanceof NullWritable) {
      return null;
    } else if (value instanceof BooleanWritable flag) {
      return flag.get();
    } else if (value instanceof FloatWritable number) {
      return number.get();
    } else if (value instanceof VLongWritable number) {
      return number.get();
    } else if (value instanceof VIntWritable number) {
      return number.get();
    } else if (value instanceof ShortWritable number) {
      return number.get();
    } else if (value instanceof ByteWritable number) {
      return number.get();
    } else if (value instanceof MapWritable entries) {
      Map<Object, Object> map = new LinkedHashMap<>();
      entries.forEach((key, each) -> map.put(of(key), of(each)));
      return map;
    } else if (value instanceof ArrayWritable array) {
      List<Object> list = new ArrayList<>();
      for (Writable each : array.get()) {
        list.add(of(each));
      }
      return list;
    }
    throw new TerminalException(
        "a " + value.getClass().getName() + " of a sequence file has no plain form: there are those of Text,"
            + " numbers, BytesWritable, BooleanWritable, NullWritable, MapWritable and ArrayWritable");
  }

  /** Returns a value as it is written into sequence files. */
  static Writable written(Object value) {
    if (value == null) {
      return NullWritable.get();
    } else if (value instanceof String text) {
      return new Text(text);
    } else if (value instanceof Long number) {
      return new LongWritable(number);
    } else if (value instanceof Integer number) {
      return new IntWritable(number);
    } else if (value instanceof Double number) {
      return new DoubleWritable(number);
    } else if (value instanceof Float number) {
      return new FloatWritable(number);
    } else if (value instanceof Boolean flag) {
      return new BooleanWritable(flag);
    } else if (value instanceof byte[] bytes) {
      return new BytesWritable(bytes);
    }
    throw new TerminalException(
        "a " + value.getClass().getName() + " cannot be a key or value of a sequence file: map it to text, a"
            + " number, bytes, a boolean or null");
  }
}
