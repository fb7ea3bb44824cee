"""Fills a new topic with events: load.py SERVERS TOPIC COUNT."""

import sys

from raystreaming_test_support.events import load_topic

servers, topic, count = sys.argv[1:]
load_topic(servers, topic, int(count), partitions=2)
print("{}")
