"""Latency of Pathway, without persistence: pathway_latency.py RECORDS.

Every group of records that is due is committed at once; what a key comes to is given with the latest record.
"""

import sys
import time

import pathway as pw
from paced import Meter, Pace, to_event


class Event(pw.Schema):
    key: str
    due: int
    given: int


class Paced(pw.io.python.ConnectorSubject):
    deletions_enabled = False

    def run(self):
        pace = Pace(int(sys.argv[1]))
        while not pace.ended:
            time.sleep(pace.wait())
            for record in pace.due():
                key, _, due, given = to_event(record)
                self.next(key=key, due=due, given=given)
            self.commit()


def changed(key, row, time, is_addition):
    if is_addition:
        meter.take((row["key"], row["n"], row["due"], row["given"]))


meter = Meter()
events = pw.io.python.read(Paced(), schema=Event, autocommit_duration_ms=5_000)
latest = events.groupby(pw.this.key).reduce(
    pw.this.key,
    n=pw.reducers.count(),
    due=pw.reducers.max(pw.this.due),
    given=pw.reducers.max(pw.this.given),
)
pw.io.subscribe(latest, changed)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
meter.tell()
