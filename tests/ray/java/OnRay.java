import io.ray.streaming.api.context.JobException;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.stream.DataStreamSource;
import java.util.HashMap;
import java.util.Map;

/** Counts numbers by their last digit, on Ray: {@code OnRay FOLDER COUNT FUNCTION [SETTING VALUE]...}. */
public class OnRay {

  public static void main(String[] args) {
    Map<String, String> config = new HashMap<>(Map.of(
        "raystreaming.runtime", "ray",
        "raystreaming.spares", "0",
        "raystreaming.workers", "2",
        "raystreaming.java_memory", "64MB",
        "raystreaming.checkpoint_dir", args[0] + "/state",
        "raystreaming.checkpoint_interval", "200ms"));
    for (int i = 3; i < args.length; i += 2) {
      config.put("raystreaming." + args[i], args[i + 1]);
    }
    StreamingContext context = StreamingContext.buildContext();
    context.withConfig(config);
    byte[] large = new byte[300_000]; // a lambda captures it
    DataStreamSource.fromSource(context, new Digits.Numbers(Long.parseLong(args[1]), args[0]))
        .setParallelism(2)
        .map(n -> new Digits.Counted(n % 10 + large[n.intValue() % large.length], 1, n))
        .keyBy(counted -> counted.digit)
        .reduce((a, b) -> new Digits.Counted(a.digit, a.count + b.count, b.value))
        .setParallelism(2)
        .map(c -> c.digit + " " + c.count + " " + c.value)
        .asPythonStream()
        .map("on_ray_model", args[2])
        .asJavaStream()
        .sink(new Digits.Lines(args[0] + "/out"));
    try {
      context.execute("java-on-ray");
      System.out.println("the program has ended");
    } catch (JobException error) {
      System.out.println("JobException: " + error.getMessage());
      System.out.println("cause: " + error.getCause().getMessage());
    }
  }
}
