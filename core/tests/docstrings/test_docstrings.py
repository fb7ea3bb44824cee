"""The examples in docstrings are run, and every public name users write has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import raystreaming
from raystreaming import DataStream, KeyedStream, StreamingContext

MODULES = sorted(m.name for m in pkgutil.walk_packages(raystreaming.__path__, "raystreaming."))


def test_the_package_has_modules():
    assert {"raystreaming.api.stream", "raystreaming.connector.options"} <= set(MODULES)


@pytest.mark.parametrize("name", [m for m in MODULES if not m.endswith("__main__")])
def test_examples(name: str):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] in ("pytest", "ray", "pyarrow"):
            pytest.skip(f"{name} needs {error.name}")
        raise
    failed, _ = doctest.testmod(module)
    assert failed == 0


METHODS = [
    (cls, name)
    for cls in (StreamingContext, DataStream, KeyedStream)
    for name, member in vars(cls).items()
    if not name.startswith("_") and inspect.isfunction(member)
]


@pytest.mark.parametrize(("cls", "name"), METHODS, ids=[f"{c.__name__}.{n}" for c, n in METHODS])
def test_every_public_method_is_described(cls: type, name: str):
    text = inspect.getdoc(getattr(cls, name))
    assert text
    assert text.splitlines()[0].endswith(".")


def test_examples_are_found_at_all():
    tests = doctest.DocTestFinder().find(DataStream)
    assert sum(bool(t.examples) for t in tests) >= 5
