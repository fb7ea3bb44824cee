"""What `dev.py` and `noxfile.py` share: the packages of this checkout, their wheels, and the tools they need.

Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import side_by_side

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
DEV = ROOT / ".dev"
VENV = DEV / "venv"
PYTHON = VENV / "bin" / "python"

JAVA_VERSION = 17
CI_TAG = "ci"
WHEELS_ARE_BUILT = "RAYSTREAMING_WHEELS_ARE_BUILT"
# uv gets no Python by itself, and trusts the certificates that the machine trusts, as pip does.
UV_ENVIRONMENT = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "true"}


# --- packages and wheels --------------------------------------------------------------------------


@dataclass(frozen=True)
class Package:
    """One folder with a pyproject.toml that is built into a wheel."""

    folder: Path

    @property
    def id(self) -> str:
        """The short name: core, kafka, files, support."""
        return self.folder.name

    @property
    def dist(self) -> str:
        """The name of the distribution, read without a TOML parser (Python 3.10 has none)."""
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        found = re.search(r'^name\s*=\s*"([^"]+)"', text, re.MULTILINE)
        if found is None:
            raise SystemExit(f"{self.folder / 'pyproject.toml'} has no project name")
        return found[1]

    @property
    def imports(self) -> str:
        """The name of the import package."""
        return self.dist.replace("-", "_")

    @property
    def wheel(self) -> Path:
        """The wheel of this package in dist/."""
        found = sorted(DIST.glob(f"{self.imports}-*.whl"))
        if not found:
            raise SystemExit(f"dist/ holds no wheel of {self.dist}; build it with `nox -s wheels`")
        return found[-1]

    def fingerprint(self) -> str:
        """A hash of every file that can change the wheel."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder).parts
            left_out = any(part in {"tests", "target", "__pycache__"} or part[0] == "." for part in inside)
            if path.is_file() and not left_out:
                digest.update("/".join(inside).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def published() -> list[Package]:
    """The packages that users install: the core, then the connectors."""
    return [
        Package(ROOT / "core"),
        *(Package(p.parent) for p in sorted(ROOT.glob("connectors/*/pyproject.toml"))),
    ]


def support() -> Package:
    """The package of helpers that only the tests and the demo install."""
    return Package(ROOT / "tests" / "support")


def of_the_demo() -> list[Package]:
    """What the demo needs; none of it is built with Java, as it needs none with a Kafka of one's own."""
    return [p for p in [*published(), support()] if p.id in {"core", "kafka", "files", support().id}]


def build_wheels(
    uv: str | None, *, only_changed: bool, packages: Sequence[Package] | None = None
) -> list[Path]:
    """Builds wheels into dist/ and returns their paths.

    Args:
        uv: The uv to build with, or None for this interpreter's pip.
        only_changed: Keep a wheel whose package has not changed since it was built.
        packages: What to build; None for everything.
    """
    packages = packages or [*published(), support()]
    missing = [p.folder.relative_to(ROOT) for p in packages if not (p.folder / "pyproject.toml").is_file()]
    if missing:
        raise SystemExit(
            f"this checkout is not complete: {', '.join(map(str, missing))} holds no pyproject.toml"
        )
    DIST.mkdir(exist_ok=True)
    stamp = DIST / ".stamp.json"
    built: dict[str, str] = {}
    if only_changed and stamp.is_file():
        built = json.loads(stamp.read_text(encoding="utf-8"))
    wheels = []
    for package in packages:
        fingerprint = package.fingerprint()
        old = sorted(DIST.glob(f"{package.imports}-*.whl"))
        if len(old) != 1 or built.get(package.dist) != fingerprint:
            with tempfile.TemporaryDirectory(dir=DIST, prefix=".build-") as out:
                say(f"building {package.dist}")
                if uv is not None:
                    call(
                        [
                            uv,
                            "build",
                            "--quiet",
                            "--wheel",
                            "--python",
                            sys.executable,
                            "--out-dir",
                            out,
                            package.folder,
                        ]
                    )
                else:
                    call(
                        [
                            sys.executable,
                            "-m",
                            "pip",
                            "wheel",
                            "--quiet",
                            "--no-deps",
                            "-w",
                            out,
                            package.folder,
                        ]
                    )
                (new,) = Path(out).glob("*.whl")
                for wheel in old:
                    wheel.unlink()
                new.rename(DIST / new.name)
            built[package.dist] = fingerprint
            stamp.write_text(json.dumps(built, indent=1), encoding="utf-8")
        wheels.append(package.wheel)
    return wheels


# --- what has to be there -------------------------------------------------------------------------


@dataclass(frozen=True)
class Missing:
    """A tool that was not found, and what installs it."""

    what: str
    apt: str
    brew: str


def missing_tools(*, java: bool) -> list[Missing]:
    """Everything that has to be installed before the command can run, all at once."""
    missing = []
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append(
            Missing(
                f"the modules venv and ensurepip of {sys.executable}",
                "python3-venv",
                "python",
            )
        )
    if java:
        found = java_version()
        if found is None or found < JAVA_VERSION:
            has = "no java was found" if found is None else f"found Java {found}"
            missing.append(
                Missing(
                    f"Java {JAVA_VERSION} or newer, which runs the Kafka broker ({has})",
                    "openjdk-17-jdk-headless",
                    "openjdk@17",
                )
            )
        if shutil.which("mvn") is None:
            missing.append(Missing("Maven (mvn), which fetches the Kafka broker", "maven", "maven"))
    return missing


def java_version() -> int | None:
    """The major version of the Java that would be started, or None."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else "java"
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found[1]) if done.returncode == 0 and found else None


def check_tools(*, java: bool, instead: str = "") -> None:
    """Ends with one message that names everything missing; returns if nothing is."""
    missing = missing_tools(java=java)
    if not missing:
        return
    lines = ["Missing on this machine:", *(f"  - {m.what}" for m in missing)]
    lines.append("Install it, on Debian or Ubuntu:")
    lines.append("  sudo apt-get install " + " ".join(m.apt for m in missing))
    lines.append("or on macOS:")
    lines.append("  brew install " + " ".join(m.brew for m in missing))
    if any("Java" in m.what for m in missing):
        lines.append("(brew prints how to put openjdk@17 on the PATH.)")
        if instead:
            lines.append(instead)
    raise SystemExit("\n".join(lines))


# --- the environment in .dev/venv -----------------------------------------------------------------


def ensure_venv() -> None:
    """Makes .dev/venv with this interpreter, or keeps it if this interpreter made it."""
    made_by = DEV / "made-by"
    me = f"{sys.version}\n{Path(sys.executable).resolve()}\n"
    if PYTHON.is_file() and made_by.is_file() and made_by.read_text(encoding="utf-8") == me:
        return
    say(f"making {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}")
    shutil.rmtree(DEV, ignore_errors=True)
    DEV.mkdir()
    # A venv made from inside another one starts from that one's base.
    call([sys.executable, "-m", "venv", VENV])
    made_by.write_text(me, encoding="utf-8")


def ensure_tools(*groups: str) -> None:
    """Installs the named dependency groups of the root pyproject.toml into .dev/venv, once."""
    wanted = sorted({need for group in groups for need in dependency_group(group)})
    done = DEV / "tools.json"
    have = json.loads(done.read_text(encoding="utf-8")) if done.is_file() else []
    new = [need for need in wanted if need not in have]
    if new:
        say(f"installing {', '.join(new)}")
        call([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *new])
        done.write_text(json.dumps(sorted({*have, *new})), encoding="utf-8")


def dependency_group(name: str) -> list[str]:
    """The requirements of a dependency group that is written on one line (Python 3.10 has no TOML parser)."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(rf"^{name} = (\[.*\])$", text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"pyproject.toml has no dependency group {name} on one line")
    return list(json.loads(found[1]))


def install_wheels(wheels: list[Path]) -> None:
    """Installs the wheels into .dev/venv, unless exactly these are there."""
    content = json.dumps([[w.name, hashlib.sha256(w.read_bytes()).hexdigest()] for w in wheels])
    done = DEV / "wheels.json"
    if done.is_file() and done.read_text(encoding="utf-8") == content:
        return
    say("installing " + ", ".join(w.name.split("-")[0].replace("_", "-") for w in wheels))
    again = [f"--reinstall-package={p.dist}" for p in [*published(), support()]]
    call([VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON, *again, *wheels])
    done.write_text(content, encoding="utf-8")


def tool_environment() -> dict[str, str]:
    """The environment for nox: .dev/venv first; pyenv's interpreters, and those beside this one, last."""
    env = {**os.environ, **UV_ENVIRONMENT}
    env.pop("PYTHONPATH", None)
    env.pop("PYTHONHOME", None)
    pyenv = Path(env.get("PYENV_ROOT") or Path.home() / ".pyenv")
    beside = Path(sys.base_prefix).parent.glob("*/bin/python3")
    interpreters = sorted({*pyenv.glob("versions/*/bin"), *(python.parent for python in beside)})
    env["PATH"] = os.pathsep.join([str(VENV / "bin"), env.get("PATH", os.defpath), *map(str, interpreters)])
    env["VIRTUAL_ENV"] = str(VENV)
    env["NOX_DOWNLOAD_PYTHON"] = "never"
    return env


# --- commands -------------------------------------------------------------------------------------


def demo(options: argparse.Namespace, rest: list[str] | None) -> NoReturn:
    """Kafka to Parquet, from nothing."""
    del rest
    check_tools(
        java=options.servers is None,
        instead="Or use a Kafka that runs already: python3 dev.py demo --servers HOST:PORT",
    )
    ensure_venv()
    ensure_tools("build-tool")
    wheels = build_wheels(str(VENV / "bin" / "uv"), only_changed=True, packages=of_the_demo())
    install_wheels(wheels)
    arguments = ["--messages", str(options.messages)]
    if options.servers is not None:
        arguments += ["--servers", options.servers]
    if options.keep is not None:
        arguments += ["--keep", os.path.abspath(options.keep)]
    replace_process([PYTHON, ROOT / "examples" / "demo.py", *arguments], tool_environment())


def test(options: argparse.Namespace, rest: list[str] | None) -> NoReturn:
    """What CI runs, or nox with the arguments after `--`."""
    del options
    check_tools(
        java=not rest
    )  # A session chosen by name may do without; the broker's own message covers the rest.
    ensure_venv()
    ensure_tools("nox", "build-tool")
    env = tool_environment()
    nox = [PYTHON, "-m", "nox", "--noxfile", ROOT / "noxfile.py"]
    if rest is not None:
        replace_process([*nox, *rest], env)
    strict = ["--error-on-missing-interpreters"] if env.get("RAYSTREAMING_CI") == "1" else []
    listed = subprocess.run(
        [*nox, "--tags", CI_TAG, "--list-sessions", "--json"],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if listed.returncode != 0:
        raise SystemExit(listed.returncode)
    sessions = [entry["session"] for entry in json.loads(listed.stdout)]
    say("nox sessions: " + ", ".join(sessions))
    say(
        "one of them: `python3 dev.py test -- -s NAME`; all of them on every Python: `python3 dev.py test --`"
    )
    # First, and once: the others need the wheels.
    commands = {name: side_by_side.Command(name, [*nox, *strict, "--sessions", name]) for name in sessions}
    status = side_by_side.run_all([commands.pop("wheels")], env)
    if status == 0:
        status = side_by_side.run_all(commands.values(), {**env, WHEELS_ARE_BUILT: "1"})
    raise SystemExit(status)


def main() -> NoReturn:
    """Reads the command line and runs the command."""
    if os.name != "posix":
        raise SystemExit("dev.py works on Linux and macOS; on Windows, run it inside WSL.")
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Runs the demo and the tests of this checkout.",
        epilog="Everything it makes is in .dev/, .nox/ and dist/.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | test")
    one = commands.add_parser("demo", help="Kafka to Parquet with the code of this checkout")
    one.add_argument(
        "--servers",
        metavar="HOST:PORT",
        help="use this Kafka; without it a broker is started, and stopped at the end",
    )
    one.add_argument(
        "--messages",
        type=int,
        default=10_000,
        metavar="N",
        help="how many events the sample topic gets (default: %(default)s)",
    )
    one.add_argument("--keep", metavar="DIR", help="leave the Parquet files in this folder")
    one.set_defaults(run=demo)
    two = commands.add_parser(
        "test",
        help="the nox sessions that CI runs",
        usage="dev.py test [-- nox arguments]",
        epilog="Example: python3 dev.py test -- -s lint",
    )
    two.set_defaults(run=test)
    arguments, rest = sys.argv[1:], None
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, rest = arguments[:cut], arguments[cut + 1 :]
    options = parser.parse_args(arguments)
    if rest is not None and options.run is not test:
        parser.error("only `test` takes arguments after --")
    options.run(options, rest)
    raise SystemExit(0)


# --- processes ------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Prints a line about what is happening."""
    print(f"dev.py: {text}", flush=True)


def call(command: list[str | Path]) -> None:
    """Runs a command; if it fails, says which one and ends."""
    env = {**os.environ, **UV_ENVIRONMENT}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(list(map(str, command)), env=env, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(
            f"dev.py: this command failed with exit status {done.returncode}: {shlex.join(map(str, command))}"
        )


def replace_process(command: list[str | Path], env: dict[str, str]) -> NoReturn:
    """Becomes the command, so that Ctrl-C and signals reach it and nobody else."""
    sys.stdout.flush()
    sys.stderr.flush()
    words = list(map(str, command))
    os.execve(words[0], words, env)
