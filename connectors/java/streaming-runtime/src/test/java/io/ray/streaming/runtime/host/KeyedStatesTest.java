package io.ray.streaming.runtime.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ray.streaming.runtime.codec.Keys;
import io.ray.streaming.runtime.codec.MsgpackReader;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KeyedStatesTest {

  private static final int GROUPS = 10;

  /** What a checkpoint keeps: the latest bytes of every group. */
  private final Map<Long, byte[]> kept = new HashMap<>();

  @SuppressWarnings("unchecked")
  private boolean take(KeyedStates states) {
    List<?> packed = (List<?>) new MsgpackReader(states.snapshot()).read();
    boolean full = (boolean) packed.get(0);
    if (full) {
      kept.clear();
    }
    kept.putAll((Map<Long, byte[]>) packed.get(1));
    return full;
  }

  private KeyedStates restored() {
    KeyedStates states = new KeyedStates(GROUPS);
    kept.forEach((group, data) -> states.restore(group.intValue(), data, getClass().getClassLoader()));
    return states;
  }

  private static long group(Object key) {
    return new Keys().group(Keys.canonical(key), GROUPS);
  }

  @Test
  void whatIsPutIsThereForItsKeyAndName() {
    KeyedStates states = new KeyedStates(GROUPS);
    states.put(1, "a", "one");
    states.put("1", "a", "text");
    assertEquals("one", states.get(1L, "a"));
    assertEquals("one", states.get(1.0, "a"));
    assertEquals("text", states.get("1", "a"));
    assertNull(states.get(1, "b"));
    assertNull(states.get(2, "a"));
  }

  @Test
  void snapshotsOfChangedGroupsTogetherHoldEverything() {
    KeyedStates states = new KeyedStates(GROUPS);
    Map<Integer, Integer> expected = new HashMap<>();
    int partial = 0;
    for (int round = 0; round < 40; round++) {
      int key = round * 7 % 23;
      if (round % 5 == 4) {
        states.put(key, "n", null);
        expected.remove(key);
      } else {
        states.put(key, "n", round);
        expected.put(key, round);
      }
      partial += take(states) ? 0 : 1;
      boolean empty = expected.keySet().stream().noneMatch(each -> group(each) == group(key));
      byte[] ofGroup = kept.getOrDefault(group(key), new byte[0]);
      assertEquals(empty, ofGroup.length == 0, "what is kept of a group without keys in round " + round);
      KeyedStates again = restored();
      for (int each = 0; each < 23; each++) {
        assertEquals(expected.get(each), again.get(each, "n"), "key " + each + " in round " + round);
      }
      states = round % 6 == 5 ? again : states; // what was restored changes, too
    }
    assertTrue(partial > 20, "most snapshots hold changed groups only");
  }

  @Test
  void groupsMayBeDealtOutAnew() {
    KeyedStates states = new KeyedStates(GROUPS);
    for (int key = 0; key < 50; key++) {
      states.put(key, "n", key);
    }
    take(states);
    KeyedStates even = new KeyedStates(GROUPS);
    KeyedStates odd = new KeyedStates(GROUPS);
    kept.forEach((group, data) ->
        (group % 2 == 0 ? even : odd).restore(group.intValue(), data, getClass().getClassLoader()));
    for (int key = 0; key < 50; key++) {
      Object here = even.get(key, "n");
      assertEquals(key, here == null ? odd.get(key, "n") : here);
      assertTrue(here == null || odd.get(key, "n") == null, "a key is in one of them");
    }
  }
}
