package io.ray.streaming.api.connector;

/**
 * A split that the job knows from before, as its last checkpoint has it.
 *
 * @param position how far it has been read; null: not at all. Whole numbers are Long
 * @param ended whether it has been read to its end
 */
public record KnownSplit(Split split, Object position, boolean ended) {}
