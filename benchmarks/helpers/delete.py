"""Deletes a topic that load.py has made: delete.py SERVERS TOPIC."""

import sys

from confluent_kafka.admin import AdminClient

servers, topic = sys.argv[1:]
AdminClient({"bootstrap.servers": servers}).delete_topics([topic])[topic].result(30)
print("{}")
