package io.ray.streaming.runtime.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.Serializable;
import java.math.BigInteger;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ObjectCodecTest {

  record Point(int x, Double y, List<String> names) {}

  static class Base {
    private int own = 2;
    transient int forgotten = 4;
  }

  static class Plain extends Base {
    final String word;
    Plain next;

    Plain(String word) {
      this.word = word;
    }
  }

  interface SerializableSupplier extends Supplier<String>, Serializable {}

  private static Object again(Object value) {
    ObjectWriter writer = new ObjectWriter(1);
    writer.write(value);
    return new ObjectReader(writer.toArray(), ObjectCodecTest.class.getClassLoader()).read();
  }

  static Stream<Object> values() {
    return Stream.of(
        true, (byte) -1, (short) -300, 70_000, -1L, Long.MAX_VALUE, 1.5f, Double.MIN_VALUE, 'ü', "", "text", "ü",
        "😀".repeat(300), "x".repeat(300), "\ud800 survives", new BigInteger("-99999999999999999999"),
        TimeUnit.DAYS, LocalDate.of(2024, 2, 29), new Point(1, null, List.of("a")),
        new ArrayList<>(Arrays.asList(1, null, "a", List.of(2L))), new HashMap<>(Map.of(1, "a")),
        new LinkedHashMap<>(Map.of("k", new Point(1, 2.0, null))), new TreeMap<>(Map.of("b", 1, "a", 2)));
  }

  @ParameterizedTest
  @MethodSource("values")
  void everyTypeComesBackAsItWas(Object value) {
    Object back = again(value);
    assertEquals(value, back);
    if (value.getClass() != Point.class) {
      assertSame(value.getClass(), back.getClass());
    }
  }

  @Test
  void arraysAndNullComeBack() {
    assertNull(again(null));
    assertArrayEquals(new byte[] {1, 2}, (byte[]) again(new byte[] {1, 2}));
    assertArrayEquals(new long[] {1, 2}, (long[]) again(new long[] {1, 2}));
    assertArrayEquals(new String[] {"a", null}, (String[]) again(new String[] {"a", null}));
  }

  @Test
  void plainClassesComeBackFieldByField() {
    Plain one = new Plain("one");
    ((Base) one).own = 3;
    one.next = new Plain("two");
    Plain back = (Plain) again(one);
    assertEquals("one", back.word);
    assertEquals("two", back.next.word);
    assertNull(back.next.next);
    assertEquals(3, ((Base) back).own);
    assertEquals(0, back.forgotten, "what is transient is left behind");
  }

  @Test
  void lambdasComeBackIfTheyAreSerializable() {
    String captured = "captured";
    SerializableSupplier lambda = () -> captured;
    assertEquals("captured", ((Supplier<?>) again(lambda)).get());
    Supplier<String> plain = () -> captured;
    assertThrows(CannotCross.class, () -> again(plain));
  }

  @Test
  void classesAreNamedOnce() {
    ObjectWriter one = new ObjectWriter(1);
    one.write(new Point(1, 1.0, null));
    int first = one.toArray().length;
    one.write(new Point(2, 2.0, null));
    assertEquals(true, one.toArray().length - first < first - Point.class.getName().length() + 2);
  }
}
