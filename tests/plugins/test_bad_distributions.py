"""Distributions that are broken, built and installed: each is named exactly, and harms nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EVERY = sorted(p.parent.name for p in HERE.glob("*/pyproject.toml"))
PRELUDE = """
import warnings
from raystreaming import StreamingContext
ctx = StreamingContext()
def tried(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
def rows(**options):
    ctx = StreamingContext()
    next(iter(options.values()))(ctx).collect()
    return ctx.execute().result()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of each distribution, by its folder's name."""
    out = tmp_path_factory.mktemp("wheels")
    built = {
        name: subprocess.Popen(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out / name)],
            cwd=HERE / name,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in EVERY
    }
    for process in built.values():
        said, _ = process.communicate(timeout=100)
        assert process.returncode == 0, said
    return {name: next((out / name).glob("*.whl")) for name in EVERY}


@pytest.fixture
def run(wheels: dict[str, Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program, or the command, where some of the distributions are installed."""

    def call(
        installed: list[str], code: str | None, *command: str, **env: str
    ) -> subprocess.CompletedProcess[str]:
        for name in installed:
            with zipfile.ZipFile(wheels[name]) as archive:
                archive.extractall(tmp_path)
        program = ["-c", PRELUDE + code] if code is not None else ["-m", "raystreaming", *command]
        path = os.pathsep.join(p for p in (str(tmp_path), os.environ.get("PYTHONPATH")) if p)
        return subprocess.run(
            [sys.executable, *program],
            env={**os.environ, **env, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return call


CATALOGUE = (HERE.parents[1] / "docs" / "errors.md").read_text()
MESSAGES = dict(re.findall(r"<!-- ((?:bad-\w+|twins)) -->\n```text\n(.*?)\n```", CATALOGUE, re.DOTALL))
USES = {"bad-import": "ctx.read_sensors", "bad-hook": "ctx.read_meters", "bad-version": "ctx.read_gauges"}


@pytest.mark.parametrize("name", USES)
def test_a_broken_distribution_is_named_and_the_others_work(run, name: str):
    done = run(
        [name, "good"],
        f"""
print(tried(lambda: {USES[name]}))
print(rows(of=lambda ctx: ctx.read_good()))
""",
    )
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert first == MESSAGES[name]
    assert others == ["[1, 2]"]
    assert "imported" not in done.stderr
    strict = run([name], "dir(ctx)", RAYSTREAMING_STRICT_PLUGINS="1")
    assert strict.returncode == 1
    assert f"of {name} 1.2 cannot be loaded and is left out" in strict.stderr


def test_the_command_lists_what_works_and_shows_what_does_not(run):
    done = run(EVERY, None, "plugins")
    assert done.returncode == 1
    assert "ctx.read_good" in done.stdout
    for name in USES:
        assert f"of {name} 1.2 does not load:" in done.stdout
    assert 'bad_import.py", line 3, in <module>' in done.stdout
    assert "source 'twin' is provided by twin-one and twin-two" in done.stdout


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            "read_good(lsat=3, last='many')",
            "OptionError: Numbers: unknown option 'lsat' (did you mean 'last'?); option 'last' must be int, "
            "got 'many' (str)",
        ),
        ("read_good(last=None)", "OptionError: Numbers: option 'last' must be int, got None (NoneType)"),
        (
            "read_goood()",
            "UnknownConnector: no installed plugin has a source 'goood' (did you mean 'good'?); "
            "installed: {names}",
        ),
        (
            "reed_good()",
            "AttributeError: 'StreamingContext' object has no attribute 'reed_good' "
            "(did you mean 'read_good'?)",
        ),
    ],
)
def test_what_is_mistyped_is_named_and_harms_nothing(run, call: str, said: str):
    code = f"""
print(tried(lambda: ctx.{call}))
print(rows(of=lambda ctx: ctx.read_good(last=3)))
from raystreaming.plugins.registry import registry
print(", ".join(registry().names("source")))
"""
    first, rows, names = run(["good"], code).stdout.splitlines()
    assert first.partition("; more come with")[0] == said.format(names=names)
    assert rows == "[1, 2, 3]"


TWINS = ["twin-one", "twin-two"]
USE = "print(tried(lambda: rows(of=lambda ctx: ctx.read_twin())))"


def test_two_distributions_with_one_name_block_it_until_one_is_preferred(run):
    done = run([*TWINS, "good"], USE + "\nprint(rows(of=lambda ctx: ctx.read_good()))")
    assert done.stdout.splitlines() == [
        MESSAGES["twins"],
        "[1, 2]",
    ]


@pytest.mark.parametrize(
    ("prefer", "said"),
    [
        ("twin=twin-one", "[1]"),
        ("other=x, twin=Twin_Two", "[2]"),
        (
            "twin=twin-tow",
            "PluginError: RAYSTREAMING_PREFER gives 'twin' to twin-tow, which does not provide it (did you "
            "mean 'twin-two'?): twin-one and twin-two do",
        ),
        ("twin", "PluginError: RAYSTREAMING_PREFER has 'twin': write name=distribution, separated by commas"),
    ],
)
def test_preferring_one(run, prefer: str, said: str):
    assert run(TWINS, USE, RAYSTREAMING_PREFER=prefer).stdout == f"{said}\n"


@pytest.mark.parametrize("before", ["", "dir(ctx)\n"])
@pytest.mark.parametrize(
    ("prefer", "said"), [("", "[1, 2]"), ("good=good-plugin", "[1, 2]"), ("good=acme-good", "[7]")]
)
def test_a_name_is_that_of_the_entry_called_so_or_of_the_preferred_whatever_was_loaded_before(
    run, before: str, prefer: str, said: str
):
    code = before + "print(rows(of=lambda ctx: ctx.read_good()))"
    done = run(["good", "acme-good"], code, RAYSTREAMING_PREFER=prefer)
    assert (done.stdout, done.returncode) == (f"{said}\n", 0), done.stderr


def test_only_the_plugins_that_the_environment_names_are_loaded(run):
    code = "print(tried(lambda: ctx.read_good()))\nprint(tried(lambda: ctx.read_sensors))"
    done = run(["bad-import", "good"], code, RAYSTREAMING_PLUGINS="good", RAYSTREAMING_STRICT_PLUGINS="1")
    assert done.stdout.splitlines() == [
        "<DataStream of read_good>",
        "UnknownConnector: source 'sensors' is installed, and RAYSTREAMING_PLUGINS leaves it out: add it "
        "there, or unset it",
    ]
    code = "print(tried(lambda: ctx.read_good()))\nprint(tried(lambda: ctx.read_nosuch))"
    done = run(["good"], code + "\nprint(rows(of=lambda ctx: ctx.from_values(1)))", RAYSTREAMING_PLUGINS="")
    first, second, third = done.stdout.splitlines()
    assert first.startswith(
        "UnknownConnector: source 'good' is installed, and RAYSTREAMING_PLUGINS leaves it out"
    )
    assert second.startswith("UnknownConnector: no installed plugin has a source 'nosuch'")
    assert third == "[1]"
    done = run(["good"], code, RAYSTREAMING_PLUGINS="goood")
    assert done.stdout.splitlines()[0].startswith(
        "PluginError: RAYSTREAMING_PLUGINS names 'goood' (did you mean 'good'?), which is not installed"
    )
