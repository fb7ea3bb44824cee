package io.ray.streaming.runtime.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MsgpackTest {

  private static byte[] written(Object value) {
    MsgpackWriter writer = new MsgpackWriter(1);
    writer.write(value);
    return writer.toArray();
  }

  private static Object again(Object value) {
    return new MsgpackReader(written(value)).read();
  }

  @ParameterizedTest
  @ValueSource(longs = {
    0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295L, 4_294_967_296L, Long.MAX_VALUE, -1, -32, -33, -128,
    -129, -32_768, -32_769, Integer.MIN_VALUE, Integer.MIN_VALUE - 1L, Long.MIN_VALUE
  })
  void integersComeBackAsLong(long number) {
    assertEquals(number, again(number));
    assertEquals(BigInteger.valueOf(number).longValue(), again(BigInteger.valueOf(number)));
    if (number == (int) number) {
      assertEquals(number, again((int) number));
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 00", "127, 7f", "128, cc80", "255, ccff", "256, cd0100", "-32, e0", "-33, d0df", "-129, d1ff7f"})
  void integersAreInTheirShortestForm(long number, String hex) {
    assertEquals(hex, HexFormat.of().formatHex(written(number)));
  }

  @Test
  void integersOfSixtyFourBitsGoOnWithoutSign() {
    BigInteger largest = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
    assertEquals(largest, again(largest));
    assertThrows(CannotCross.class, () -> written(largest.add(BigInteger.ONE)));
    assertThrows(CannotCross.class, () -> written(BigInteger.ONE.shiftLeft(63).negate().subtract(BigInteger.ONE)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 31, 32, 255, 256, 65_535, 65_536})
  void textsBytesAndListsOfEveryLength(int length) {
    for (String letter : List.of("x", "ü", "日", "😀")) {
      assertEquals(letter.repeat(length), again(letter.repeat(length)));
    }
    assertArrayEquals(new byte[length], (byte[]) again(new byte[length]));
    List<Long> list = new ArrayList<>();
    Map<Object, Object> map = new HashMap<>();
    for (long i = 0; i < length; i++) {
      list.add(i);
      map.put(i, "v" + i);
    }
    assertEquals(list, again(list));
    assertEquals(map, again(map));
  }

  @Test
  void mapsHaveKeysOfAnyKindAndNest() {
    Map<Object, Object> map = new LinkedHashMap<>();
    map.put(null, 1.5);
    map.put(true, Arrays.asList(1L, null, List.of("a")));
    map.put(7L, Map.of("a", Map.of()));
    map.put(List.of(1L, 2L), "list");
    assertEquals(map, again(map));
    assertEquals(new ArrayList<>(map.keySet()), new ArrayList<>(((Map<?, ?>) again(map)).keySet()));
  }

  @Test
  void aMapIsNoKeyOfAMap() {
    assertThrows(CannotCross.class, () -> written(Map.of(Map.of("a", 1), 2)));
  }

  @Test
  void arraysAreLists() {
    assertEquals(List.of(1L, 2L), again(new int[] {1, 2}));
    assertEquals(List.of("a", "b"), again(new String[] {"a", "b"}));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\ud800", "a\udc00", "\ud800\ud800\udc00", "ü\ud800"})
  void halfOfASurrogatePairIsAnError(String text) {
    String message = assertThrows(CannotCross.class, () -> written(text)).getMessage();
    assertTrue(message.contains("half of a surrogate pair"), message);
  }

  @Test
  void whatIsNoMsgpackIsAnErrorWithItsClass() {
    String message = assertThrows(CannotCross.class, () -> written(new Object())).getMessage();
    assertTrue(message.startsWith("a java.lang.Object cannot go from Java to Python"), message);
  }
}
