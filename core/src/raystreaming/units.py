"""Durations and sizes as people write them."""

from __future__ import annotations

import re

from raystreaming.errors import OptionError

_DURATIONS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def seconds(value: str | float, what: str, zero: bool = False) -> float:
    """Return a duration in seconds.

    Args:
        value: Seconds, or text such as ``"5s"``, ``"500ms"``, ``"2m"``, ``"1h"``.
        what: Name of the option, for the message.
        zero: Whether 0 is allowed.

    Raises:
        OptionError: It is no duration, or not positive.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        result = float(value)
    else:
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]+)\s*", str(value))
        if not match or match[2] not in _DURATIONS:
            raise OptionError(what, [f"{value!r} is no duration: write e.g. '5s', '500ms' or '2m'"])
        result = float(match[1]) * _DURATIONS[match[2]]
    if not (result > 0 or (zero and result == 0)):
        raise OptionError(what, [f"{value!r} must be more than zero"])
    return result


def size(value: str | int, what: str) -> int:
    """Return a size in bytes.

    Args:
        value: Bytes, or text such as ``"128MB"``, ``"64KiB"``.
        what: Name of the option, for the message.

    Raises:
        OptionError: It is no size, or not positive.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        result = value
    else:
        match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)\s*", str(value))
        if not match or match[2].upper() not in _SIZES:
            raise OptionError(what, [f"{value!r} is no size: write e.g. '128MB' or '64KiB'"])
        result = int(float(match[1]) * _SIZES[match[2].upper()])
    if result <= 0:
        raise OptionError(what, [f"{value!r} must be more than zero"])
    return result
