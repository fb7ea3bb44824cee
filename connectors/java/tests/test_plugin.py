"""The package as a plugin, and the jars of other plugins."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import PluginError
from raystreaming.plugins import hookimpl
from raystreaming.plugins import registry as registry_module
from raystreaming_java import _plugin
from raystreaming_java.language import Java


def test_the_plugin_module_loads_nothing_heavy() -> None:
    code = (
        "import sys; import raystreaming_java._plugin;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'jpype', 'ormsgpack', 'pyarrow', 'ray'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_targets_resolve() -> None:
    (spec,) = _plugin.raystreaming_languages()
    module, _, name = spec.target.partition(":")
    assert getattr(import_module(module), name) is Java


def test_doctor_finds_a_runtime() -> None:
    (check,) = _plugin.raystreaming_checks()
    assert list(check.run()) == []


@pytest.fixture
def plugin_with(monkeypatch):
    """Installs a plugin that brings a jar."""

    def install(jar: Path) -> None:
        class Acme:
            @hookimpl
            def raystreaming_java_jars(self):
                yield jar

        registry = registry_module.Registry()
        registry._register(Acme(), "acme", "acme-jars", "1")
        monkeypatch.setattr(registry_module, "_registry", registry)

    return install


@pytest.mark.parametrize("values", [{}, {"java_memory": "100MB"}])
def test_classes_of_a_plugins_jar_are_there(classes, plugin_with, values) -> None:
    plugin_with(classes)
    ctx = StreamingContext(**values)
    ctx.from_values(2).as_java_stream().map("com.acme.Fns$Times", 3).as_python_stream().collect()
    assert ctx.execute("plugin").result() == [6]


def test_a_plugins_jar_that_does_not_exist_is_said_with_the_plugin(plugin_with, tmp_path) -> None:
    plugin_with(tmp_path / "acme.jar")
    with pytest.raises(PluginError, match=r"plugin acme names the jar .*acme\.jar, which does not exist"):
        StreamingContext().from_values(1).as_java_stream().map("com.acme.Fn")
