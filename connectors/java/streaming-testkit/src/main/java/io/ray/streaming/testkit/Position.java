package io.ray.streaming.testkit;

/**
 * Where a source was.
 *
 * @param kept what it keeps; null for nothing
 */
record Position(byte[] kept) implements Checkpoint {}
