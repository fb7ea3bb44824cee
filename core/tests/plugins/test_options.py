"""Options: every mistake is reported, all at once, and no secret is ever shown."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from raystreaming.connector import OptionError, Options, Secret, Source, option
from raystreaming.units import seconds, size


def even(n: int) -> str | None:
    return "must be even" if n % 2 else None


class Mail(Options):
    """Options of every kind."""

    path: str | os.PathLike[str] = option(kw_only=False, doc="Where.")
    topics: list[str] = option(doc="What.", default_factory=list)
    n: int = option(doc="How many.", default=2, check=even)
    ratio: float = option(doc="How much.", default=0.5)
    on: bool = option(doc="Whether.", default=False)
    mode: Literal["a", "b"] = option(doc="Which.", default="a")
    limit: int | None = option(doc="At most.", default=None)
    extra: Mapping[str, int] = option(doc="More.", default_factory=dict)
    call: Callable[..., Any] | None = option(doc="Called.", default=None)
    rows: Sequence[int] = option(doc="Rows.", default=())
    each: Iterable[str] = option(doc="Each.", default=())
    password: Secret | None = option(doc="Hidden.", default=None, secret=True)

    def validate(self) -> Iterable[str]:
        if self.mode == "b" and self.limit is None:
            yield "mode='b' needs a limit"


class Login(Options):
    """A secret that is declared by its type alone."""

    password: Secret = option(doc="Hidden.")


def problems(**given: Any) -> tuple[str, ...]:
    given.setdefault("path", "p")
    with pytest.raises(OptionError) as refused:
        Mail(**given)
    assert str(refused.value) == "Mail: " + "; ".join(refused.value.problems)
    return refused.value.problems


@pytest.mark.parametrize(
    "given",
    [
        {"topics": ["a"]},
        {"topics": ("a",)},
        {"n": 4},
        {"ratio": 1},
        {"on": True},
        {"mode": "b", "limit": 3},
        {"extra": {"x": 1}},
        {"call": len},
        {"rows": range(3)},
        {"each": (c for c in "ab")},
        {"password": Secret("x")},
        {"path": Path("x")},
    ],
)
def test_right_values_are_taken_as_they_are(given: dict[str, Any]):
    mail = Mail(**{"path": "p", **given})
    for name, value in given.items():
        assert getattr(mail, name) is value


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"path": 3}, "option 'path' must be str or PathLike[str], got 3 (int)"),
        ({"topics": "a"}, "option 'topics' must be list[str], got 'a' (str)"),
        ({"topics": ["a", 1]}, "option 'topics' must be list[str], got ['a', 1] (list)"),
        ({"topics": {"a"}}, "option 'topics' must be list[str], got {'a'} (set)"),
        ({"n": "2"}, "option 'n' must be int, got '2' (str)"),
        ({"n": 2.0}, "option 'n' must be int, got 2.0 (float)"),
        ({"n": True}, "option 'n' must be int, got True (bool)"),
        ({"n": None}, "option 'n' must be int, got None (NoneType)"),
        ({"n": 3}, "option 'n' must be even, got 3"),
        ({"ratio": "x"}, "option 'ratio' must be float, got 'x' (str)"),
        ({"ratio": True}, "option 'ratio' must be float, got True (bool)"),
        ({"on": 1}, "option 'on' must be bool, got 1 (int)"),
        ({"mode": "c"}, "option 'mode' must be 'a' or 'b', got 'c' (str)"),
        ({"limit": "x"}, "option 'limit' must be int or None, got 'x' (str)"),
        ({"extra": {"x": "y"}}, "option 'extra' must be Mapping[str, int], got {'x': 'y'} (dict)"),
        ({"call": 3}, "got 3 (int)"),
        ({"rows": {1}}, "option 'rows' must be Sequence[int], got {1} (set)"),
        ({"each": "ab"}, "option 'each' must be Iterable[str], got 'ab' (str)"),
        ({"tpics": ["a"]}, "unknown option 'tpics' (did you mean 'topics'?)"),
        ({"zzz": 1}, "unknown option 'zzz'"),
        ({"mode": "b"}, "mode='b' needs a limit"),
    ],
)
def test_every_wrong_value_is_named(given: dict[str, Any], problem: str):
    (found,) = problems(**given)
    assert found == problem or ("call" in given and found.endswith(problem))


def test_a_long_value_is_shortened():
    (found,) = problems(topics="x" * 500)
    assert "xxx..." in found
    assert len(found) < 150


def test_all_problems_come_at_once():
    with pytest.raises(OptionError) as refused:
        Mail(n=3, topics="a", colour=1)
    assert refused.value.problems == (
        "unknown option 'colour'",
        "missing option 'path'",
        "option 'topics' must be list[str], got 'a' (str)",
        "option 'n' must be even, got 3",
    )


def test_only_what_is_declared_so_may_be_given_by_position():
    assert Mail("p").path == "p"
    with pytest.raises(OptionError, match="takes 1 positional options, got 2"):
        Mail("p", ["a"])
    with pytest.raises(OptionError, match="option 'path' given twice"):
        Mail("p", path="q")


def test_an_option_error_is_a_type_error_that_survives_pickling():
    error = OptionError("Mail", ["a", "b"])
    assert isinstance(error, TypeError)
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.owner, back.problems) == ("Mail: a; b", "Mail", ("a", "b"))


def test_options_are_frozen_pickled_copied_and_compared():
    mail = Mail("p", topics=["a"], password=Secret("hunter2"))
    with pytest.raises(AttributeError):
        mail.n = 4
    for back in (pickle.loads(pickle.dumps(mail)), copy.deepcopy(mail)):
        assert back == mail
        assert back.password.reveal() == "hunter2"


def test_a_subclass_adds_options():
    class More(Mail):
        """With one more."""

        more: int = option(doc="More.", default=1)

    assert (More("p", more=2).more, More("p").n) == (2, 2)
    with pytest.raises(OptionError, match=r"^More: option 'more' must be int"):
        More("p", more="x")


def every_view_of(value: object) -> str:
    record = logging.LogRecord("x", 0, "f", 1, "%s %r", (value, value), None)
    return " ".join([str(value), repr(value), f"{value}", f"{value!s:>9}", record.getMessage()])


def test_no_secret_is_shown():
    secret = Secret("hunter2")
    for value in (secret, [secret], {"k": secret}, Mail("p", password=secret), Login(password=secret)):
        assert "hunter2" not in every_view_of(value)
    assert (secret.reveal(), type(secret.reveal())) == ("hunter2", str)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mail("p", password="hunter2"),
        lambda: Login(password="hunter2"),
        lambda: Login(password=["hunter2"]),
        lambda: Mail("p", n=Secret("hunter2")),
        lambda: Mail("p", topics=Secret("hunter2")),
    ],
)
def test_no_message_shows_a_secret(make: Callable[[], object]):
    with pytest.raises(OptionError) as refused:
        make()
    assert "hunter2" not in str(refused.value)
    assert "***" in str(refused.value)


def test_a_secret_made_of_a_secret_is_the_same_secret():
    assert Secret(Secret("hunter2")).reveal() == "hunter2"
    assert pickle.loads(pickle.dumps(Secret("hunter2"))).reveal() == "hunter2"
    assert Secret("a") == Secret("a") != Secret("b")


def test_constructing_a_connector_opens_nothing(tmp_path: Path):
    text = f"""
import sys
import raystreaming
opened = []
watched = ("open", "socket.connect", "_thread.start_new_thread")
sys.addaudithook(lambda e, a: opened.append((e, a)) if e in watched else None)
from raystreaming.plugins.builtin.text_file import TextFileSource
del opened[:]
TextFileSource({str(tmp_path / "nothing")!r})
print(opened)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_source_without_its_methods_cannot_be_made():
    class Half(Source[int]):
        """No plan, no open."""

        n: int = option(doc="x", default=1)

    with pytest.raises(TypeError, match="abstract"):
        Half()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("5s", 5), ("500ms", 0.5), ("2m", 120), ("2min", 120), ("1.5h", 5400), (3, 3), (0.1, 0.1)],
)
def test_durations(given: str | float, expected: float):
    assert seconds(given, "x") == expected


@pytest.mark.parametrize(
    ("given", "expected"), [("128MB", 128_000_000), ("64KiB", 65536), ("1gib", 2**30), ("7B", 7), (9, 9)]
)
def test_sizes(given: str | int, expected: int):
    assert size(given, "x") == expected


@pytest.mark.parametrize("read", [seconds, size])
@pytest.mark.parametrize(
    "given", ["", "5", ".s", ".B", "1.2.3s", "s", "-1s", "5 parsec", None, True, [], 0, -1, "0s", "0B"]
)
def test_what_is_no_duration_or_size_is_refused_by_name(read: Callable[..., float], given: object):
    with pytest.raises(OptionError, match=r"^interval: .*(write e\.g\.|more than zero)"):
        read(given, "interval")


def test_nan_is_no_duration():
    with pytest.raises(OptionError, match="more than zero"):
        seconds(json.loads("NaN"), "interval")


def test_a_type_that_only_checkers_import_takes_anything():
    class Late(Options):
        table: NoSuchType | None = option(default=None, doc="One.")  # noqa: F821
        tables: list[nosuch.Table] = option(default_factory=list, doc="Several.")  # noqa: F821
        n: int = option(default=1, doc="A number.")

    assert Late(table=3, tables=[4]).table == 3
    with pytest.raises(OptionError, match="'n' must be int"):
        Late(table=3, n="x")


def test_a_word_that_is_nearly_right_is_suggested():
    class Modes(Options):
        mode: Literal["append", "overwrite"] | None = option(default=None, doc="How.")

    with pytest.raises(OptionError, match=r"got 'apend' \(str\) \(did you mean 'append'\?\)"):
        Modes(mode="apend")


def test_who_gives_a_deprecated_option_is_told_what_to_write():
    class Old(Options):
        topic: str | None = option(default=None, doc="One.", deprecated="write topics=[...]")

    with pytest.warns(
        DeprecationWarning, match=r"Old: option 'topic' is deprecated: write topics=\[...\]"
    ) as told:
        Old(topic="a")
    assert told[0].filename == __file__
    Old()


def test_options_as_json_schema():
    class All(Options):
        path: str | os.PathLike[str] = option(kw_only=False, doc="Where.")
        modes: list[Literal["a", "b"]] = option(default_factory=list, doc="How.")
        more: Mapping[str, int] = option(default_factory=dict, doc="What else.")
        ratio: float | None = option(default=0.5, doc="How much.")
        on: bool = option(default=True, doc="Whether.")
        password: Secret = option(default=Secret("canary"), doc="Of the account.")
        token: str = option(default="canary", secret=True, doc="Another.")
        fn: Callable[[int], int] = option(default=abs, doc="A function.", deprecated="leave it out")

    schema = All.to_schema()
    assert (schema["required"], schema["additionalProperties"]) == (["path"], False)
    assert {
        name: {k: v for k, v in p.items() if k != "description"} for name, p in schema["properties"].items()
    } == {
        "path": {"anyOf": [{"type": "string"}, {"type": "string", "format": "path"}]},
        "modes": {"type": "array", "items": {"enum": ["a", "b"]}, "default": []},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
        "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": 0.5},
        "on": {"type": "boolean", "default": True},
        "password": {"type": "string", "format": "password", "writeOnly": True},
        "token": {"type": "string", "writeOnly": True},
        "fn": {"deprecated": True},
    }
    assert "canary" not in json.dumps(schema)
