"""Guessing what the messages of a topic are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from raystreaming.connector import ReaderContext
from raystreaming_kafka._arrow import RecordBatch
from raystreaming_kafka.formats import make_decoder

_FRAME = 6
"""Bytes that a message of a schema registry has at least: a zero, the schema's number, and a value."""


@dataclass(frozen=True)
class Guess:
    """What messages seem to be.

    Attributes:
        lines: In words.
        options: Those of `KafkaSource` that read them, each as Python writes its value.
    """

    lines: list[str]
    options: dict[str, str]


def guess(values: Sequence[bytes | None]) -> Guess:
    """Return what messages seem to be."""
    held = [value for value in values if value]
    if not held:
        return Guess(["There is no message with a value in it."], {})
    objects = list(filter(_is_object, held))
    last = f"Of the last {len(held)} messages,"
    if all(value[0] == 0 and len(value) >= _FRAME for value in held):
        lines = [f"{last} all begin with a schema's number: Avro or Protobuf of a registry."]
        return Guess(lines, {"format": '"avro"', "registry": 'SchemaRegistry("http://...")'})
    if objects:
        whole = len(objects) == len(held)
        skipping = {} if whole else {"on_error": '"skip"'}
        lines = [f"{last} {'all' if whole else len(objects)} are JSON objects:", *_columns(objects)]
        return Guess(lines, {"format": '"json"', **skipping})
    if all(map(_is_text, held)):
        return Guess([f"{last} all are text, and none is a JSON object."], {"format": '"string"'})
    return Guess([f"{last} some are neither JSON nor text: they stay bytes."], {})


def _is_object(value: bytes) -> bool:
    try:
        return isinstance(orjson.loads(value), dict)
    except orjson.JSONDecodeError:
        return False


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _columns(objects: list[bytes]) -> list[str]:
    """Return the fields of JSON objects with their types; those that fit no other object do not count."""
    decoder = make_decoder("json", None, "skip", ReaderContext(columnar=True))
    batch: RecordBatch | None = decoder.decode([*objects])
    return [] if batch is None else [f"  {field.name}: {field.type}" for field in batch.schema]
