"""Records that a source cannot read, or a sink cannot write."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from raystreaming.errors import Terminal, hide_secrets, shown_record

GO_ON = 'go on without such records with .on_error("skip"), or keep them with .on_error(dead_letter(sink))'
"""What can be done about any record that fails."""


class Rejected(NamedTuple):
    """A record that a source could not read.

    Attributes:
        record: What there is of it, mostly bytes.
        why: What is wrong with it.
        at: Where it is.
    """

    record: Any
    why: str
    at: str


def refusal(kind: Literal["source", "sink"], operator: str, rejected: Rejected) -> Terminal:
    """Return the error that ends a job whose policy is to fail."""
    verb, mend = ("read", "correct what wrote it") if kind == "source" else ("write", "convert it before")
    where = f"{rejected.at}: " if rejected.at else ""
    return Terminal(
        f"{kind} {operator!r} cannot {verb} a record: {where}{hide_secrets(rejected.why)}\n"
        f"  record: {shown_record(rejected.record)}\n"
        f"  {mend}, or {GO_ON}"
    )
