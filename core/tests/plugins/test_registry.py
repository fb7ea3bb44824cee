"""Plugins of real distributions, found by importlib.metadata in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCE = """
from raystreaming.connector import RecordsSource, option

class Numbers(RecordsSource[int]):
    '''Numbers up to a limit.'''

    n: int = option(kw_only=False, doc="How many.")

    def records(self, position):
        for i in range(position or 0, self.n):
            yield i + 1, i
"""

PLUGIN = """
from raystreaming.plugins import SinkSpec, SourceSpec, OperatorSpec, hookimpl

@hookimpl
def raystreaming_sources():
    target = "{module}.source:Numbers"
    yield SourceSpec(name="{name}", target=target, summary="Numbers.", aliases=("{name}s",))
"""


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        dist: str,
        plugin: str | None = None,
        *,
        entry: str | None = None,
        name: str | None = None,
        version: str = "1.2",
        source: str = SOURCE,
    ) -> str:
        """Install a distribution with one plugin; return its module's name."""
        module = dist.replace("-", "_")
        name = name or dist.removeprefix("raystreaming-")
        package = self.folder / module
        package.mkdir()
        (package / "__init__.py").write_text("")
        text = PLUGIN.format(name=name, module=module) if plugin is None else textwrap.dedent(plugin)
        (package / "_plugin.py").write_text(text)
        (package / "source.py").write_text(textwrap.dedent(source))
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            f"[raystreaming.plugins]\n{entry or name} = {module}._plugin\n"
        )
        (info / "RECORD").write_text("")
        return module

    def run(self, text: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a program in which the distributions are installed."""
        path = os.pathsep.join(p for p in (str(self.folder), os.environ.get("PYTHONPATH")) if p)
        prelude = """
            import sys
            from raystreaming import StreamingContext
            from raystreaming.errors import *
            ctx = StreamingContext()
            def loaded(*names): return [n for n in names if n in sys.modules]
            def error(fn):
                try:
                    fn()
                except Exception as e:
                    return f"{type(e).__name__}: {e}"
            """
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(text)],
            env={**os.environ, **env, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def lines(self, text: str, **env: str) -> list[str]:
        """Run a program that must succeed; return what it prints."""
        done = self.run(text, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_plugins_source_appears_by_name_and_alias(site: Site):
    site.install("raystreaming-acme")
    assert site.lines(
        """
        ctx.read_acme(3).collect()
        print(ctx.execute().result(), loaded("raystreaming_acme.source"))
        print(repr(StreamingContext().read_acmes(n=1)))
        """
    ) == ["[0, 1, 2] ['raystreaming_acme.source']", "<DataStream of read_acmes>"]


def test_nothing_is_loaded_before_it_is_needed_and_then_only_that_plugin(site: Site):
    site.install("raystreaming-acme")
    site.install("raystreaming-other")
    modules = '"raystreaming_acme._plugin", "raystreaming_acme.source", "raystreaming_other._plugin"'
    assert site.lines(
        f"""
        print(loaded({modules}))
        ctx.from_values(1).map(str).print()
        print(loaded({modules}))
        ctx.read_acme
        print(loaded({modules}))
        """
    ) == ["[]", "[]", "['raystreaming_acme._plugin', 'raystreaming_acme.source']"]


def test_a_connector_under_another_entry_name_is_found_by_loading_the_rest(site: Site):
    site.install("raystreaming-acme", name="queue", entry="acme")
    assert site.lines("print(repr(ctx.read_queue(1)))") == ["<DataStream of read_queue>"]


def test_dir_lists_and_hasattr_knows_the_connectors(site: Site):
    site.install("raystreaming-acme")
    assert site.lines(
        """
        s = ctx.from_values(1)
        ours = {f"{verb}_{name}" for verb in ("read", "write") for name in ("kafka", "files", "hadoop")}
        print(sorted({n for n in dir(ctx) if n.startswith("read_")} - ours))
        print(sorted({n for n in dir(s) if n.startswith("write_")} - ours))
        print(hasattr(ctx, "read_acme"), hasattr(ctx, "read_nope"), hasattr(ctx, "nope"))
        print(hasattr(s, "write_print"), hasattr(s, "write_nope"), hasattr(s, "nope"))
        print(loaded("raystreaming_acme.source"))
        """
    ) == [
        "['read_acme', 'read_acmes', 'read_collection', 'read_text_file']",
        "['write_collect', 'write_function', 'write_print']",
        "True False False",
        "True False False",
        "['raystreaming_acme.source']",
    ]


BROKEN = {
    "raises at import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "misses a module": ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
    "raises in a hook": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            yield SourceSpec(name="bad", target="raystreaming_bad.source:Numbers", summary="x")
            raise KeyError("late")
        """,
        "KeyError: 'late'",
    ),
    "unmarked hook": (
        "def raystreaming_sources():\n    return []",
        "function 'raystreaming_sources' looks like a hook and is not marked: put @hookimpl before it",
    ),
    "mistyped hook": (
        """
        from raystreaming.plugins import hookimpl
        @hookimpl
        def raystreaming_source():
            return []
        """,
        "unknown hook 'raystreaming_source'",
    ),
    "hook with an argument": (
        """
        from raystreaming.plugins import hookimpl
        @hookimpl
        def raystreaming_sources(context):
            return []
        """,
        "Argument(s) {'context'} are declared in the hookimpl but can not be found",
    ),
    "returns a string": (
        """
        from raystreaming.plugins import hookimpl
        @hookimpl
        def raystreaming_sources():
            return ["bad"]
        """,
        "a hook returned 'bad'; it must return SourceSpec, SinkSpec, OperatorSpec or LanguageSpec",
    ),
    "spec without a target": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="bad", summary="x")]
        """,
        "missing 1 required keyword-only argument: 'target'",
    ),
    "spec with a target that names no class": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="bad", target="raystreaming_bad.source", summary="x")]
        """,
        "source 'bad' has the target 'raystreaming_bad.source': write 'package.module:Class'",
    ),
    "spec with a name nobody can write": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="bad-one", target="a.b:C", summary="x")]
        """,
        "source 'bad-one' cannot be called so: a name is a Python identifier",
    ),
    "spec with a string for aliases": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="bad", target="a.b:C", summary="x", aliases="abc")]
        """,
        "source 'bad' has the aliases 'abc': write a tuple of names",
    ),
    "takes a name of the core": (
        """
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="text_file", target="a.b:C", summary="x")]
        """,
        "source 'text_file' belongs to raystreaming itself: choose another name",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_named_once_and_harms_nothing_else(site: Site, case: str):
    plugin, says = BROKEN[case]
    site.install("raystreaming-bad", plugin, version="0.9")
    site.install("raystreaming-acme")
    done = site.run(
        """
        dir(ctx); dir(ctx)
        ctx.read_acme(2).collect()
        print(ctx.execute().result())
        print(StreamingContext().read_text_file("x"))
        try:
            ctx.read_bad
        except PluginLoadError as e:
            print(e)
            print("caused by", type(e.__cause__).__name__)
        """
    )
    assert done.returncode == 0, done.stderr
    rows, text_file, *message, cause = done.stdout.splitlines()
    message = "\n".join(message)
    assert rows == "[0, 1]"
    assert text_file == "<DataStream of read_text_file>"
    assert done.stderr.count("cannot be loaded and is left out") == 1
    assert "plugin 'bad' of raystreaming-bad 0.9 cannot be loaded" in done.stderr
    assert says in done.stderr
    assert "its plugin raystreaming-bad 0.9 raised" in message
    assert says in message
    assert "pip install --force-reinstall raystreaming-bad, or report it to its authors" in message
    assert cause.startswith("caused by ")


def test_in_strict_mode_a_broken_plugin_is_an_error(site: Site):
    site.install("raystreaming-bad", "1 / 0")
    done = site.run("dir(ctx)", RAYSTREAMING_STRICT_PLUGINS="1")
    assert done.returncode == 1
    assert "PluginLoadError: plugin 'bad' of raystreaming-bad 1.2 cannot be loaded" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_broken_plugin_registers_nothing_of_what_it_returned_before(site: Site):
    site.install("raystreaming-bad", BROKEN["raises in a hook"][0], name="zzz", entry="zzz")
    assert site.lines("import warnings; warnings.simplefilter('ignore'); print('read_bad' in dir(ctx))") == [
        "False"
    ]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("x = 1", "PluginLoadError: plugin raystreaming-acme 1.2 names 'raystreaming_acme.source:Numbers'"),
        ("import nosuchclient", "ModuleNotFoundError: No module named 'nosuchclient'"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_target_that_cannot_be_loaded(site: Site, source: str, error: str):
    site.install("raystreaming-acme", source=source)
    (line,) = site.lines("print(error(lambda: ctx.read_acme(1)))")
    assert line.startswith(error)


@pytest.mark.parametrize("target", ["raystreaming_acme.nosuch:X", "nosuch.source:X"])
def test_a_target_in_a_module_that_does_not_exist_is_the_plugins_fault(site: Site, target: str):
    site.install(
        "raystreaming-acme",
        f"""
        from raystreaming.plugins import SourceSpec, hookimpl
        @hookimpl
        def raystreaming_sources():
            return [SourceSpec(name="acme", target="{target}", summary="x")]
        """,
    )
    (line,) = site.lines("print(error(lambda: ctx.read_acme(1)))")
    assert line == (
        f"PluginLoadError: plugin raystreaming-acme 1.2 names {target!r} for source 'acme', which does not "
        f"exist: report it to the authors of raystreaming-acme"
    )


def test_two_dists_with_one_name_are_both_named_and_the_name_is_blocked(site: Site):
    site.install("acme-queue", name="queue")
    site.install("zeta-queue", name="queue")
    site.install("raystreaming-acme")
    assert site.lines(
        """
        print(error(lambda: ctx.read_queue(1)))
        print(repr(ctx.read_acme(1)))
        """
    ) == [
        "PluginConflict: source 'queue' is provided by acme-queue and zeta-queue: "
        "uninstall one of them, e.g. pip uninstall zeta-queue, or choose with "
        "RAYSTREAMING_PREFER=queue=acme-queue",
        "<DataStream of read_acme>",
    ]


def test_one_dist_found_twice_on_the_path_is_no_conflict(site: Site, tmp_path: Path):
    site.install("raystreaming-acme")
    other = Site(tmp_path / "other")
    other.folder.mkdir()
    other.install("raystreaming-acme")
    path = os.pathsep.join([str(other.folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", "import raystreaming; print(raystreaming.StreamingContext().read_acme(1))"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site.folder), path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("<DataStream of read_acme>\n", "")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("ctx.read_nosuch", "no installed plugin has a source 'nosuch'; installed: "),
        (
            "ctx.read_acmme",
            "no installed plugin has a source 'acmme' (did you mean 'acme'?); ",
        ),
        ("ctx.read_kafak", "no installed plugin has a source 'kafak' (did you mean 'kafka'?)"),
        ("ctx.from_values(1).write_nosuch", "no installed plugin has a sink 'nosuch'; installed: collect,"),
    ],
)
def test_an_unknown_connector_says_what_there_is(site: Site, call: str, message: str):
    site.install("raystreaming-acme")
    (line,) = site.lines(f"print(error(lambda: {call}))")
    assert line.startswith(f"UnknownConnector: {message}")


def test_every_connector_can_be_listed_with_its_distribution(site: Site):
    site.install("raystreaming-acme")
    lines = site.lines(
        """
        from raystreaming.plugins.registry import registry
        for r in registry().all():
            print(r.kind, r.spec.name, r.dist, r.version)
        print(registry().failures)
        """
    )
    assert "source acme raystreaming-acme 1.2" in lines
    assert len([line for line in lines if " acme" in line]) == 1  # the alias is not listed again
    assert any(line.startswith("sink collect raystreaming") for line in lines)


def test_a_constructor_error_comes_through_the_sugar_unchanged(site: Site):
    site.install("raystreaming-acme")
    (line,) = site.lines("print(error(lambda: ctx.read_acme(m=1)))")
    assert line == "OptionError: Numbers: unknown option 'm'; missing option 'n'"


def test_typos_of_methods_are_plain_attribute_errors(site: Site):
    assert site.lines(
        """
        print(error(lambda: ctx.nonsense()))
        print(error(lambda: ctx.from_values(1).nonsense()))
        """
    ) == [
        "AttributeError: 'StreamingContext' object has no attribute 'nonsense'",
        "AttributeError: 'DataStream' object has no attribute 'nonsense'",
    ]


OPERATORS = """
from raystreaming.connector import Batch, Operator, OperatorFactory, operator, option

class Dedupe(OperatorFactory[object, object]):
    key: str = option(doc="Field.")

    def make(self):
        return Deduping(self.key)

class Deduping(Operator):
    def __init__(self, key):
        self.key, self.seen = key, set()

    def process(self, batch):
        for value in batch.values:
            if value[self.key] not in self.seen:
                self.seen.add(value[self.key])
                yield Batch([value])

@operator
def twice(value: object):
    return [value, value]
"""

OPERATORS_PLUGIN = """
from raystreaming.plugins import OperatorSpec, hookimpl

@hookimpl
def raystreaming_operators():
    target = "{module}.source:{{}}".format
    yield OperatorSpec(name="dedupe", target=target("Dedupe"), summary="Drop repeats.", aliases=("unique",))
    yield OperatorSpec(name="{other}", target=target("twice"), summary="Twice.")
"""


def operators(module: str, other: str = "twice") -> str:
    return OPERATORS_PLUGIN.format(module=module, other=other)


def test_a_plugins_operators_are_methods_of_streams(site: Site):
    site.install("acme-operators", operators("acme_operators"), source=OPERATORS)
    assert site.lines(
        """
        s = ctx.from_values({"a": 1}, {"a": 1}, {"a": 2})
        print(loaded("acme_operators._plugin"))
        s.dedupe(key="a").twice().collect()
        print(ctx.execute().result())
        print(repr(s.dedupe(key="a")), repr(s.unique(key="b")), repr(s.key_by(len).dedupe(key="a")))
        print({"dedupe", "unique", "twice", "map", "write_print"} <= set(dir(s)))
        print(error(lambda: s.dedupe(kye="a")))
        print(error(lambda: s.dedup))
        print(error(lambda: s.flatmap))
        print(error(lambda: s._repr_html_))
        """
    ) == [
        "[]",
        "[{'a': 1}, {'a': 1}, {'a': 2}, {'a': 2}]",
        "<DataStream of dedupe> <DataStream of unique> <DataStream of dedupe>",
        "True",
        "OptionError: Dedupe: unknown option 'kye' (did you mean 'key'?); missing option 'key'",
        "AttributeError: 'DataStream' object has no attribute 'dedup' (did you mean 'dedupe'?)",
        "AttributeError: 'DataStream' object has no attribute 'flatmap' (did you mean 'flat_map'?)",
        "AttributeError: 'DataStream' object has no attribute '_repr_html_'",
    ]


@pytest.mark.parametrize("name", ["map", "reduce", "set_parallelism", "write_twice", "_twice"])
def test_an_operator_that_streams_have_already_is_refused_and_nothing_else(site: Site, name: str):
    site.install("acme-operators", operators("acme_operators", name), source=OPERATORS)
    done = site.run(
        f"""
        from raystreaming.plugins.registry import registry
        s = ctx.from_values({{"a": 1}}, {{"a": 1}})
        s.dedupe(key="a").map(str).collect()
        print(ctx.execute().result(), "{name}" in registry().names("operator"))
        print(error(lambda: registry().operator("{name}")))
        from raystreaming.cli.main import main
        print(main(["plugins"]))
        """
    )
    says = f"operator {name!r} of acme-operators cannot be called so, as streams have that name themselves"
    assert done.returncode == 0, done.stderr
    first, second, *listing, status = done.stdout.splitlines()
    assert first == "[\"{'a': 1}\"] False"
    assert second.startswith(f"PluginConflict: {says}: use its class with stream.apply(...)")
    assert done.stderr.count(says) == 1
    assert [line.split()[0] for line in listing if "acme-operators 1.2" in line] == ["stream.dedupe"]
    assert listing[-1].startswith(says)
    assert status == "1"


def test_two_dists_with_one_operator_are_both_named_and_only_that_name_is_blocked(site: Site):
    site.install("acme-operators", operators("acme_operators"), source=OPERATORS)
    site.install("zeta-operators", operators("zeta_operators", "double"), source=OPERATORS)
    assert site.lines(
        """
        s = ctx.from_values(1)
        print(error(lambda: s.dedupe(key="a")))
        print(repr(s.twice()), repr(s.double()))
        """
    ) == [
        "PluginConflict: operator 'dedupe' is provided by acme-operators and zeta-operators: "
        "uninstall one of them, e.g. pip uninstall zeta-operators, or choose with "
        "RAYSTREAMING_PREFER=dedupe=acme-operators",
        "<DataStream of twice> <DataStream of double>",
    ]


def test_a_plugin_that_is_in_use_by_several_threads_is_loaded_once(site: Site):
    site.install(
        "raystreaming-acme",
        'import os\nos.write(1, b"loaded\\n")' + PLUGIN.format(name="acme", module="raystreaming_acme"),
    )
    assert site.lines(
        """
        import threading
        ts = [threading.Thread(target=lambda: StreamingContext().read_acme(1)) for _ in range(8)]
        [t.start() for t in ts]; [t.join() for t in ts]
        """
    ) == ["loaded"]
