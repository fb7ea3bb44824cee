package io.ray.streaming.connector.hadoop;

/** What files hold. */
enum Format {
  TEXT,
  SEQUENCE;

  static Format of(String name) {
    for (Format format : values()) {
      if (format.name().toLowerCase(java.util.Locale.ROOT).equals(name)) {
        return format;
      }
    }
    throw new IllegalArgumentException("option 'format' must be text or sequence, and is " + name);
  }
}
