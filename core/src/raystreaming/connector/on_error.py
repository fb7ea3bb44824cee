"""What becomes of a record that an operator, source or sink cannot take: `on_error`.

Named tuples: making a frozen dataclass costs half a millisecond of every start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from raystreaming.connector.sink import Sink
from raystreaming.errors import OptionError
from raystreaming.units import seconds


class DeadLetter(NamedTuple):
    """A record that could not be taken, and why.

    Attributes:
        operator: Id of the operator, source or sink.
        error: The error: its kind and its message.
        at: Where: file and line of the program, or the place in the source (a topic's offset, a file's byte).
        record: The record as the operator was given it; of a source, what it could not read, mostly bytes.
        attempts: How often it was tried.
    """

    operator: str
    error: str
    at: str
    record: Any
    attempts: int = 1

    def as_row(self) -> dict[str, Any]:
        """Return a row that every sink takes: texts and a number.

        The record is text: JSON where JSON can say it, else what ``repr`` gives; text stays what it is, and
        bytes that are not UTF-8 are escaped with backslashes.
        """
        row = {"operator": self.operator, "error": self.error, "at": self.at}
        return {**row, "attempts": self.attempts, "record": _text(self.record)}


def _text(record: Any) -> str:
    if isinstance(record, str):
        return record
    if isinstance(record, bytes):
        return record.decode("utf-8", "backslashreplace")
    import json  # only where something has failed

    try:
        return json.dumps(record, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(record)


class DeadLetters(NamedTuple):
    """The policy that `dead_letter` makes."""

    sink: Sink[Any] | Callable[[Any], Any]
    form: Callable[[DeadLetter], Any]


class Retry(NamedTuple):
    """The policy that `retry` makes.

    Attributes:
        waits: Seconds before each further attempt.
        then: What becomes of a record when no attempt is left.
    """

    waits: tuple[float, ...]
    then: Literal["fail", "skip"] | DeadLetters = "fail"


ErrorPolicy: TypeAlias = Literal["fail", "skip"] | Retry | DeadLetters
"""What `on_error` takes."""


def dead_letter(
    sink: Sink[Any] | Callable[[Any], Any], *, form: Callable[[DeadLetter], Any] = DeadLetter.as_row
) -> DeadLetters:
    """Write records that cannot be taken to a sink, and go on without them.

    They are written with the checkpoints of the job: exactly once if the sink is.

    Args:
        sink: A sink with its options, or a function of one dead letter.
        form: Makes what the sink is given; by default rows of text, which every sink takes.

    Raises:
        OptionError: An argument is wrong; all are listed.

    Example:
        >>> from raystreaming import StreamingContext, dead_letter
        >>> ctx = StreamingContext()
        >>> bad = []
        >>> numbers = ctx.from_values("1", "x", "3").map(int).on_error(dead_letter(bad.append))
        >>> _ = numbers.collect()
        >>> ctx.execute("numbers").result()
        [1, 3]
        >>> bad[0]["record"], bad[0]["error"]
        ('x', "ValueError: invalid literal for int() with base 10: 'x'")
    """
    problems: list[str] = []
    given: Any = sink
    if not isinstance(given, Sink) and not callable(given):
        problems.append(f"takes a sink, e.g. FilesSink('bad', format='jsonl'), or a function, got {given!r}")
    given = form
    if not callable(given):
        problems.append(f"form must be a function of a DeadLetter, got {given!r}")
    if problems:
        raise OptionError("dead_letter", problems)
    return DeadLetters(sink, form)


def retry(
    n: int, backoff: str | float = "1s", *, then: Literal["fail", "skip"] | DeadLetters = "fail"
) -> Retry:
    """Try a record again that cannot be taken.

    The only policy by which a record is given to a function twice. Other tasks go on meanwhile. `Terminal`
    is not tried again.

    Args:
        n: How often.
        backoff: Time before the first further attempt; doubled before each that follows.
        then: What becomes of a record that no attempt could take: ``"fail"``, ``"skip"`` or a `dead_letter`.

    Raises:
        OptionError: An argument is wrong; all are listed.

    Example:
        >>> from raystreaming import StreamingContext, retry
        >>> calls = []
        >>> def flaky(n):
        ...     calls.append(n)
        ...     if len(calls) < 3:
        ...         raise ConnectionError("not yet")
        ...     return n
        >>> ctx = StreamingContext()
        >>> _ = ctx.from_values(7).map(flaky).on_error(retry(2, "1ms")).collect()
        >>> ctx.execute("flaky").result(), calls
        ([7], [7, 7, 7])
    """
    problems: list[str] = []
    first = 0.0
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        problems.append(f"n must be a whole number from 1, got {n!r}")
        n = 1
    try:
        first = seconds(backoff, "backoff", zero=True)
    except OptionError as error:
        problems.append(str(error))
    if then not in ("fail", "skip") and not isinstance(then, DeadLetters):
        problems.append(f"then must be 'fail', 'skip' or dead_letter(sink), got {then!r}")
    if problems:
        raise OptionError("retry", problems)
    return Retry(tuple(first * 2**i for i in range(n)), then)


def checked(policy: Any) -> ErrorPolicy:
    """Return a policy.

    Raises:
        OptionError: It is none.
    """
    if policy == "fail" or policy == "skip" or isinstance(policy, Retry | DeadLetters):
        right: ErrorPolicy = policy
        return right
    raise OptionError(
        "on_error", [f"takes 'fail', 'skip', retry(n, backoff) or dead_letter(sink), got {policy!r}"]
    )


def letters_of(policy: ErrorPolicy) -> DeadLetters | None:
    """Return where a policy sends dead letters, if it does."""
    last = policy.then if isinstance(policy, Retry) else policy
    return last if isinstance(last, DeadLetters) else None


def goes_on(policy: ErrorPolicy) -> bool:
    """Return whether the job goes on without a record that cannot be taken."""
    return (policy.then if isinstance(policy, Retry) else policy) != "fail"


def in_words(policy: ErrorPolicy) -> str:
    """Return a policy as people read it, e.g. ``"retry twice, then skip"``."""
    if isinstance(policy, Retry):
        times = {1: "once", 2: "twice"}.get(len(policy.waits), f"{len(policy.waits)} times")
        return f"retry {times}, then {in_words(policy.then)}"
    return "dead letters" if isinstance(policy, DeadLetters) else policy
