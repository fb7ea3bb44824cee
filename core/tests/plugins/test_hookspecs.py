"""The contract of hooks and specs."""

from __future__ import annotations

import dataclasses
import inspect

import pluggy
import pytest

from raystreaming.plugins import GROUP, LanguageSpec, OperatorSpec, SinkSpec, SourceSpec, hookspecs

HOOKS = {
    "raystreaming_sources": "() -> 'Iterable[SourceSpec]'",
    "raystreaming_sinks": "() -> 'Iterable[SinkSpec]'",
    "raystreaming_operators": "() -> 'Iterable[OperatorSpec]'",
    "raystreaming_languages": "() -> 'Iterable[LanguageSpec]'",
    "raystreaming_java_jars": "() -> 'Iterable[Path]'",
    "raystreaming_checks": "() -> 'Iterable[Check]'",
}
REGISTERING = [
    "raystreaming_sources",
    "raystreaming_sinks",
    "raystreaming_operators",
    "raystreaming_languages",
]


def test_the_hooks_and_their_signatures_are_these():
    """Changing one breaks plugins that are out there."""
    found = {
        name: str(inspect.signature(fn))
        for name, fn in vars(hookspecs).items()
        if hasattr(fn, "raystreaming_spec")
    }
    assert found == HOOKS
    assert GROUP == "raystreaming.plugins"


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_that_register_are_historic_and_all_have_an_example(name: str):
    assert ">>>" in inspect.getdoc(getattr(hookspecs, name))
    manager = pluggy.PluginManager("raystreaming")
    manager.add_hookspecs(hookspecs)
    assert bool(getattr(manager.hook, name).is_historic()) is (name in REGISTERING)


@pytest.mark.parametrize("spec", [SourceSpec, SinkSpec, OperatorSpec, LanguageSpec])
def test_specs_are_frozen_keyword_only_records(spec: type):
    made = spec(name="a", target="b:C", summary="d")
    assert (made.aliases, made.stability) == ((), "stable")
    assert [f.name for f in dataclasses.fields(spec)] == ["name", "target", "summary", "aliases", "stability"]
    with pytest.raises(TypeError):
        spec("a", "b:C", "d")
    with pytest.raises(TypeError, match="target"):
        spec(name="a", summary="d")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "x"
