import io.ray.streaming.api.ErrorPolicy;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.stream.DataStreamSource;
import io.ray.streaming.python.PythonFunction;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Dead letters into sinks of two phases: {@code Letters FOLDER COUNT BATCH [SETTING VALUE]...}. */
public final class Letters {

  private static final String PYTHON = "letters_model";

  private static Long noSeven(Long n) {
    if (n % 10 == 7) {
      throw new IllegalArgumentException("no sevens");
    }
    return n;
  }

  public static void main(String[] args) {
    String folder = args[0];
    Map<String, String> config = new HashMap<>(Map.of(
        "raystreaming.java_memory", "64MB",
        "raystreaming.checkpoint_dir", folder + "/state",
        "raystreaming.checkpoint_interval", "50ms"));
    for (int i = 3; i < args.length; i += 2) {
      config.put("raystreaming." + args[i], args[i + 1]);
    }
    StreamingContext context = StreamingContext.buildContext();
    context.withConfig(config);
    ErrorPolicy sevens = ErrorPolicy.deadLetterTo(new Everywhere.Staged(folder + "/sevens", true));
    DataStreamSource
        .fromSource(context, new Everywhere.Splits(Long.parseLong(args[1]), folder, Integer.parseInt(args[2])))
        .withResources(Map.of("first", 1.0))
        .disableChain()
        .map(Letters::noSeven)
        .withResources(Map.of("second", 1.0))
        .withErrorPolicy(ErrorPolicy.retry(1, Duration.ZERO, sevens))
        .asPythonStream()
        .map(PYTHON, "no_five")
        .withErrorPolicy(ErrorPolicy.deadLetter(new PythonFunction(PYTHON, "fives")))
        .asJavaStream()
        .sinkTo(new Everywhere.Staged(folder + "/good", false));
    context.execute("letters");
  }
}
