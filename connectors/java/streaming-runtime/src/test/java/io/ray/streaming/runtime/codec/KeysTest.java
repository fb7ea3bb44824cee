package io.ray.streaming.runtime.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class KeysTest {

  /** Shared with Python. */
  private static final Path GOLDEN = Path.of("../../../core/tests/engine/key_groups.json");

  private static int group(Object key) {
    return new Keys().group(Keys.canonical(key), 720);
  }

  @Test
  void groupsAreThoseOfPython() throws IOException {
    Matcher vector = Pattern.compile("\"key\": \"(\\w+)\", \"group\": (\\d+)").matcher(Files.readString(GOLDEN));
    int vectors = 0;
    while (vector.find()) {
      Object key = new MsgpackReader(HexFormat.of().parseHex(vector.group(1))).read();
      assertEquals(Integer.parseInt(vector.group(2)), group(key), vector.group());
      vectors++;
    }
    assertTrue(vectors > 50, "there are " + vectors);
  }

  @Test
  void equalKeysAreOneKey() {
    List<Object> one = List.of(1, 1L, (short) 1, (byte) 1, 1.0, 1.0f, true, BigInteger.ONE);
    for (Object key : one) {
      assertEquals(1L, Keys.canonical(key));
    }
    assertEquals(Keys.canonical(0.0), Keys.canonical(-0.0));
    assertEquals(Keys.canonical(List.of(1, "a")), Keys.canonical(new Object[] {1L, "a"}));
    assertEquals(Keys.canonical(new byte[] {1}), Keys.canonical(new byte[] {1}));
    assertEquals(Keys.canonical("a"), Keys.canonical('a'));
  }

  @Test
  void whatIsNoKeyIsRefusedWithTheValue() {
    for (Object key : List.of(Double.NaN, Map.of(), new Object(), BigInteger.ONE.shiftLeft(64))) {
      assertThrows(IllegalArgumentException.class, () -> Keys.canonical(key));
    }
  }
}
