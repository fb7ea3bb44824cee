"""Languages: what a program sees of one that is installed, and of one that is not."""

from __future__ import annotations

import sys
import types

import pytest

from raystreaming import StreamingContext
from raystreaming.api.language import Language
from raystreaming.api.stream import Stream
from raystreaming.connector import BatchSink, Options, option
from raystreaming.errors import GraphError, OptionError, UnknownConnector
from raystreaming.graph import LogicalOperator
from raystreaming.plugins import LanguageSpec, hookimpl
from raystreaming.plugins import registry as registry_module

written: list[object] = []


class Shout(BatchSink):
    def write_batch(self, records):
        written.extend(str(r).upper() for r in records)


class PerlSettings(Options):
    version: int = option(default=5, doc="Of Perl.")


class PerlStream(Stream):
    pass


class Perl(Language):
    def settings(self, values):
        return PerlSettings(**values)

    def view(self, graph, stream):
        return PerlStream(graph, stream._operator)

    def source(self, graph, name, *arguments):
        return PerlStream(graph, graph.add(LogicalOperator(f"{name}{arguments}")))

    def sink(self, graph, name):
        assert name == "Acme::Shout"
        return Shout()


class Plugin:
    @hookimpl
    def raystreaming_languages(self):
        yield LanguageSpec(name="perl", target=f"{__name__}:Perl", summary="Perl.")


@pytest.fixture
def registry(monkeypatch):
    made = registry_module.Registry()
    monkeypatch.setattr(made, "_entries", {})
    monkeypatch.setattr(registry_module, "_registry", made)
    return made


@pytest.fixture
def perl(registry, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, types.ModuleType(__name__))
    monkeypatch.setattr(sys.modules[__name__], "Perl", Perl, raising=False)
    registry._register(Plugin(), "perl", "acme-perl", "1")
    return registry


def test_its_methods_appear(perl):
    ctx = StreamingContext(perl_version=4)
    assert ctx._graph.languages == {"perl": PerlSettings(version=4)}
    stream = ctx.from_values(1)
    view = stream.as_perl_stream()
    assert type(view) is PerlStream
    assert view._operator is stream._operator
    assert ctx.from_perl("Acme", 1)._operator.kind == "Acme(1,)"
    assert "as_perl_stream" in dir(stream)
    assert "from_perl" in dir(ctx)


def test_a_sink_by_name_is_one_of_the_language(perl):
    ctx = StreamingContext()
    ctx.from_values("a").sink("Acme::Shout")
    ctx.execute("shout")
    assert written == ["A"]


def test_its_settings_are_checked_with_the_others(perl):
    with pytest.raises(OptionError) as caught:
        StreamingContext(perl_version="x", perl_colour=1, checkpoint_intervall=1)
    text = str(caught.value)
    assert "option 'version' must be int, got 'x'" in text
    assert "unknown option 'colour'" in text
    assert "unknown setting 'checkpoint_intervall' (did you mean 'checkpoint_interval'?)" in text


def test_key_by_right_after_a_conversion_says_to_map_first():
    ctx = StreamingContext()
    stream = ctx.from_values(1)
    stream._operator.language = "perl"
    with pytest.raises(GraphError, match=r"'from_values'.*is in perl.*Map first: \.map\(lambda"):
        stream.as_python_stream().key_by(lambda v: v)
    assert stream.map(lambda v: v).key_by(lambda v: v) is not None


def test_what_is_not_installed_says_what_to_install(registry):
    ctx = StreamingContext()
    for use in (lambda: ctx.from_java, lambda: ctx.from_values(1).as_java_stream):
        with pytest.raises(UnknownConnector, match=r"pip install raystreaming-java$"):
            use()
    with pytest.raises(GraphError, match=r"got 'com.acme.Sink'; .*pip install raystreaming-java$"):
        ctx.from_values(1).sink("com.acme.Sink")
    with pytest.raises(OptionError, match=r"setting 'java_classpath': .*pip install raystreaming-java$"):
        StreamingContext(java_classpath=["acme.jar"])
    with pytest.raises(AttributeError):
        ctx.from_cobol  # noqa: B018
    with pytest.raises(OptionError, match="unknown setting 'kafka_servers'"):
        StreamingContext(kafka_servers=1)


def test_what_a_language_finds_wrong_is_said_before_anything_starts():
    ctx = StreamingContext()
    ctx.from_values(1).map(str).collect()
    for operator in ctx._graph.operators:
        operator.check = lambda: ["there is no perl"]
    with pytest.raises(GraphError, match=r"^this job cannot run: there is no perl$"):
        ctx.submit("no-perl")
