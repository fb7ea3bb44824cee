package io.ray.streaming.runtime.client;

import io.ray.streaming.api.ErrorPolicy;
import io.ray.streaming.api.context.JobException;
import io.ray.streaming.api.graph.Input;
import io.ray.streaming.api.graph.OperatorNode;
import io.ray.streaming.client.JobClient;
import io.ray.streaming.runtime.codec.CannotCross;
import io.ray.streaming.runtime.codec.MsgpackReader;
import io.ray.streaming.runtime.codec.MsgpackWriter;
import io.ray.streaming.runtime.codec.ObjectWriter;
import io.ray.streaming.python.PythonFunction;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs a job in the engine, which it starts: {@code python -m raystreaming_java.program}.
 *
 * <p>The Python is that of the property {@code raystreaming.python}, else the first on the PATH. The
 * engine reads the job from its standard input, takes a byte there for the wish to stop, and lives no
 * longer than that is open; what it prints is shown, and how the job ended it writes into a file.
 */
public final class EngineClient implements JobClient {

  private static final int STOPPING_SECONDS = 30;

  private volatile Process engine;
  private boolean sent;
  private boolean stopping;

  @Override
  public void run(String jobName, List<OperatorNode> operators, Map<String, String> config) {
    byte[] job = pack(jobName, operators, config);
    String python = System.getProperty("raystreaming.python", "python3");
    Path result = null;
    Thread ending = new Thread(this::stop);
    try {
      result = Files.createTempFile("raystreaming-", ".result");
      engine = start(python, result);
      Runtime.getRuntime().addShutdownHook(ending);
      send(job);
      int status = engine.waitFor();
      byte[] said = Files.readAllBytes(result);
      if (said.length == 0) {
        throw new JobException(
            "job '" + jobName + "': " + python + " ended with status " + status + " before it could say how the"
                + " job went. What it printed is above; if it knows no raystreaming_java, install it:"
                + " " + python + " -m pip install raystreaming-java, or name another Python with"
                + " -Draystreaming.python=/path/to/python", null);
      }
      Map<?, ?> outcome = (Map<?, ?>) new MsgpackReader(said).read();
      if (outcome.get("error") != null) {
        throw new JobException((String) outcome.get("error"), new PythonError((String) outcome.get("trace")));
      }
    } catch (IOException error) {
      throw new JobException(
          "job '" + jobName + "' cannot be started with " + python + ": " + error.getMessage()
              + ". Name a Python that has raystreaming-java with -Draystreaming.python=/path/to/python",
          error);
    } catch (InterruptedException error) {
      stop();
      Thread.currentThread().interrupt();
    } finally {
      clean(result, ending);
    }
  }

  private static Process start(String python, Path result) throws IOException {
    ProcessBuilder command =
        new ProcessBuilder(python, "-m", "raystreaming_java.program", result.toString())
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    // What this Java has compiled or loaded, an older one could not.
    command.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return command.start();
  }

  private synchronized void send(byte[] job) {
    OutputStream in = engine.getOutputStream();
    byte[] length = {
      (byte) (job.length >> 24), (byte) (job.length >> 16), (byte) (job.length >> 8), (byte) job.length
    };
    try {
      in.write(length);
      in.write(job);
      in.flush();
      sent = true;
      if (stopping) {
        askToStop();
      }
    } catch (IOException error) {
      // It has ended already; its status and what it printed say why.
    }
  }

  private static void clean(Path result, Thread ending) {
    try {
      Runtime.getRuntime().removeShutdownHook(ending);
    } catch (IllegalStateException shuttingDown) {
      // Then it runs already.
    }
    if (result != null) {
      result.toFile().delete();
    }
  }

  @Override
  public void stop() {
    synchronized (this) {
      stopping = true; // where the job has not been sent, `send` asks
      if (sent) {
        askToStop();
      }
    }
    Process process = engine;
    if (process == null) {
      return;
    }
    try {
      if (!process.waitFor(STOPPING_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException error) {
      process.destroyForcibly();
    }
  }

  private void askToStop() {
    try {
      // No signal: Ctrl-C has reached the engine as well, and a second one would end it at once.
      engine.getOutputStream().write(1);
      engine.getOutputStream().flush();
    } catch (IOException error) {
      // It has ended.
    }
  }

  private static byte[] pack(String jobName, List<OperatorNode> operators, Map<String, String> config) {
    List<Object> packed = new ArrayList<>();
    for (OperatorNode operator : operators) {
      packed.add(pack(operator));
    }
    Map<String, Object> job = new LinkedHashMap<>();
    job.put("name", jobName);
    job.put("config", config);
    job.put("classpath", ClassPath.ofProgram());
    job.put("operators", packed);
    MsgpackWriter writer = new MsgpackWriter(4096);
    writer.write(job);
    return writer.toArray();
  }

  private static Map<String, Object> pack(OperatorNode operator) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("language", operator.language().name().toLowerCase(java.util.Locale.ROOT));
    fields.put("kind", operator.kind());
    fields.put("inputs", operator.inputs().stream().map(input -> pack(input, operator)).toList());
    fields.put("parallelism", operator.parallelism());
    fields.put("name", operator.name());
    fields.put("uid", operator.uid());
    fields.put("on_error", pack(operator.errorPolicy(), operator));
    fields.put("resources", operator.resources());
    fields.put("chained", operator.chained());
    fields.put("config", operator.config());
    fields.put("schema", operator.schema() == null ? null : operator.schema().described());
    fields.putAll(pack(operator.function(), operator));
    return fields;
  }

  private static Map<String, Object> pack(Input input, OperatorNode operator) {
    Map<String, Object> fields = new LinkedHashMap<>(pack(input.spread().function(), operator));
    fields.put("from", input.from().id());
    fields.put("partitioning", input.spread().partitioning());
    return fields;
  }

  private static Map<String, Object> pack(ErrorPolicy policy, OperatorNode operator) {
    if (policy == null) {
      return null;
    }
    Map<String, Object> fields = new LinkedHashMap<>(pack(policy.letters(), operator));
    fields.put("retries", policy.retries());
    fields.put("backoff", policy.backoff().toMillis() / 1e3);
    fields.put("then", policy.then());
    return fields;
  }

  private static Map<String, Object> pack(Serializable function, OperatorNode operator) {
    if (function == null) {
      return Map.of();
    }
    if (function instanceof PythonFunction python) {
      return Map.of("function", List.of(python.getModuleName(), python.getFunctionName()));
    }
    checkCompiled(function, operator);
    return Map.of("class", function.getClass().getName(), "object", serialised(function, operator));
  }

  /** Refuses what {@code java Program.java} has compiled into its own memory. */
  private static void checkCompiled(Serializable function, OperatorNode operator) {
    CodeSource source = function.getClass().getProtectionDomain().getCodeSource();
    if (source != null && source.getLocation() != null && source.getLocation().getPath().endsWith(".java")) {
      throw new JobException(
          "operator " + operator.id() + " (" + operator.kind() + "): its function is in "
              + source.getLocation().getPath() + ", which `java` has compiled for itself alone, and the job runs"
              + " elsewhere. Compile it with javac, and run the class", null);
    }
  }

  private static byte[] serialised(Serializable function, OperatorNode operator) {
    try {
      return ObjectWriter.bytesOf(function);
    } catch (CannotCross error) {
      throw new JobException(
          "operator " + operator.id() + " (" + operator.kind() + "): its function cannot travel to the job: "
              + error.getMessage() + ". Let what it captures be Serializable, or make it in open()", error);
    }
  }

  /** The Python traceback of what ended a job. */
  private static final class PythonError extends RuntimeException {
    PythonError(String traceback) {
      super(traceback, null, false, false);
    }
  }
}
