"""The whole package of docs/plugins.md, as an author follows it: built, installed, used."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_to_end

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text()
SECTION = GUIDE[GUIDE.index("## A whole package") : GUIDE.index("## Sources and sinks")]
FILES = dict(re.findall(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL))
USE = re.findall(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)[-1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of programs that have the package installed."""
    folder = tmp_path_factory.mktemp("package")
    (empty,) = re.findall(r"an empty `([\w./-]+)`", SECTION)
    for name, text in {**FILES, empty: ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_to_end([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=folder, timeout=100)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return {"PYTHONPATH": str(folder / "site"), "RAYSTREAMING_STRICT_PLUGINS": "1"}


def python(code: str, folder: Path, env: dict[str, str]) -> str:
    return run_to_end([sys.executable, "-c", code], cwd=folder, env=env, timeout=60).stdout


def test_it_is_as_short_as_the_guide_says():
    lines = [line for text in FILES.values() for line in text.splitlines() if line.strip()]
    assert len(FILES) == 3
    assert len(lines) <= 45


def test_it_is_used_by_name(installed, tmp_path):
    python(USE, tmp_path, installed)


def test_it_is_in_help_and_in_completion(installed, tmp_path):
    code = """
from raystreaming import StreamingContext
ctx = StreamingContext()
print("read_weather" in dir(ctx), "fahrenheit" in dir(ctx.from_values(1)))
help(ctx.read_weather)
help(ctx.from_values(1).fahrenheit)
"""
    told = python(code, tmp_path, installed)
    assert told.startswith("True True\n")
    stream = "raystreaming.api.stream.DataStream"
    assert f"read_weather(path: str) -> {stream}\n    Read measurements of weather stations" in told
    assert "path: File with lines of station, comma and degrees. (required)" in told
    assert f"fahrenheit(*, digits: int = 0) -> {stream}\n    Turn degrees Celsius into Fahrenheit." in told


def test_the_command_lists_it(installed, tmp_path):
    command = [sys.executable, "-m", "raystreaming", "plugins"]
    told = run_to_end(command, cwd=tmp_path, env=installed, timeout=60).stdout
    assert re.search(r"ctx.read_weather +raystreaming-weather 1.0 +Measurements of weather", told)
