"""A thousand records a second, what happens to them, and how long each took: the same for every contender."""

import json
import time

EVERY = 1_000_000
"""Nanoseconds between two records."""
KEYS = 100
SETTLE = 2_000
"""Records at the start that are not counted: everybody is still loading."""

to_event = lambda r: (str(r[0] % KEYS), 1, r[1], r[2])  # noqa: E731 - key, count, due, given
key = lambda e: e[0]  # noqa: E731
add = lambda a, b: (b[0], a[1] + b[1], b[2], b[3])  # noqa: E731


class Pace:
    """Says which records are due. A record is its number, when it was due, and when it was given."""

    def __init__(self, count, at=0):
        self.count = count
        self.at = at
        self.start = time.perf_counter_ns() - at * EVERY

    def due(self):
        """Return what is due and was not given yet."""
        now = time.perf_counter_ns()
        stop = min(self.count, (now - self.start) // EVERY + 1)
        records = [(n, self.start + n * EVERY, now) for n in range(self.at, stop)]
        self.at = max(self.at, stop)
        return records

    def wait(self):
        """Return the seconds until the next record is due."""
        return max(0, self.start + self.at * EVERY - time.perf_counter_ns()) / 1e9

    @property
    def ended(self):
        """Whether all have been given."""
        return self.at >= self.count


class Meter:
    """The sink: notes when each record arrived."""

    def __init__(self):
        self.since_due = []
        self.since_given = []
        self.counts = {}

    def take(self, event):
        """Note a record."""
        now = time.perf_counter_ns()
        self.since_due.append(now - event[2])
        self.since_given.append(now - event[3])
        self.counts[event[0]] = event[1]

    def tell(self):
        """Print `told`."""
        print(json.dumps(self.told()))

    def told(self):
        """Return the latencies in ms, and what verifies the output."""
        told = {"records": len(self.since_due), "counts": sorted(self.counts.items())}
        for name, found in (("due", self.since_due), ("given", self.since_given)):
            counted = sorted(found[SETTLE:] if len(found) > 2 * SETTLE else found)
            for part in (50, 99, 99.9, 100):
                index = min(len(counted) - 1, int(len(counted) * part / 100))
                told[f"{name}_{part:g}"] = counted[index] / 1e6
        return told
