"""The record of committed files: one file per checkpoint, for readers that want to know more than names.

``_manifests/<owner>-<run>-<checkpoint>.json`` below the sink's path holds one JSON object:

- ``version``: 1.
- ``job``: the name of the job's sink, the same in all runs of the job.
- ``run`` and ``checkpoint``: which checkpoint has published the files.
- ``files``: for each file ``path`` (relative to the sink's path), ``rows`` and ``bytes``.

It is written when all its files are visible, and never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import orjson

from raystreaming_files.staging import Handle, Origin, Staged, Store

FOLDER = "_manifests"


def write_manifests(store: Store, handles: Sequence[Handle]) -> None:
    """Write the manifest of each checkpoint whose files have just been published. Idempotent."""
    published: dict[Origin, list[Staged]] = {}
    for handle in handles:
        published.setdefault(handle.origin, []).extend(handle.files)
    for origin, files in published.items():
        content = {
            "version": 1,
            "job": origin.owner,
            "run": origin.run,
            "checkpoint": origin.epoch,
            "files": [
                {"path": f.final, "rows": f.rows, "bytes": f.size}
                for f in sorted(files, key=lambda f: f.final)
            ],
        }
        name = quote(f"{origin.owner}-{origin.run}", safe=" ")[-180:]
        store.put(
            f"{FOLDER}/{name}-{origin.epoch:08d}.json",
            orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE),
        )
