"""A real JVM, and the classes of tests/classes, compiled for it."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raystreaming import StreamingContext
from raystreaming_java.jvm import our_jars

HERE = Path(__file__).parent
FNS = "com.acme.Fns$"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of compiled classes, as a job's own code is."""
    javac = shutil.which("javac")
    assert javac, "the tests need a JDK: apt-get install openjdk-17-jdk-headless"
    folder = tmp_path_factory.mktemp("classes")
    path = ":".join(map(str, our_jars()))
    sources = sorted(map(str, (HERE / "classes").rglob("*.java")))
    subprocess.run([javac, "--release", "17", "-cp", path, "-d", folder, *sources], check=True)
    return folder


@pytest.fixture
def context(classes: Path) -> Callable[..., StreamingContext]:
    """Makes contexts that know the classes."""
    return functools.partial(StreamingContext, java_classpath=[classes])


@pytest.fixture
def rows_of(context: Callable[..., StreamingContext]) -> Callable[..., list[Any]]:
    """Sends values through some Java operators, given as (method, class, arguments...), and back."""

    def run(values: Any, *operators: tuple[Any, ...]) -> list[Any]:
        ctx = context()
        stream = ctx.from_collection(values).as_java_stream()
        for method, name, *arguments in operators:
            stream = getattr(stream, method)(FNS + name, *arguments)
        stream.as_python_stream().collect()
        return ctx.execute("rows").result()

    return run
