"""Lines to Arrow batches at C speed, with each bad line found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raystreaming_files.arrow import RecordBatch, Schema, pa


def batch_of_lines(
    lines: Sequence[bytes],
    offset: int,
    schema: Schema,
    parse: Callable[[Sequence[bytes]], RecordBatch | None],
    content: Callable[[bytes], bytes | None],
    bad: Callable[[int, bytes], None],
) -> RecordBatch:
    """Return the records of lines.

    Args:
        lines: The lines, without newline.
        offset: Byte of the first.
        schema: That of the batch if no record is left.
        parse: Returns the records of lines, None unless each is exactly one good record.
        content: Returns what of a line is to be parsed; None for a line that holds no record.
        bad: Takes byte and text of a bad line.
    """
    batch = parse(lines)
    if batch is not None:
        return batch
    starts: list[int] = []
    kept: list[bytes] = []
    for line in lines:
        if (text := content(line)) is not None:
            starts.append(offset)
            kept.append(text)
        offset += len(line) + 1
    parts = _halves(kept, starts, parse, bad)
    if not parts:
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def _halves(
    lines: list[bytes],
    starts: list[int],
    parse: Callable[[Sequence[bytes]], RecordBatch | None],
    bad: Callable[[int, bytes], None],
) -> list[RecordBatch]:
    """Parse lines, in halves where they hold bad ones, so that each of those is found."""
    if not lines:
        return []
    batch = parse(lines)
    if batch is not None:
        return [batch]
    if len(lines) > 1:
        half = len(lines) // 2
        return _halves(lines[:half], starts[:half], parse, bad) + _halves(
            lines[half:], starts[half:], parse, bad
        )
    bad(starts[0], lines[0])
    return []
