"""Compares a folder of Parquet files with what it must hold: check_files.py FOLDER COUNT.

Every file must have the schema; all rows together must be, by seq, those of the events without the views,
with every value of every column. What is expected is made anew from the events' rule: no Kafka, no filter of
anybody's, none of the code under test.
"""

import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from raystreaming_test_support.events import EVENT_SCHEMA, expected_seqs, make_events

folder, count = sys.argv[1], int(sys.argv[2])
schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in EVENT_SCHEMA])
in_files = schema.remove(schema.get_field_index("event_type"))

tables = []
files = 0
for where, _, names in sorted(os.walk(folder)):
    event_type = where.rpartition("event_type=")[2]
    for name in sorted(names):
        if name.startswith(".") or "/." in where[len(folder) :]:
            sys.exit(f"{os.path.join(where, name)}: a file that was never given its name")
        path = os.path.join(where, name)
        table = pq.read_table(path, partitioning=None)
        if not pq.read_schema(path).remove_metadata().equals(in_files):
            sys.exit(f"{path}: its schema is\n{table.schema}\nand not\n{in_files}")
        column = pa.array([event_type] * len(table), pa.string())
        tables.append(table.add_column(3, "event_type", column).replace_schema_metadata())
        files += 1
if not tables:
    sys.exit(f"{folder} has no files")
found = pa.concat_tables(tables).sort_by("seq")

wanted = expected_seqs(count)
seqs = found["seq"].to_pylist()
if seqs != wanted:
    twice, lost = len(seqs) - len(set(seqs)), len(set(wanted) - set(seqs))
    sys.exit(f"{folder}: {len(seqs)} rows instead of {len(wanted)}: {lost} lost, {twice} twice")

# The values, a piece at a time: all two million as Python objects would take gigabytes.
STEP = 100_000
at = 0
for start in range(0, count, STEP):
    rows = [
        row
        for row in map(json.loads, make_events(min(STEP, count - start), start=start))
        if row["event_type"] != "view"
    ]
    part = pa.Table.from_pylist(rows, schema)
    if not found.slice(at, len(part)).equals(part):
        sys.exit(f"{folder}: values differ from those of the events, from seq {start} on")
    at += len(part)
print(json.dumps({"rows": len(wanted), "files": files}))
