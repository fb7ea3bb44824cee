package io.ray.streaming.runtime.codec;

/** What begins an object that {@link ObjectWriter} writes. They are in checkpoints: never change one. */
final class Tag {

  static final int NULL = 0;
  static final int FALSE = 1;
  static final int TRUE = 2;
  static final int BYTE = 3;
  static final int SHORT = 4;
  static final int INT = 5;
  static final int LONG = 6;
  static final int FLOAT = 7;
  static final int DOUBLE = 8;
  static final int CHAR = 9;
  static final int STRING = 10;
  static final int BYTES = 11;
  static final int BUFFER = 12;
  static final int BIG = 13;
  static final int LIST = 14;
  static final int MAP = 15;
  static final int LINKED_MAP = 16;
  static final int ARRAY = 17;
  static final int ENUM = 18;
  static final int OBJECT = 19;
  static final int SERIALIZED = 20;
  static final int CHARS = 21;

  private Tag() {}
}
