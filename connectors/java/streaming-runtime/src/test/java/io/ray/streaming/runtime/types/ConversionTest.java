package io.ray.streaming.runtime.types;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConversionTest {

  record Point(int x, Double y) {
    Point {
      if (x < 0) {
        throw new IllegalArgumentException(x + " is left of everything");
      }
    }
  }

  static class Line {
    String name = "unnamed";
    List<Point> points;
    Line next;
  }

  private static Object as(Class<?> type, Object value) {
    return Conversion.to(type).of(value);
  }

  private static String refused(Class<?> type, Object value) {
    return assertThrows(Conversion.WrongType.class, () -> as(type, value)).getMessage();
  }

  @Test
  void numbersBecomeWhatIsDeclaredWhereNothingIsLost() {
    assertEquals(7, as(Integer.class, 7L));
    assertEquals(7L, as(Long.class, 7));
    assertEquals((short) 7, as(short.class, 7L));
    assertEquals(7.0, as(double.class, 7L));
    assertEquals(1.5, as(Double.class, 1.5f));
    assertEquals(7L, as(Long.class, 7.0));
    assertTrue(refused(Integer.class, 1L << 31).startsWith("2147483648 (Long) does not fit the declared Integer"));
    assertTrue(refused(Long.class, 0.5).startsWith("0.5 "));
    assertTrue(refused(Double.class, (1L << 53) + 1).startsWith("9007199254740993 "));
    assertTrue(refused(int.class, null).startsWith("None does not fit integer"));
  }

  @Test
  void rowsBecomeRecordsAndPlainClasses() {
    assertEquals(new Point(1, 2.0), as(Point.class, Map.of("x", 1L, "y", 2L)));
    Line line = (Line) as(Line.class, Map.of(
        "name", "a", "points", List.of(Map.of("x", 1L, "y", 0.5)), "next", Map.of(
            "name", "b", "points", List.of(), "next", new Line())));
    assertEquals("a", line.name);
    assertEquals(List.of(new Point(1, 0.5)), line.points);
    assertEquals("b", line.next.name);
  }

  @Test
  void whatARowLacksIsSaidWithTheField() {
    assertTrue(refused(Point.class, Map.of("x", 1L)).startsWith("the row has no y, which Point needs; it has [x]"));
    assertTrue(refused(Point.class, Map.of("x", 1L << 40, "y", 1.0)).startsWith("x: 1099511627776 (Long)"));
    assertTrue(refused(Point.class, Map.of("x", -1L, "y", 1.0)).endsWith("-1 is left of everything"));
    assertTrue(refused(Point.class, "text").startsWith("\"text\" (String) does not fit the declared Point"));
  }

  @Test
  void optionsThatAreNotGivenStayAsTheConstructorHasSetThem() {
    Line line = (Line) RowClass.of(Line.class).makeOfOptions(Map.of("points", List.of()));
    assertEquals("unnamed", line.name);
    assertThrows(Conversion.WrongType.class, () -> RowClass.of(Line.class).makeOfOptions(Map.of("nam", "a")));
    assertThrows(Conversion.WrongType.class, () -> RowClass.of(Point.class).makeOfOptions(Map.of("x", 1L)));
  }

  @Test
  void aSchemaTypesValuesOfEitherSide() {
    List<Object> row = List.of(
        "struct",
        false,
        List.of(
            List.of("x", List.of("int32", false)),
            List.of("tags", List.of("list", true, List.of("string", true)))));
    Conversion conversion = Typed.to(Arrays.asList(row.get(0), row.get(1), row.get(2), null), null);
    Map<?, ?> typed = (Map<?, ?>) conversion.of(Map.of("x", 7L, "tags", List.of("a")));
    assertEquals(Map.of("x", 7, "tags", List.of("a")), typed);
    assertEquals(7, ((Map<?, ?>) conversion.of(Map.of("x", 7.0))).get("x"));
    for (Map<?, ?> wrong : List.of(
        Map.of("x", 1L << 31), Map.of(), Map.of("x", 1, "y", 2), Map.of("x", 1, "tags", "a"))) {
      assertThrows(Conversion.WrongType.class, () -> conversion.of(wrong));
    }
  }
}
