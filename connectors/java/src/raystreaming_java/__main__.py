"""``python -m raystreaming_java install-maven``: our jars as artifacts for Maven and Gradle."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from raystreaming_java.local_repository import install


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m raystreaming_java")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    maven = commands.add_parser(
        "install-maven", help="put the jars of this package into Maven's local repository, for Gradle too"
    )
    maven.add_argument("--repository", type=Path, metavar="DIR", help="another repository")
    for coordinates in install(parser.parse_args().repository):
        print(coordinates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
