package io.ray.streaming.api;

/** The languages that functions may be written in. */
public enum Language {
  JAVA,
  PYTHON
}
