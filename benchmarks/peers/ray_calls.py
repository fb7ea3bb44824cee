"""The same between Ray actors, by calls: ray_calls.py rate KIND SIZE FRAMES | hops RECORDS."""

import json
import shutil
import sys
import tempfile
import time
from itertools import cycle, islice

import ray
from frames import frames
from paced import Meter, Pace, to_event

IN_FLIGHT = 500
"""Calls on their way; a tenth as many is as fast, ten times as many is slower."""


@ray.remote(num_cpus=0.1)
class Receiver:
    def __init__(self):
        self.records = 0

    def take(self, batch):
        self.records += len(batch)

    def count(self):
        return self.records


@ray.remote(num_cpus=0.1)
class Sender:
    def run(self, receiver, kind, size, count):
        batches = frames(kind, size)
        ray.get(receiver.take.remote(batches[0]))
        began = time.perf_counter()
        pending = []
        for batch in islice(cycle(batches), count):
            pending.append(receiver.take.remote(batch))
            if len(pending) == IN_FLIGHT:
                ray.get(pending)
                pending.clear()
        ray.get(pending)
        seconds = time.perf_counter() - began
        records = ray.get(receiver.count.remote())
        return {"seconds": seconds, "records": records, "right": records == len(batches[0]) * (count + 1)}


@ray.remote(num_cpus=0.1)
class Pacer:
    def run(self, mapper, count):
        ray.get(mapper.take.remote([]))
        pace, calls = Pace(count), []
        while not pace.ended:
            time.sleep(pace.wait())
            if records := pace.due():
                calls.append(mapper.take.remote(records))
        ray.get(calls)
        return ray.get(mapper.told.remote())


@ray.remote(num_cpus=0.1)
class Mapper:
    def __init__(self, sink):
        self.sink = sink

    def take(self, records):
        self.sink.take.remote(list(map(to_event, records)))

    def told(self):
        return ray.get(self.sink.told.remote())


@ray.remote(num_cpus=0.1)
class Sink:
    def __init__(self):
        self.meter = Meter()

    def take(self, events):
        for event in events:
            self.meter.take(event)

    def told(self):
        return self.meter.told()


folder = tempfile.mkdtemp(prefix="ray-")
try:
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, _temp_dir=folder, log_to_driver=False,
        logging_level="ERROR",
    )  # fmt: skip
    if sys.argv[1] == "rate":
        call = Sender.remote().run.remote(Receiver.remote(), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        call = Pacer.remote().run.remote(Mapper.remote(Sink.remote()), int(sys.argv[2]))
    print(json.dumps(ray.get(call)))
finally:
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
