"""Fills a new topic with events: load.py SERVERS TOPIC COUNT."""

import sys
import time

from confluent_kafka import KafkaException

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.topics import create_topic, end_offsets

servers, topic, count = sys.argv[1:]
create_topic(servers, topic, partitions=2)
deadline = time.monotonic() + 30
while True:
    try:
        end_offsets(servers, topic)
        break
    except KafkaException:  # The new leader may not know yet that it is one.
        if time.monotonic() > deadline:
            raise
        time.sleep(0.1)
load_topic(servers, topic, int(count), partitions=2, create=False)
print("{}")
