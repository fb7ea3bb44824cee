package io.ray.streaming.runtime.host;

import io.ray.streaming.api.function.RichFunction;
import io.ray.streaming.api.partition.Partition;
import io.ray.streaming.runtime.types.Conversion;
import io.ray.streaming.runtime.types.Declared;
import java.util.Arrays;

/** A partition function of one task: sorts the records of batches by who gets them. */
public final class PartitionHost {

  private final FunctionSpec spec;
  private final Partition<Object> function;
  private final Conversion conversion;

  /** Makes the function and opens it. */
  @SuppressWarnings("unchecked")
  public PartitionHost(byte[] packed, JobClasses classes, int task, int parallelism) {
    spec = FunctionSpec.read(packed);
    function = (Partition<Object>) Functions.make(spec, classes);
    conversion = Conversion.to(Declared.argument(function.getClass(), Partition.class, 0));
    if (function instanceof RichFunction rich) {
      try {
        rich.open(new Context(spec, task, parallelism, null));
      } catch (Throwable error) {
        throw Failure.inFunction(spec.operator(), function.getClass().getName() + ".open", error);
      }
    }
  }

  /** Returns the indices of the records of each task; one that is named twice gets a record once. */
  public int[][] split(Column values, int tasks) {
    int size = values.size();
    int[][] indices = new int[tasks][Math.max(4, 2 * size / tasks)];
    int[] filled = new int[tasks];
    for (int i = 0; i < size; i++) {
      for (int task : choose(values.get(i), values.fromPython(), tasks)) {
        if (filled[task] > 0 && indices[task][filled[task] - 1] == i) {
          continue;
        }
        if (filled[task] == indices[task].length) {
          indices[task] = Arrays.copyOf(indices[task], 2 * filled[task]);
        }
        indices[task][filled[task]++] = i;
      }
    }
    Arrays.setAll(indices, task -> Arrays.copyOf(indices[task], filled[task]));
    return indices;
  }

  private int[] choose(Object value, boolean fromPython, int tasks) {
    try {
      Object typed = fromPython && conversion != null ? conversion.of(value) : value;
      int[] chosen = function.partition(typed, tasks);
      if (!fits(chosen, tasks)) {
        throw new IllegalStateException(
            "it returned " + Arrays.toString(chosen) + "; it must return task indices from 0 to " + (tasks - 1));
      }
      return chosen;
    } catch (Throwable error) {
      throw Failure.onRecord(spec.operator(), function.getClass(), value, error);
    }
  }

  private static boolean fits(int[] chosen, int tasks) {
    if (chosen == null || chosen.length == 0) {
      return false;
    }
    for (int task : chosen) {
      if (task < 0 || task >= tasks) {
        return false;
      }
    }
    return true;
  }

  /** Closes the function. */
  public void close() {
    try {
      function.close();
    } catch (Throwable error) {
      throw Failure.inFunction(spec.operator(), function.getClass().getName() + ".close", error);
    }
  }
}
