"""Classes for the job with Java in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from raystreaming_test_support.java import compile_java

SOURCES = Path(__file__).parent / "java"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the job: where its compiled classes are."""
    folder = tmp_path_factory.mktemp("classes")
    compile_java(folder, *SOURCES.glob("*.java"))
    return {"CLASSES": str(folder)}
