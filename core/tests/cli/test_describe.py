"""`raystreaming describe`: what a connector takes, and what its inspector finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from raystreaming.cli.main import main
from raystreaming.connector import Inspector, RecordsSource, Retryable, option
from raystreaming.connector.option_table import option_rows
from raystreaming.plugins import OperatorSpec, SourceSpec, hookimpl
from raystreaming.plugins import registry as registries

CANARY = "canary-Pa55word"


class AcmeInspector(Inspector):
    server: str = option(doc="The server, 100% of it.")
    password: str | None = option(default=None, secret=True, doc="The password.")
    queues: list[str] = option(default_factory=list[str], doc="Queues to look into.")
    deep: bool = option(default=False, doc="Whether to look deep.")
    limit: int = option(default=3, doc="How many.")
    more: Mapping[str, str] = option(default_factory=dict[str, str], doc="More settings.")

    def inspect(self) -> Iterator[str]:
        if self.server == "away":
            raise Retryable("nothing listens at away: start it")
        yield f"{self.server} {self.queues} {self.deep} {self.limit} {dict(self.more)} {self.password!r:.3}"


class AcmeSource(RecordsSource[int]):
    """Read queues of Acme.

    - Delivery: once.

    Example:
        >>> AcmeSource
    """

    token: str | None = option(default=None, secret=True, doc="Who we are.")
    choose: Callable[[Any], Any] | None = option(default=None, doc="Chooses.")
    queue: str = option(kw_only=False, doc="The queue, ``word`` by word. " + "It is long. " * 20)

    @classmethod
    def inspector(cls) -> type[Inspector]:
        return AcmeInspector

    def records(self, position: Any) -> Iterator[tuple[int, int]]:
        return iter(())


class Acme:
    @hookimpl
    def raystreaming_sources(self) -> Iterator[SourceSpec]:
        yield SourceSpec(name="acme", target=f"{__name__}:AcmeSource", summary="Queues.", aliases=("queue",))

    @hookimpl
    def raystreaming_operators(self) -> Iterator[OperatorSpec]:
        yield OperatorSpec(name="acme", target=f"{__name__}:AcmeSource", summary="Not looked at.")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command with the plugin installed; return its exit code and what it prints."""
    monkeypatch.setenv("RAYSTREAMING_PLUGINS", "")
    monkeypatch.setattr(registries, "_registry", None)
    monkeypatch.setenv("COLUMNS", "80")
    registries.registry()._register(Acme(), "acme", "acme-queues", "1.2")

    def run_(*arguments: str) -> tuple[int, str, str]:
        code = main(["describe", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_


@pytest.mark.parametrize("name", ["acme", "queue"])
def test_what_a_connector_takes(run, name):
    code, out, err = run(name)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "acme, of acme-queues 1.2"
    assert "ctx.read_acme(...)" in lines
    assert "    - Delivery: once." in lines
    assert "Example" not in out
    assert "      token: str or None, default None, secret" in lines
    assert "      choose: function or None, default None" in lines
    assert "      queue: str, required" in lines
    assert max(map(len, lines)) <= 80


def test_every_kind_of_connector_of_a_name_is_described(run):
    _, out, _ = run("acme")
    assert "stream.acme(...)" in out
    _, out, _ = run("collect")
    assert "stream.write_collect(...)" in out


def test_the_rows_are_those_of_the_class():
    rows = {row.name: row for row in option_rows(AcmeInspector)}
    assert list(rows) == ["server", "password", "queues", "deep", "limit", "more"]
    assert [row.name for row in rows.values() if row.secret] == ["password"]
    assert (rows["server"].default, rows["queues"].default, rows["limit"].default) == (
        "required",
        "none",
        "3",
    )
    assert option_rows(AcmeInspector, AcmeInspector) == []


def test_options_are_those_of_the_inspector(run):
    code, out, _ = run("acme", "--server", "a:1")
    assert (code, out) == (0, "a:1 [] False 3 {} Non\n")
    flags = ["--queues", "x", "y", "--deep", "--limit", "5", "--more", "a=1", "b=c=d", "--password"]
    code, out, _ = run("acme", "--server", "a:1", *flags, CANARY)
    assert (code, out) == (0, "a:1 ['x', 'y'] True 5 {'a': '1', 'b': 'c=d'} 'ca\n")


def test_what_goes_wrong_is_said(run, capsys):
    code, out, err = run("acme", "--server", "away")
    assert (code, out) == (1, "")
    assert "nothing listens at away: start it" in err
    code, _, err = run("acme", "--limit", "3", "--password", CANARY)
    assert code == 1
    assert "AcmeInspector: missing option 'server'" in err
    assert CANARY not in err
    code, _, err = run("acmes")
    assert code == 1
    assert "did you mean 'acme'?" in err
    code, _, err = run("collection", "--server", "x")
    assert code == 1
    assert "connector 'collection' cannot look at what it reads" in err
    for wrong in (["--sever", "x"], ["--more", "a"], ["--limit", "many"]):
        with pytest.raises(SystemExit) as caught:
            main(["describe", "acme", *wrong])
        assert caught.value.code == 2
        assert "raystreaming describe acme: error" in capsys.readouterr().err


def test_help_names_the_options(run, capsys):
    with pytest.raises(SystemExit):
        main(["describe", "acme", "--help"])
    assert "The server, 100% of it." in capsys.readouterr().out
