"""The Kafka broker's jars, from Maven Central, kept in the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from raystreaming_test_support.cache import cache_root, made_once

KAFKA_VERSION = "4.3.1"
"""The broker's version: the newest all of whose jars are on Maven Central."""

MINIMUM_JAVA = 17
"""The oldest Java that Kafka 4 brokers run on."""

_INSTALL = """\
  Debian, Ubuntu:  sudo apt-get install openjdk-17-jdk-headless maven
  macOS:           brew install openjdk@17 maven
                   export JAVA_HOME="$(brew --prefix openjdk@17)\""""

_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>raystreaming</groupId>
  <artifactId>test-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}
  </dependencies>
</project>
"""

_DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId>
      <artifactId>{}</artifactId>
      <version>{}</version>
    </dependency>"""


class ToolError(RuntimeError):
    """Java or Maven is missing, too old, or failed."""


def kafka_home() -> Path:
    """Return the cache folder of this Kafka version; it need not exist yet."""
    return cache_root() / f"kafka-{KAFKA_VERSION}"


def kafka_jars() -> Path:
    """Return the folder of the broker's jars, asking Maven for them the first time.

    Returns:
        A folder with every jar that the broker needs, and nothing else.

    Raises:
        ToolError: Java or Maven is missing, or Maven could not get the jars.
    """
    needed = [
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5",
    ]
    return made_once(kafka_home() / "jars", lambda folder: copy_jars(folder, needed, "the Kafka broker"))


@dataclass(frozen=True)
class Java:
    """A `java` command, and what its `-version` said: that tells builds apart."""

    command: Path
    version: str


def find_java() -> Java:
    """Return the Java to use: that of `JAVA_HOME`, else that on the PATH.

    Raises:
        ToolError: There is none, it does not run, or it is older than 17.
    """
    command = _java_command()
    if command is None:
        raise ToolError(
            f"The Kafka broker needs Java {MINIMUM_JAVA} or later, and `java` is "
            f"neither in JAVA_HOME nor on the PATH. Install it:\n{_INSTALL}"
        )
    answer = _run([str(command), "-version"])
    major = _java_major(answer.stdout)
    if major is None:
        raise ToolError(
            f"`{command} -version` named no version; it said:\n{_tail(answer.stdout)}\n"
            f"The Kafka broker needs Java {MINIMUM_JAVA} or later. "
            f"Install it:\n{_INSTALL}"
        )
    if major < MINIMUM_JAVA:
        raise ToolError(
            f"The Kafka broker needs Java {MINIMUM_JAVA} or later, and {command} is "
            f"Java {major}. Install a newer one:\n{_INSTALL}"
        )
    return Java(command, answer.stdout.strip())


def run_tool(command: list[str], what: str, what_to_do: str) -> None:
    """Run a command-line tool to its end.

    Args:
        command: The command.
        what: What it is for, to begin the error's text.
        what_to_do: What the user can try, for the error's text.

    Raises:
        ToolError: It exits with another status than 0.
    """
    done = _run(command)
    if done.returncode != 0:
        raise ToolError(
            f"{what} failed (exit {done.returncode}). {what_to_do}\n"
            f"The end of what it said:\n{_tail(done.stdout)}"
        )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-20:]) or "(nothing)"


def _java_command() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin/java").is_file():
        return Path(home) / "bin/java"
    found = shutil.which("java")
    return Path(found) if found else None


def _java_major(answer: str) -> int | None:
    """Read the major version: 17 from `"17.0.15"`, 8 from `"1.8.0_292"`."""
    found = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(found.group(1)) if found else None


def copy_jars(folder: Path, needed: list[str], user: str) -> None:
    """Copy Maven artifacts, and what they need to run, into a folder.

    Args:
        folder: An existing empty folder.
        needed: The artifacts, as ``group:artifact:version``.
        user: What they are for, for messages.

    Raises:
        ToolError: Java or Maven is missing, or Maven could not get the jars.
    """
    find_java()
    mvn = shutil.which("mvn")
    if mvn is None:
        raise ToolError(
            f"The jars of {user} come from Maven Central, and `mvn` is not on the PATH. "
            f"Install it:\n{_INSTALL}"
        )
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(dependencies="".join(_DEPENDENCY.format(*n.split(":")) for n in needed)))
    command = [
        mvn,
        "--batch-mode",
        "--strict-checksums",
        "--file",
        str(pom),
        _COPY_DEPENDENCIES,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}",
    ]
    run_tool(
        command,
        f"Getting the jars of {user} with Maven",
        f"See whether this works, then try again:\n  mvn dependency:get -Dartifact={needed[0]}",
    )
    pom.unlink()
