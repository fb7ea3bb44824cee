import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.stream.DataStreamSource;
import java.util.Arrays;

/** Python functions in a Java program, named by their module; these two come with raystreaming. */
public class HybridStream {
  public static void main(String[] args) {
    StreamingContext context = StreamingContext.buildContext();
    DataStreamSource<String> streamSource =
        DataStreamSource.fromCollection(context, Arrays.asList("a", "b", "c"));
    streamSource
        .map(x -> x + x)
        .asPythonStream()
        .map("raystreaming.tests.test_hybrid_stream", "map_func1")
        .filter("raystreaming.tests.test_hybrid_stream", "filter_func1")
        .asJavaStream()
        .sink(value -> System.out.println("HybridStream sink=" + value));
    context.execute("HybridStreamTestJob");
  }
}
