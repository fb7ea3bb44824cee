"""A JDK, for the Java that documents show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from raystreaming_test_support import java
from raystreaming_test_support.killing import run_to_end

FRAGMENT = """
import io.ray.streaming.api.context.*;
import io.ray.streaming.api.function.impl.*;
import io.ray.streaming.api.stream.*;
import java.util.*;

public class Fragment {{
{classes}
  public static void main(String[] args) {{
{code}
  }}
}}
"""


def compiled(folder: Path, **sources: str) -> None:
    """Compiles classes, given as name and text, into a folder."""
    for name, text in sources.items():
        (folder / f"{name}.java").write_text(text)
    java.compile_java(folder, *(folder / f"{name}.java" for name in sources))


@pytest.fixture
def compile_java() -> Callable[..., None]:
    return compiled


@pytest.fixture
def run_java(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a Java program: a whole class, or some statements and classes that they need."""

    def run(code: str, classes: str = "", name: str = "Fragment") -> list[str]:
        whole = code if name != "Fragment" else FRAGMENT.format(code=code, classes=classes)
        compiled(tmp_path, **{name: whole})
        return run_to_end(java.java_command(tmp_path, name), cwd=tmp_path, timeout=60).stdout.splitlines()

    return run
