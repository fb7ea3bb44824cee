"""``raystreaming doctor``: finds what is wrong with an installation or a cluster, and how to mend it."""

from __future__ import annotations

import argparse
import importlib.util
import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import partial

from raystreaming import __version__
from raystreaming.cli.parsers import Commands, add_command
from raystreaming.errors import RayStreamingError
from raystreaming.plugins import Check
from raystreaming.plugins.registry import registry

_EPILOG = """
    Each check is a line that begins with ok or problem; the exit status is 1
    if there is a problem.

    examples:
      raystreaming doctor          this installation, and the cluster it is in
      raystreaming doctor --ray 10.0.0.5:6379 --checkpoint-dir /mnt/state
      raystreaming doctor --fix
"""


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "doctor", "find what is wrong, and how to mend it", _EPILOG)
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="the cluster; by default the one of RAY_ADDRESS, else the one on this machine, if there is one",
    )
    parser.add_argument("--checkpoint-dir", metavar="DIR", help="try out that all nodes see one folder")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended here: file modes")
    parser.set_defaults(command=examine)


def examine(options: argparse.Namespace) -> int:
    """Run all checks, each for itself, and print a line or more for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # plugins that do not load are among the checks
        registry().load_all()
    failed = sum(not _passes(check) for check in _local_checks(options.fix))
    for check in _ray_checks(options):
        failed += not _passes(check)
    return 1 if failed else 0


def _passes(check: Check) -> bool:
    try:
        problems = list(check.run())
    except Exception as error:
        problems = [f"the check itself failed: {type(error).__name__}: {error}"]
    for problem in problems:
        print(f"problem  {check.name}: {problem}")
    if not problems:
        print(f"ok       {check.name}")
    return not problems


def _local_checks(fix: bool) -> list[Check]:
    about = f"raystreaming {__version__}, Python {platform.python_version()}"
    return [
        Check(name=f"{about}: requirements", run=_unmet),
        Check(name=f"plugins: {', '.join(_dists()[1:]) or 'none but the built-in'}", run=_broken_plugins),
        *registry().checks(),
        Check(name="Ray's token file", run=partial(_open_token, fix)),
    ]


def _dists() -> list[str]:
    """Return the core's and every plugin's distribution."""
    return ["raystreaming", *sorted({r.dist for r in registry().all()} - {"raystreaming"})]


def _unmet() -> Iterator[str]:
    """What `pip check` says of our packages."""
    if importlib.util.find_spec("pip") is None:
        return
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        dist = line.split(" ")[0]
        if dist in _dists():
            yield f"{line} Mend it with: pip install --upgrade {dist}"


def _broken_plugins() -> Iterator[str]:
    for failure in registry().failures:
        yield (
            f"{failure.name} of {failure.dist} {failure.version} does not load: "
            f"{type(failure.error).__name__}: {failure.error}: pip install --force-reinstall {failure.dist} "
            f"(`raystreaming plugins` shows the traceback)"
        )
    yield from registry().conflicts()


def _open_token(fix: bool) -> Iterator[str]:
    if importlib.util.find_spec("ray") is None:
        return
    from raystreaming.runtime.ray.node_facts import is_open, token_file

    file = token_file()
    if is_open(file) and fix:
        file.chmod(0o600)
        print(f"mended   {file}: only its owner may read it now")
    elif is_open(file):
        mode = file.stat().st_mode & 0o777
        yield (
            f"{file} has mode {mode:04o}: other users of this machine can read the token that lets them run "
            f"code as you: chmod 600 {file}, or raystreaming doctor --fix"
        )


def _ray_checks(options: argparse.Namespace) -> list[Check]:
    if importlib.util.find_spec("ray") is None:
        return [Check(name="Ray is not installed: jobs run in one process", run=lambda: _wanted(options.ray))]
    from raystreaming.runtime.ray import lookup
    from raystreaming.runtime.ray.doctor import cluster_checks

    try:
        lookup.join(options.ray)
    except RayStreamingError as error:
        text = str(error)
        if "Could not find any running Ray" in text and not options.checkpoint_dir:
            return [Check(name="no Ray cluster on this machine: none to check", run=lambda: ())]
        return [Check(name="cluster", run=lambda: [text])]
    try:
        return cluster_checks(_dists(), options.checkpoint_dir)
    except Exception as error:
        why = f"the nodes could not be asked: {type(error).__name__}: {error}"
        return [Check(name="cluster", run=lambda: [why])]


def _wanted(address: str | None) -> Iterator[str]:
    if address:
        yield "it is needed to look at a cluster: pip install 'raystreaming[ray]'"
