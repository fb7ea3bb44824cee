"""The entry point's module is light, and its targets exist."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import raystreaming_files
from raystreaming_files import _plugin


def test_the_plugin_module_loads_nothing_heavy() -> None:
    code = (
        "import sys; import raystreaming_files._plugin;"
        "heavy = {'pyarrow', 'fsspec', 'fastavro', 'orjson', 'ray', 'kafka'};"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_targets_resolve() -> None:
    for spec in [*_plugin.raystreaming_sources(), *_plugin.raystreaming_sinks()]:
        assert spec.name == "files"
        module, _, name = spec.target.partition(":")
        assert getattr(import_module(module), name) is getattr(raystreaming_files, name)
    assert {"FilesSource", "FilesSink"} <= set(dir(raystreaming_files))
    with pytest.raises(AttributeError, match="FilesSinc"):
        raystreaming_files.FilesSinc  # noqa: B018


def test_every_option_is_documented() -> None:
    import dataclasses

    for cls in (raystreaming_files.FilesSource, raystreaming_files.FilesSink):
        assert all(f.metadata["doc"].endswith(".") for f in dataclasses.fields(cls))
        assert cls.__doc__ is not None
        assert cls.__doc__.split("\n\n")[1].split()[0] == "Delivery:"
