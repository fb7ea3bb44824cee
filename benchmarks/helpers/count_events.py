"""How many events the filter keeps: count_events.py COUNT."""

import json
import sys

from raystreaming_test_support.events import expected_seqs

print(json.dumps({"kept": len(expected_seqs(int(sys.argv[1])))}))
