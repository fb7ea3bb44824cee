"""Latency by hand, which is what the machine can do: latency.py RECORDS.

Sleeps until a record is due and calls the functions.
"""

import sys
import time

from paced import Meter, Pace, add, key, to_event

pace, meter, state = Pace(int(sys.argv[1])), Meter(), {}
while not pace.ended:
    time.sleep(pace.wait())
    for record in pace.due():
        event = to_event(record)
        k = key(event)
        if k in state:
            event = add(state[k], event)
        state[k] = event
        meter.take(event)
meter.tell()
