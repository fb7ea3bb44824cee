"""Classes for the jobs with Java in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from raystreaming_test_support.everywhere import SOURCE as EVERYWHERE
from raystreaming_test_support.java import compile_java

SOURCES = Path(__file__).parent / "java"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of these jobs: where their compiled classes are."""
    folder = tmp_path_factory.mktemp("classes")
    compile_java(folder, *SOURCES.glob("*.java"), EVERYWHERE)
    return {"CLASSES": str(folder)}
