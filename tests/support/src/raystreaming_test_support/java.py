"""Java programs, compiled and run as users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def class_path() -> str:
    """Return the jars that Java programs are compiled against and run with."""
    from raystreaming_java.jvm import our_jars

    return os.pathsep.join(map(str, our_jars()))


def compile_java(folder: Path, *sources: Path) -> None:
    """Compile classes into a folder."""
    javac = shutil.which("javac")
    assert javac, "the tests need a JDK: apt-get install openjdk-17-jdk-headless"
    command = [javac, "--release", "17", "-cp", class_path(), "-d", str(folder), *map(str, sources)]
    subprocess.run(command, check=True)


def java_command(folder: Path, program: str, *arguments: object) -> list[str]:
    """Return the command that runs a compiled program with this Python."""
    path = os.pathsep.join([str(folder), class_path()])
    return ["java", f"-Draystreaming.python={sys.executable}", "-cp", path, program, *map(str, arguments)]
