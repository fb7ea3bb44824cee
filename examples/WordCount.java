import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.function.impl.FlatMapFunction;
import io.ray.streaming.api.stream.DataStreamSource;
import java.util.Collections;
import java.util.List;

/** Counts words; every record yields the updated count of its word. */
public class WordCount {

  static class WordAndCount {
    public final String word;
    public final int count;

    WordAndCount(String word, int count) {
      this.word = word;
      this.count = count;
    }

    @Override
    public String toString() {
      return word + "=" + count;
    }
  }

  public static void main(String[] args) {
    StreamingContext context = StreamingContext.buildContext();
    List<String> text = Collections.singletonList("hello world hello java");
    DataStreamSource.fromCollection(context, text)
        .flatMap((FlatMapFunction<String, WordAndCount>) (value, collector) -> {
            String[] records = value.split(" ");
            for (String record : records) {
                collector.collect(new WordAndCount(record, 1));
            }
        })
        .filter(pair -> !pair.word.contains("world"))
        .keyBy(pair -> pair.word)
        .reduce((oldValue, newValue) ->
                new WordAndCount(oldValue.word, oldValue.count + newValue.count))
        .sink(result -> System.out.println("sink result=" + result));
    context.execute("testWordCount");
  }
}
