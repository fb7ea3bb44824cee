package io.ray.streaming.api.graph;

/**
 * From an operator to one that reads its records.
 *
 * @param from the operator whose records they are
 * @param spread how they get to the tasks
 */
public record Input(OperatorNode from, Spread spread) {}
