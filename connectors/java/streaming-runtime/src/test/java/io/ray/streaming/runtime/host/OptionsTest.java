package io.ray.streaming.runtime.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ray.streaming.api.connector.Options;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {

  private static Duration every(Object given) {
    return new Options(Map.of("every", given)).duration("every");
  }

  @Test
  void aDurationIsANumberOfSecondsOrATextWithAUnit() {
    assertEquals(Duration.ofSeconds(5), every(5L));
    assertEquals(Duration.ofMillis(500), every(0.5));
    assertEquals(Duration.ofMillis(50), every("50ms"));
    assertEquals(Duration.ofSeconds(90), every(" 1.5 min "));
    assertEquals(Duration.ofHours(2), every("2h"));
    assertEquals(Duration.ofSeconds(7), new Options(Map.of()).duration("every", Duration.ofSeconds(7)));
    assertNull(new Options(Map.of()).duration("every", null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"soon", "5", "0s", "-1s", "5 days", ""})
  void anythingElseIsRefusedWithWhatItIs(String given) {
    String text = assertThrows(IllegalArgumentException.class, () -> every(given)).getMessage();
    assertEquals("option 'every' must be a time like \"5s\", \"500ms\" or \"2m\", and is " + given, text);
    assertThrows(IllegalArgumentException.class, () -> every(0L));
    assertTrue(assertThrows(IllegalArgumentException.class, () -> new Options(Map.of()).duration("every"))
        .getMessage().endsWith("is missing"));
  }
}
