"""A real JVM, and the classes of tests/classes, compiled for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.java import compile_java

HERE = Path(__file__).parent
FNS = "com.acme.Fns$"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of compiled classes, as a job's own code is."""
    folder = tmp_path_factory.mktemp("classes")
    compile_java(folder, *sorted((HERE / "classes").rglob("*.java")))
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
