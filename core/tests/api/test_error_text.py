"""Records and texts in messages: short, and without what may be a secret."""

from __future__ import annotations

from typing import Any

import pytest

from raystreaming.errors import hide_secrets, shown_record


class Login:
    def __repr__(self):
        return "Login(password='canary', user='ann')"


@pytest.mark.parametrize(
    "record",
    [
        {"password": "canary"},
        {"deep": [{"client_secret": "canary"}], "db-passwd": "canary"},
        '{"user": "ann", "password": "canary"}',
        '{"user": "ann", "password": "can\\"ary canary"}',
        b'{"api_key": "canary", "n": 1}',
        '{"text": "' + "x" * 500 + '", "token": "canary", "more": "' + "x" * 20 + '"}',
        "postgresql://ann:canary@host/db",
        "host?access_token=canary&n=1",
        "Authorization: Bearer canary",
        r"{\"password\": \"canary\"}",
        Login(),
    ],
)
def test_what_may_be_a_secret_is_hidden(record: Any):
    assert "canary" not in shown_record(record)
    assert "***" in shown_record(record) or len(str(record)) > 200


@pytest.mark.parametrize(
    "text",
    [
        "unexpected token: ELSE",
        "Expecting property name enclosed in double quotes: line 1",
        "{'tokens': ['a', 'b'], 'secretary': 'bob'}",
        "http://host:8080/path",
        "no password given",
    ],
)
def test_what_is_no_secret_is_shown(text: str):
    assert hide_secrets(text) == text


def test_a_record_is_shortened_without_rendering_all_of_it():
    class Row:
        def __repr__(self):
            raise AssertionError("rendered")

    shown = shown_record(["x" * 10_000] * 10 + [Row()] * 1_000, 100)
    assert len(shown) == 100


LONG = ["x" * 1_000_000, "secret" * 100_000, "a://" * 200_000, '"password": "' * 50_000]


@pytest.mark.parametrize("text", LONG, ids=[text[:9] for text in LONG])
def test_a_long_text_is_searched_in_a_short_time(text: str):
    assert hide_secrets(text)  # a quadratic search would run into the timeout
