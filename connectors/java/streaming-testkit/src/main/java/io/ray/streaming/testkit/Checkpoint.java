package io.ray.streaming.testkit;

/** What a checkpoint holds of a function: {@code snapshot} returns it, {@code restore} takes it. */
public sealed interface Checkpoint permits State, Position {}
