"""Java programs, compiled and run as users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def class_path(*beside: str | Path) -> str:
    """Return the jars that Java programs are compiled against and run with, after what is `beside` them."""
    from raystreaming_java.jvm import our_jars

    return os.pathsep.join(map(str, [*beside, *our_jars()]))


def compile_java(folder: Path, *sources: Path, beside: Sequence[str | Path] = ()) -> None:
    """Compile classes into a folder, with those of this package that they use; `beside` are more jars."""
    javac = shutil.which("javac")
    assert javac, "the tests need a JDK: apt-get install openjdk-17-jdk-headless"
    path = class_path(*beside)
    shared = str(Path(__file__).parent)
    options = ["--release", "17", "-cp", path, "-sourcepath", shared, "-d", str(folder)]
    command = [javac, *options, *map(str, sources)]
    subprocess.run(command, check=True)


def java_command(
    folder: Path,
    program: str,
    *arguments: object,
    beside: Sequence[str | Path] = (),
    python: str = sys.executable,
) -> list[str]:
    """Return the command that runs a compiled program, with this Python unless told otherwise."""
    path = class_path(folder, *beside)
    return ["java", f"-Draystreaming.python={python}", "-cp", path, program, *map(str, arguments)]
