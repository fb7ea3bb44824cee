"""An element of a channel as buffers, and back: pickle 5 for lists, Arrow IPC for Arrow.

Columns that another language holds travel in the pickle, by their own ``__reduce__``.

The first byte of the first buffer tells what it is, so that nothing else must be sent along. A pickle
starts with 0x80, the other three with a letter.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from raystreaming.errors import TransferError, shown_error, shown_record
from raystreaming.records.batch import Batch, is_columnar, rows_of
from raystreaming.records.frame import Barrier, Element, EndOfInput
from raystreaming.records.opaque import OpaqueColumn

if TYPE_CHECKING:
    import pyarrow as pa

Buffer: TypeAlias = "bytes | bytearray | memoryview"

OUT_OF_BAND = 16_384
"""Bytes from which on a buffer inside a record (a numpy array) is sent as it is, not through the pickle."""

_ARROW = b"A"
_END = b"E"
_BARRIER = struct.Struct("<cQ")


def encode(element: Element) -> list[Buffer]:
    """Return `element` as buffers, the large ones uncopied: they must not change until they are sent.

    Raises:
        TransferError: A record cannot be pickled.
    """
    if isinstance(element, Batch):
        return _encode_arrow(element) if is_columnar(element.values) else _encode_rows(element)
    if isinstance(element, Barrier):
        return [_BARRIER.pack(b"B", element.epoch)]
    return [_END]


def decode(buffers: Sequence[Buffer]) -> Element:
    """Return the element that was encoded; arrays in it use the memory of `buffers`.

    This unpickles: give it only what comes from where code may come from.
    """
    first = buffers[0]
    kind = first[0]
    if kind == pickle.PROTO[0]:
        return Batch(*pickle.loads(first, buffers=buffers[1:]))
    if kind == _ARROW[0]:
        return _decode_arrow(buffers)
    return EndOfInput() if kind == _END[0] else Barrier(_BARRIER.unpack(first)[1])


def _encode_rows(batch: Batch) -> list[Buffer]:
    columns = (batch.values, batch.keys, batch.timestamps)
    try:
        return _pickled(pickle.dumps, columns)
    except TransferError:  # another language has said what is wrong
        raise
    except Exception:  # What an object's own __reduce__ raises can be anything.
        pass
    # Functions, lambdas and classes that no module holds; by value, so it costs more.
    import cloudpickle

    try:
        return _pickled(cloudpickle.dumps, columns)
    except Exception as error:
        raise TransferError(_complaint(batch, cloudpickle.dumps, error)) from error


def _pickled(dumps: Callable[..., bytes], columns: object) -> list[Buffer]:
    outside: list[Buffer] = []

    def keep_inside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < OUT_OF_BAND:
            return True
        outside.append(raw)
        return False

    inside = dumps(columns, protocol=5, buffer_callback=keep_inside)
    return [inside, *outside]


def _complaint(batch: Batch, dumps: Callable[..., bytes], error: Exception) -> str:
    """Return what to say, with the first record that is to blame."""
    advice = (
        "Records between workers are what pickle takes: no locks, open files, generators or connections. "
        "Send what they are made from, or keep both operators in one chain (forward, equal parallelism)"
    )
    columns: list[tuple[str, Iterable[Any]]] = [("record", rows_of(batch.values)), ("key", batch.keys or ())]
    for what, column in columns:
        for value in column:
            try:
                dumps(value)
            except Exception as own:
                name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
                return (
                    f"a {what} of type {name} cannot be sent to another worker: {shown_error(own)}. "
                    f"{advice}. It is {shown_record(value)}"
                )
    return f"records cannot be sent to another worker: {shown_error(error)}. {advice}"


def _encode_arrow(batch: Batch) -> list[Buffer]:
    """Schema and batch as IPC messages, or an IPC stream where there are dictionaries.

    IPC leaves out what a slice does not show. The schema goes with every batch, and is parsed once: that
    costs 2 us a batch on both sides together, a stream 25 us.
    """
    values: Any = batch.values
    keys = batch.keys.detached() if isinstance(batch.keys, OpaqueColumn) else batch.keys
    columns = _ARROW + pickle.dumps((keys, batch.timestamps), protocol=5)
    schema = bytes(values.schema.serialize())
    if _parsed(schema)[1]:
        return [columns, memoryview(_stream(values))]
    return [columns, schema, memoryview(values.serialize())]


def _decode_arrow(buffers: Sequence[Buffer]) -> Batch:
    import pyarrow as pa

    keys, timestamps = pickle.loads(memoryview(buffers[0])[1:])
    if len(buffers) == 2:
        with pa.ipc.open_stream(pa.py_buffer(buffers[1])) as reader:
            values = reader.read_next_batch()
    else:
        schema, _ = _parsed(bytes(buffers[1]))
        values = pa.ipc.read_record_batch(pa.py_buffer(buffers[2]), schema)
    if isinstance(keys, OpaqueColumn):
        keys = keys.attached(values)
    return Batch(values, keys, timestamps)


def _stream(values: pa.RecordBatch) -> pa.Buffer:
    import pyarrow as pa

    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, values.schema) as writer:
        writer.write_batch(values)
    return out.getvalue()


@lru_cache(maxsize=256)
def _parsed(schema: bytes) -> tuple[pa.Schema, bool]:
    """Return a schema, and whether it has dictionaries, which come before the batches in a stream."""
    import pyarrow as pa

    parsed = pa.ipc.read_schema(pa.py_buffer(schema))
    return parsed, any(_has_dictionary(field.type) for field in parsed)


def _has_dictionary(type_: Any) -> bool:
    import pyarrow as pa

    if isinstance(type_, pa.BaseExtensionType):
        return _has_dictionary(type_.storage_type)
    inner = (type_.field(n).type for n in range(type_.num_fields))
    return isinstance(type_, pa.DictionaryType) or any(map(_has_dictionary, inner))
