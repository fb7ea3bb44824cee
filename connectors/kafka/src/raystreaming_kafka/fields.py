"""Records with what comes with a message: key, value, topic, partition, offset, timestamp and headers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from raystreaming.records import is_columnar
from raystreaming_kafka.clients import Metadata, Partition
from raystreaming_kafka.formats import BadRecord, Decoder, Values

KeyFormat: TypeAlias = Literal["bytes", "string"]


class WithMetadata:
    """Makes such records of the values that a decoder makes; a message without a value has the value None.

    Args:
        decoder: Makes the values.
        key_format: What keys become.
        columnar: Whether records are Arrow batches.
    """

    def __init__(self, decoder: Decoder, key_format: KeyFormat, *, columnar: bool) -> None:
        self._decoder = decoder
        self._text_keys = key_format == "string"
        self._bad = decoder.bad
        self._columnar = columnar
        self._struct: Any = None

    def decode(self, values: Values, partition: Partition, metadata: Metadata) -> Any:
        """Return a list or a RecordBatch, None if no record comes of the messages.

        Raises:
            BadRecord: A message cannot be read and `on_error` is "fail".
        """
        keys = self._keys(metadata.keys) if self._text_keys else dict(enumerate(metadata.keys))
        present = [i for i, value in enumerate(values) if value is not None and i in keys]
        at = self._bad.at
        self._bad.at = lambda index: at(present[index])
        try:
            decoded: Any = self._decoder.decode([values[i] for i in present]) if present else None
        except BadRecord as bad:
            raise BadRecord(present[bad.index], bad.value, bad.why) from bad.__cause__
        finally:
            self._bad.at = at
        if decoded is None:
            present = []
        elif self._decoder.kept is not None:
            present = [present[i] for i in self._decoder.kept]
        places = dict(zip(present, range(len(present)), strict=True))
        indexes = [i for i, value in enumerate(values) if i in places or (value is None and i in keys)]
        if not indexes:
            return None
        if self._columnar:
            taken = [places.get(i) for i in indexes]
            return self._batch(decoded, taken, indexes, keys, partition, metadata)
        made = dict(zip(present, decoded or (), strict=True))
        return [
            {
                "key": keys[i],
                "value": made.get(i),
                "topic": partition.topic,
                "partition": partition.number,
                "offset": metadata.offsets[i],
                "timestamp": metadata.timestamps[i],
                "headers": metadata.headers[i],
            }
            for i in indexes
        ]

    def _keys(self, keys: list[bytes | None]) -> dict[int, Any]:
        """Return the keys that can be read, by index."""
        texts: dict[int, str | None] = {}
        for index, key in enumerate(keys):
            try:
                texts[index] = None if key is None else key.decode()
            except UnicodeDecodeError as error:
                self._bad(index, key, f"its key is not UTF-8: {error.reason} at byte {error.start}")
        return texts

    def _batch(
        self,
        decoded: Any,
        taken: list[int | None],
        indexes: list[int],
        keys: dict[int, Any],
        partition: Partition,
        metadata: Metadata,
    ) -> Any:
        import pyarrow as pa

        if decoded is None:
            value = pa.nulls(len(indexes), self._struct or pa.null())
        elif is_columnar(decoded):
            value = decoded.to_struct_array()
            self._struct = value.type
            if None in taken:
                value = value.take(pa.array(taken, pa.int64()))
        else:
            value = pa.array([None if i is None else decoded[i] for i in taken])
        columns = {
            "key": pa.array([keys[i] for i in indexes], pa.string() if self._text_keys else pa.binary()),
            "value": value,
            "topic": pa.array([partition.topic] * len(indexes), pa.string()),
            "partition": pa.array([partition.number] * len(indexes), pa.int32()),
            "offset": pa.array([metadata.offsets[i] for i in indexes], pa.int64()),
            "timestamp": pa.array([metadata.timestamps[i] for i in indexes], pa.int64()),
            "headers": pa.array([metadata.headers[i] for i in indexes], pa.map_(pa.string(), pa.binary())),
        }
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
