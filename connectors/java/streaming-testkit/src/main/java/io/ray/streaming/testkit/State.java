package io.ray.streaming.testkit;

import java.util.Map;

/**
 * What a checkpoint holds of an operator; a new harness goes on from it.
 *
 * @param function what the function itself keeps; null for nothing
 * @param groups the state by key, by key group
 */
record State(byte[] function, Map<Integer, byte[]> groups) implements Checkpoint {}
