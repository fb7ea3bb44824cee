"""Classes for the job with Java in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "java"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the job: where its compiled classes are."""
    from raystreaming_java.jvm import our_jars

    folder = tmp_path_factory.mktemp("classes")
    path = ":".join(map(str, our_jars()))
    subprocess.run(
        ["javac", "--release", "17", "-cp", path, "-d", folder, *SOURCES.glob("*.java")], check=True
    )
    return {"CLASSES": str(folder)}
