import io.ray.streaming.api.context.JobException;

/** Says why there is no word count. */
public class WordCountOrFail {
  public static void main(String[] args) {
    try {
      WordCount.main(args);
    } catch (JobException error) {
      System.out.println(error.getMessage());
    }
  }
}
