"""Files of events in the formats of the files connector, written and read by other means than that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

COMPRESSED = {
    "csv": "bz2",
    "arrow": "zstd",
    "avro": "deflate",
    "jsonl": "gzip",
    "text": "zstd",
    "parquet": "zstd",
}
"""The formats, with a compression to write each with."""

LASTING_ROWS = 1_500
"""Rows at which the files end that go on over checkpoints."""

_SUFFIXES = {
    "csv": ".csv",
    "arrow": ".arrow",
    "avro": ".avro",
    "jsonl": ".jsonl.gz",
    "text": ".txt.zst",
    "parquet": ".parquet",
}


def write_files(folder: Path, format: str, events: list[bytes], parts: int) -> None:
    """Write events (JSON) as files of a format."""
    folder.mkdir(parents=True)
    share = -(-len(events) // parts)
    for n in range(parts):
        _write(folder / f"{n}{_SUFFIXES[format]}", format, events[n * share : (n + 1) * share])


def _write(file: Path, format: str, events: list[bytes]) -> None:
    table = pa.Table.from_pylist(list(map(json.loads, events)))
    if format == "arrow":
        with pa.ipc.new_file(file, table.schema) as arrow:
            arrow.write_table(table, 700)
    elif format == "csv":
        pv.write_csv(table, file)
    elif format == "parquet":
        pq.write_table(table, file, row_group_size=700)
    elif format == "avro":
        import fastavro

        kinds = {pa.int64(): "long", pa.float64(): "double", pa.string(): "string"}
        fields = [{"name": f.name, "type": kinds[f.type]} for f in table.schema]
        with open(file, "wb") as out:
            fastavro.writer(out, {"type": "record", "name": "event", "fields": fields}, table.to_pylist())
    else:
        with pa.output_stream(file, compression="detect") as out:
            out.write(b"\n".join(events) + b"\n")


def file_rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file; its name tells the format."""
    if file.suffix == ".parquet":
        return pq.ParquetFile(file).read().to_pylist()
    if file.suffix == ".arrow":
        with pa.OSFile(str(file)) as raw:
            return pa.ipc.open_file(raw).read_all().to_pylist()
    if ".csv" in file.suffixes:
        with pa.input_stream(file, compression="detect") as rows:
            return pv.read_csv(rows).to_pylist()
    if file.suffix == ".avro":
        import fastavro

        with open(file, "rb") as avro:
            return list(fastavro.reader(avro))
    with pa.input_stream(file, compression="detect") as lines:
        return [json.loads(line) for line in lines.read().splitlines()]
