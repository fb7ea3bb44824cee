"""A JDK, for the Java that documents show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from raystreaming_java.jvm import our_jars
from raystreaming_test_support.killing import run_to_end

CLASS_PATH = ":".join(map(str, our_jars()))
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
    javac = shutil.which("javac")
    assert javac, "the tests need a JDK: apt-get install openjdk-17-jdk-headless"
    for name, text in sources.items():
        (folder / f"{name}.java").write_text(text)
    files = [folder / f"{name}.java" for name in sources]
    subprocess.run([javac, "--release", "17", "-cp", CLASS_PATH, "-d", folder, *files], check=True)


@pytest.fixture
def compile_java() -> Callable[..., None]:
    return compiled


@pytest.fixture
def run_java(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a Java program: a whole class, or some statements and classes that they need."""

    def run(code: str, classes: str = "", name: str = "Fragment") -> list[str]:
        whole = code if name != "Fragment" else FRAGMENT.format(code=code, classes=classes)
        compiled(tmp_path, **{name: whole})
        python = f"-Draystreaming.python={sys.executable}"
        command = ["java", python, "-cp", os.pathsep.join([str(tmp_path), CLASS_PATH]), name]
        return run_to_end(command, cwd=tmp_path, timeout=60).stdout.splitlines()

    return run
