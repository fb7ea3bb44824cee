package io.ray.streaming.runtime.host;

/** Consecutive operators of a chain: takes a batch through all of them in one loop over its records. */
public final class OperatorRun {

  private final OperatorHost[] hosts;
  private final Cursor cursor = new Cursor();
  private final String origin;
  private Column values;
  private Column keys;
  private Column timestamps;
  private int at;
  private boolean outFromPython;
  private Stage.Output output;

  /** Makes a run of open operators. */
  public OperatorRun(OperatorHost[] hosts) {
    this.hosts = hosts;
    for (int i = 0; i < hosts.length; i++) {
      hosts[i].follow(cursor);
      if (i > 0) {
        hosts[i - 1].stage().next = hosts[i].stage();
      }
    }
    origin = hosts[hosts.length - 1].operator();
  }

  /** Takes a batch; keys and timestamps may be null. */
  public void begin(Column values, Column keys, Column timestamps) {
    this.values = values;
    this.keys = keys;
    this.timestamps = timestamps;
    at = 0;
    boolean fromPython = values.fromPython();
    for (OperatorHost host : hosts) {
      host.stage().fromPython(fromPython);
      fromPython &= host.stage().passesValues();
    }
    outFromPython = fromPython;
  }

  /**
   * Works on the batch until it is through, or some results are there.
   *
   * <p>Where a function raises, there are the results of the records before; the next call begins with
   * the record that it raised on, unless {@link #leaveOut} is called.
   *
   * @param limit after so many results the rest of the batch waits for the next call
   * @return whether records wait
   */
  public boolean next(int limit) {
    Stage last = hosts[hosts.length - 1].stage();
    Stage first = hosts[0].stage();
    output = new Stage.Output(last.makesKeys(), timestamps != null);
    output.cursor = cursor;
    last.next = output;
    int size = values.size();
    while (at < size && output.size() < limit) {
      cursor.key = keys == null ? null : keys.get(at);
      cursor.timestamp = timestamps == null ? null : timestamps.get(at);
      int before = output.size();
      try {
        first.accept(values.get(at));
      } catch (Failure failure) {
        output.cut(before);
        throw failure;
      }
      at++;
    }
    if (at == size) {
      values = null;
      keys = null;
      timestamps = null;
      return false;
    }
    return true;
  }

  /** Returns the index of the record that the next call begins with. */
  public int at() {
    return at;
  }

  /** Goes on without that record. */
  public void leaveOut() {
    at++;
  }

  /** Returns the number of results of the last call. */
  public int size() {
    return output.size();
  }

  /** Returns the results of the last call. */
  public Column values() {
    return output.values(origin, outFromPython);
  }

  /** Returns the keys of the results; null if they have none. */
  public Column keys() {
    return output.keys(origin);
  }

  /** Returns the timestamps of the results; null if they have none. */
  public Column timestamps() {
    return output.timestamps(origin);
  }
}
