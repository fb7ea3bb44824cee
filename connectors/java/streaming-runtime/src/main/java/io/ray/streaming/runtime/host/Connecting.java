package io.ray.streaming.runtime.host;

import io.ray.streaming.api.connector.Connector;
import io.ray.streaming.runtime.codec.CannotCross;
import io.ray.streaming.runtime.codec.MsgpackReader;
import io.ray.streaming.runtime.codec.MsgpackWriter;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.Declared;

/** Brings the positions, or committables, of a connector into checkpoints as msgpack, and back as it declares them. */
final class Connecting<V> {

  private final String what;
  private final Conversion conversion;

  /**
   * Looks at what a connector declares.
   *
   * @param generic the interface with the type parameter
   * @param index which parameter, from 0
   * @param what what it is, for messages
   */
  Connecting(Connector connector, Class<?> generic, int index, String what) {
    this.what = what + " of " + connector.getClass().getName();
    this.conversion = Conversion.to(Declared.argument(connector.getClass(), generic, index));
  }

  @SuppressWarnings("unchecked")
  V read(byte[] packed) {
    Object value = unpack(packed);
    return (V) (conversion == null ? value : conversion.of(value));
  }

  byte[] written(Object value) {
    try {
      return value == null ? null : pack(value);
    } catch (CannotCross error) {
      throw new CannotCross(what + " cannot be kept in a checkpoint: " + error.getMessage());
    }
  }

  static Object unpack(byte[] packed) {
    return packed == null ? null : new MsgpackReader(packed).read();
  }

  static byte[] pack(Object value) {
    MsgpackWriter writer = new MsgpackWriter(256);
    writer.write(value);
    return writer.toArray();
  }
}
