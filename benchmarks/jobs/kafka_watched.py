"""The main job with a lambda, noting when its filter gets the first record, and how many it gets."""

import json
import sys
import time

from event_schema import SCHEMA

from raystreaming import StreamingContext

servers, topic, folder, state, first, seen, interval = sys.argv[1:]
began = 0.0
records = 0
with open(seen, "w") as progress:

    def keep(e):
        global began, records
        if not records:
            began = time.time()
            open(first, "w").close()
        records += 1
        if records % 1_000 == 0:
            progress.seek(0)
            progress.write(str(records))
            progress.flush()
        return e["event_type"] != "view"

    ctx = StreamingContext(checkpoint_dir=state, checkpoint_interval=float(interval))
    (
        ctx.read_kafka(
            servers=servers,
            topics=[topic],
            group="bench",
            start="earliest",
            stop="latest",
            format="json",
        )
        .filter(keep)
        .write_files(folder, format="parquet", partition_by=["event_type"], schema=SCHEMA)
    )
    ctx.execute("watched")
with open(first, "w") as note:
    json.dump({"time": began, "records": records}, note)
