package io.ray.streaming.api.connector;

import java.util.Map;

/**
 * What {@link Sink#open} may know.
 *
 * @param owner name of the job's sink in the outside world: the same after every restart of the job, and
 *     different from every other job's
 * @param durable whether the job finds its checkpoints again after its process has died; if not, what
 *     {@code owner} has left behind belongs to nobody once the process is gone
 * @param run short id of this start of the job; never used twice
 * @param operator id of the sink's operator, for messages
 * @param task index of this task, from 0
 * @param parallelism number of tasks
 * @param config what {@code withConfig} has set on the operator, and in a Java program on the job
 * @param state what {@link TwoPhaseWriter#snapshot} returned at the checkpoint, else null. Whole numbers
 *     are Long
 */
public record WriterContext(
    String owner,
    boolean durable,
    String run,
    String operator,
    int task,
    int parallelism,
    Map<String, String> config,
    Object state) {}
