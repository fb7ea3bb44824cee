"""Our own connectors, as they are installed, are plugins like anybody's."""

from __future__ import annotations

import ast
import dataclasses
import logging
import re
import subprocess
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.api import _plugin_api
from raystreaming.api.language import Language
from raystreaming.connector import ConnectorError, OperatorFactory, OptionError, Secret, Sink, Source
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
    assert {"files", "hadoop", "java", "kafka"} <= set(INSTALLED)


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


CANARY = "canary-in-a-coal-mine"
SAMPLES = {"str": "localhost:1", "list[str]": ["a"]}
"""What options that are required may be, by their type."""
KAFKA = {"sasl": "PLAIN", "username": "me", "tls": True, "tls_certificate": "c.pem", "tls_key": "c.key"}
WITH_SECRETS = {
    "source files": {"path": "s3://bucket/folder"},
    "sink files": {"path": "s3://bucket/folder"},
    "source hadoop": {"path": "s3a://bucket/folder"},
    "sink hadoop": {"path": "s3a://bucket/folder"},
    "source kafka": KAFKA | {"topics": ["a"]},
    "sink kafka": KAFKA,
}
"""What has to be given beside secrets, by connector."""

UNREACHABLE = {
    "key": CANARY,
    "secret": Secret(CANARY),
    "token": CANARY,
    "endpoint_url": "http://127.0.0.1:9",
    "config_kwargs": {"retries": {"max_attempts": 0}},
}
"""Storage options of a server that does not answer."""

FORMS = ("text", "mermaid", "dot", "svg")


def is_secret(field: dataclasses.Field) -> bool:
    return bool(field.metadata.get("secret")) or "Secret" in str(field.type)


def with_canaries(cls: type) -> dict[str, object]:
    """Return options with a secret wherever there may be one, and what else is required."""
    given: dict[str, object] = {}
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init and is_secret(field):
            mapping = "Mapping" in str(field.type)
            given[field.name] = {"secret": CANARY} if mapping else Secret(CANARY)
        elif field.init and required:
            given[field.name] = SAMPLES.get(str(field.type), "a")
    return given


OURS = [c for c in CONNECTORS if c.kind in ("source", "sink")]
SECRETIVE = [c for c in OURS if any(map(is_secret, dataclasses.fields(c.load())))]


SECRETS = {
    "source files": {"storage_options"},
    "sink files": {"storage_options"},
    "source hadoop": {"client_options"},
    "sink hadoop": {"client_options"},
    "source kafka": {"client_options", "password", "tls_key_password"},
    "sink kafka": {"client_options", "password", "tls_key_password"},
}
"""All options that are never shown, by connector; what goes to a client library as it is may hold secrets."""


def test_the_secrets_are_these():
    marked = {
        f"{c.kind} {c.spec.name}": {f.name for f in dataclasses.fields(c.load()) if f.init and is_secret(f)}
        for c in SECRETIVE
    }
    assert marked == SECRETS


@pytest.mark.parametrize("connector", SECRETIVE, ids=lambda c: f"{c.kind}-{c.spec.name}")
def test_a_secret_shows_nowhere(connector: Registered):
    cls = connector.load()
    given = with_canaries(cls) | WITH_SECRETS[f"{connector.kind} {connector.spec.name}"]
    with pytest.raises(OptionError) as wrong:
        cls(**given, nosuch=1)
    with pytest.raises(OptionError) as of_another_type:
        cls(**{name: ([value],) for name, value in given.items()})
    ctx = StreamingContext()
    if connector.kind == "source":
        ctx.source(cls(**given)).sink(print)
    else:
        ctx.from_values(1).sink(cls(**given))
    made = cls(**given)
    told = [repr(made), str(wrong.value), str(of_another_type.value), ctx.explain(), str(cls.to_schema())]
    told += [ctx.graph(level, form) for level in ("logical", "physical") for form in FORMS]
    assert [text for text in told if CANARY in text] == []


@pytest.mark.parametrize("connector", SECRETIVE, ids=lambda c: f"{c.kind}-{c.spec.name}")
def test_a_job_that_fails_shows_no_secret(connector: Registered, tmp_path: Path, caplog, capfd):
    """What it needs is not there, so it fails before it asks anybody over the network."""
    cls = connector.load()
    given = with_canaries(cls) | WITH_SECRETS[f"{connector.kind} {connector.spec.name}"]
    if connector.spec.name == "files":
        given |= {"path": "s3://bucket/folder", "storage_options": UNREACHABLE}
    caplog.set_level(logging.DEBUG, "raystreaming")
    ctx = StreamingContext(checkpoint_dir=tmp_path, restarts=0)
    if connector.kind == "source":
        ctx.source(cls(**given)).collect()
    else:
        ctx.from_values(1).sink(cls(**given))
    with pytest.raises(ConnectorError) as failed:
        ctx.execute("job")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    told = ["".join(traceback.format_exception(failed.value)), caplog.text, *capfd.readouterr()]
    told += [path.read_bytes().decode("latin-1") for path in files]
    assert [text for text in told if CANARY in text] == []


@pytest.mark.parametrize("connector", OURS, ids=lambda c: f"{c.kind}-{c.spec.name}")
def test_what_is_called_like_a_secret_is_one(connector: Registered):
    named = re.compile("passw|secret|token|api_key|private_key|credential|(client|storage)_options")
    fields = [f for f in dataclasses.fields(connector.load()) if f.init and named.search(f.name)]
    assert [f.name for f in fields if not is_secret(f)] == []
