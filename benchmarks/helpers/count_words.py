"""What the word count must give, counted another way: count_words.py WORDS."""

import hashlib
import json
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from word_data import lines

counts: Counter[str] = Counter()
for line in lines(int(sys.argv[1])):
    counts.update(line.split())
text = repr(sorted(counts.items())).encode()
print(json.dumps({"updates": counts.total(), "counts": hashlib.sha256(text).hexdigest()}))
