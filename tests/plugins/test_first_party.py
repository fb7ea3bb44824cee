"""Our own connectors, as they are installed, are plugins like anybody's."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.api import _plugin_api
from raystreaming.api.language import Language
from raystreaming.connector import OperatorFactory, Sink, Source
from raystreaming.plugins import GROUP
from raystreaming.plugins.registry import FIRST_PARTY, FIRST_PARTY_LANGUAGES, Registered, Registry

INSTALLED = sorted(e.name for e in entry_points(group=GROUP))
CONNECTORS = Registry().all()


def python(code: str, **env: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_some():
    assert {"files", "java", "kafka"} <= set(INSTALLED)


def test_all_load_where_nothing_may_be_broken():
    code = "from raystreaming.plugins.registry import registry; print(registry().names('source'))"
    out = python(code, RAYSTREAMING_STRICT_PLUGINS="1")
    assert "'files'" in out
    assert "'kafka'" in out


def test_every_entry_point_is_known_to_the_message_that_says_what_to_install():
    for entry in entry_points(group=GROUP):
        if entry.dist.name.startswith("raystreaming-"):
            assert FIRST_PARTY[entry.name] == entry.dist.name


@pytest.mark.parametrize("name", [n for n in INSTALLED if n in FIRST_PARTY])
def test_loading_a_plugin_imports_no_client_and_no_other_plugin(name: str):
    dist = FIRST_PARTY[name].replace("-", "_")
    kind = "language" if name in FIRST_PARTY_LANGUAGES else "source"
    code = (
        "import sys, raystreaming.plugins.registry as r; before = set(sys.modules); "
        f"r.registry().find({kind!r}, {name!r}); "
        "print({m.partition('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    assert python(code) == f"{{{dist!r}}}\n"


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda c: f"{c.kind}-{c.spec.name}")
def test_every_target_is_a_connector_whose_options_are_documented(connector: Registered):
    cls = connector.load()
    bases = {"source": Source, "sink": Sink, "operator": OperatorFactory, "language": Language}
    assert issubclass(cls, bases[connector.kind])
    assert connector.spec.summary
    assert cls.__doc__
    for field in dataclasses.fields(cls) if connector.kind != "language" else ():
        if field.init:
            assert field.metadata.get("doc", "").endswith("."), f"{cls.__name__}.{field.name} has no doc"


def test_type_checkers_see_every_connector_of_ours():
    tree = ast.parse(Path(_plugin_api.__file__).read_text())
    assigned = [node.targets[0] for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    declared = {name.id for name in assigned if isinstance(name, ast.Name)}
    ours = [c for c in CONNECTORS if c.dist == "raystreaming" or c.dist in FIRST_PARTY.values()]
    sources = {f"read_{c.spec.name}" for c in ours if c.kind == "source"} - set(vars(StreamingContext))
    sinks = {f"write_{c.spec.name}" for c in ours if c.kind == "sink"}
    assert {name for name in declared if name.startswith(("read_", "write_"))} == sources | sinks
