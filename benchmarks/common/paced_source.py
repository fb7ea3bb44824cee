"""A source that gives a record every millisecond."""

import time

from paced import Pace

from raystreaming.connector import Batch, Fetched, Reader, Source, Split, option


class PacedSource(Source):
    records: int = option(doc="How many.")

    @property
    def bounded(self):
        return True

    def plan(self, ctx):
        return [Split("paced")]

    def open(self, ctx):
        return PacedReader(self.records)


class PacedReader(Reader):
    def __init__(self, records):
        self.records = records
        self.pace = None

    def add_splits(self, splits):
        for _, position in splits:
            self.pace = Pace(self.records, position or 0)

    def read(self, limit, deadline):
        if self.pace is None or self.pace.ended:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        time.sleep(min(self.pace.wait(), max(0.0, deadline - time.monotonic())))
        records = self.pace.due()
        return Fetched("paced", Batch(records), self.pace.at, self.pace.ended) if records else None
