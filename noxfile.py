"""The test matrix. `nox` runs it, `nox --tags ci` runs what CI runs, `nox --list` names the sessions.

Packages are found by their pyproject.toml in core/ and connectors/*/: a new connector needs no line here.
Wheels are built once, by `wheels`; every other session installs them and runs a copy of the tests outside the
source tree, so that what is tested is what users install.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import nox
from nox.command import CommandFailed
from packaging.metadata import Metadata
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))
import devtool  # noqa: E402
from devtool import Package  # noqa: E402

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.reuse_venv = "no"
os.environ.update(devtool.UV_ENVIRONMENT)
os.environ.pop("PYTHONPATH", None)  # It could put the source tree in front of the wheels.
# Uv leaves bytecode to the first import. Without it each of thousands of processes compiles for two seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHONS = nox.project.python_versions(nox.project.load_toml(ROOT / "core" / "pyproject.toml"))
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = {package.id: package for package in devtool.published()}
# Test folders with a session of their own; `pipelines` runs every other folder of tests/.
OWN_SESSION = {"docs", "kill", "minimal", "new_user", "ray", "smoke", "support", "typing"}
# What Java programs name as `"raystreaming.tests.test_hybrid_stream", "map_func1"`.
NAMED_LIKE_TESTS = {f"raystreaming/tests/{name}.py" for name in ("__init__", "test_hybrid_stream")}
CI = [devtool.CI_TAG]


def on_pythons(versions: list[str], ci: list[str]) -> list[nox.param]:
    """One parameter per Python version; those in `ci` belong to the CI set."""
    return [nox.param(v, id=v, tags=CI if v in ci else []) for v in versions]


EVERY_PYTHON = on_pythons(
    sorted({*PYTHONS, THIS_PYTHON}, key=lambda v: int(v.split(".")[1])), ci=[THIS_PYTHON]
)
OLDEST_AND_NEWEST = on_pythons([PYTHONS[0], PYTHONS[-1]], ci=[PYTHONS[0], PYTHONS[-1]])


# --- sessions -------------------------------------------------------------------------------------


@nox.session(venv_backend="none", tags=CI)
def wheels(session: nox.Session) -> None:
    """Builds the wheel of every package and checks what is in it."""
    if os.environ.get(devtool.WHEELS_ARE_BUILT):
        session.log("done before, by dev.py")
        return
    try:
        built = devtool.build_wheels(shutil.which("uv"), only_changed=False)
    except SystemExit as e:
        session.error(str(e))
    problems = []
    for package in [*PACKAGES.values(), devtool.support()]:
        problems += wheel_problems(package, published=package.id in PACKAGES)
    if problems:
        session.error("\n".join(["wheels are not as they should be:", *(f"  - {p}" for p in problems)]))
    session.log("checked " + ", ".join(w.name for w in built))


@nox.session(requires=["wheels"], tags=CI)
def ray(session: nox.Session) -> None:
    """tests/ray, and some of the pipelines on Ray; on a cluster of their own.

    Takes longest, so it is declared first: `dev.py test` starts the sessions in this order.
    """
    install_everything(session, extra="ray")
    run_pytest(
        session, [ROOT / "tests" / "ray", ROOT / "tests" / "pipelines"], options=["-m", "ray and not slow"]
    )


@nox.session(tags=CI)
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(requires=["wheels"], tags=CI)
def typing(session: nox.Session) -> None:
    """Mypy and pyright, both strict, on every src folder, and what they say about a program that uses it."""
    session.install(*published_wheels(), *group("typing"), *group("test"), devtool.support().wheel)
    sources = [str(package.folder.relative_to(ROOT) / "src") for package in PACKAGES.values()]
    failed = []
    pyright = ["pyright", "--project", "pyproject.toml", "--pythonpath", str(Path(session.bin) / "python")]
    for command in (["mypy", *sources], pyright):
        try:
            session.run(*command)
        except CommandFailed:  # Show what the other one says, too.
            failed.append(command[0])
    if failed:
        session.error(f"{' and '.join(failed)} found errors")
    run_pytest(session, [ROOT / "tests" / "typing"])


@nox.session(requires=["wheels"])
@nox.parametrize("package", list(PACKAGES), ids=list(PACKAGES))
@nox.parametrize("python", EVERY_PYTHON)
def tests(session: nox.Session, package: str) -> None:
    """The tests of one package, on its wheel."""
    under_test = PACKAGES[package]
    wheels = [PACKAGES["core"].wheel, devtool.support().wheel]
    if package != "core":
        wheels.append(under_test.wheel)
    install(session, wheels, own_group(under_test))
    run_pytest(session, [under_test.folder / "tests"], [PACKAGES["core"], under_test])


@nox.session(requires=["wheels"], default=False)
def kafka_long(session: nox.Session) -> None:
    """What `tests` leaves out of the Kafka package: brokers that are away, topics that were deleted. Slow."""
    kafka = PACKAGES["kafka"]
    wheels = [PACKAGES["core"].wheel, devtool.support().wheel, kafka.wheel]
    install(session, wheels, own_group(kafka))
    run_pytest(session, [kafka.folder / "tests"], [PACKAGES["core"], kafka], options=["-m", "long"])


@nox.session(venv_backend="none", tags=CI)
def java(session: nox.Session) -> None:
    """The JUnit tests of the Java modules; what Maven needs for them it keeps, so that they run offline."""
    mvn = shutil.which("mvn")
    if mvn is None:
        session.error("needs Maven: apt-get install maven openjdk-17-jdk-headless, or brew install maven")
    with session.chdir(PACKAGES["java"].folder):
        session.run(mvn, "--batch-mode", "--quiet", "test", external=True)


@nox.session(requires=["wheels"])
@nox.parametrize("python", EVERY_PYTHON)
def pipelines(session: nox.Session) -> None:
    """The tests across packages: tests/pipelines and every folder of tests/ without a session of its own."""
    install_everything(session)
    run_pytest(session, tests_across())


@nox.session(python=PYTHONS[0], requires=["wheels"])
@nox.parametrize("tested", [*PACKAGES, "pipelines"], ids=[*PACKAGES, "pipelines"])
def oldest(session: nox.Session, tested: str) -> None:
    """As `tests` and `pipelines`, on the oldest Python with every dependency at its declared lower bound."""
    if session.venv_backend != "uv":
        reason = "only uv can install the lowest versions; get it with `pip install uv`"
        if os.environ.get("RAYSTREAMING_CI") == "1":
            session.error(reason)
        session.skip(reason)
    packages = list(PACKAGES.values()) if tested == "pipelines" else [PACKAGES[tested]]
    packages += [package for package in required(packages) if package not in packages]
    wheels = {str(package.wheel) for package in [PACKAGES["core"], *packages]}
    bounds = {need for package in packages for need in dependencies(package)}
    session.install("--resolution", "lowest-direct", *sorted(wheels | bounds))
    # What is installed stays as it is; only the tools of the tests come in their latest versions.
    install(session, [devtool.support().wheel], [need for package in packages for need in own_group(package)])
    session.run("uv", "pip", "freeze")
    run_pytest(session, tests_across() if tested == "pipelines" else [packages[0].folder / "tests"], packages)


@nox.session(requires=["wheels"])
@nox.parametrize("python", OLDEST_AND_NEWEST)
def smoke(session: nox.Session) -> None:
    """A short test of everything, on the oldest and the newest Python."""
    install_everything(session)
    run_pytest(session, [ROOT / "tests" / "smoke"])


@nox.session(requires=["wheels"], tags=CI)
def minimal(session: nox.Session) -> None:
    """The core alone, as `pip install raystreaming` gives it."""
    install(session, [PACKAGES["core"].wheel])
    run_pytest(session, [ROOT / "tests" / "minimal"], [PACKAGES["core"]])


@nox.session(requires=["wheels"], tags=CI)
def docs(session: nox.Session) -> None:
    """The code blocks of README.md and docs/, executed, and the paths and commands that it names."""
    install_everything(session)
    session.env["CHECKOUT"] = str(ROOT)
    run_pytest(session, [ROOT / "tests" / "docs"])


@nox.session(requires=["wheels"], tags=CI)
def support(session: nox.Session) -> None:
    """The tests of the test helpers."""
    install_everything(session)
    run_pytest(session, [devtool.support().folder / "tests"])


@nox.session(venv_backend="none", tags=CI)
def changelog(session: nox.Session) -> None:
    """Every file of changelog.d/ follows the convention of its README."""
    packages = "|".join(["all", *PACKAGES])
    convention = re.compile(rf"[a-z0-9-]+\.({packages})\.(added|changed|deprecated|removed|fixed|docs)\.md")
    fragments = [p for p in sorted((ROOT / "changelog.d").iterdir()) if p.name != "README.md"]
    problems = [
        f"{p.name}: {'is empty' if convention.fullmatch(p.name) else 'is not named TOPIC.PACKAGE.TYPE.md'}"
        for p in fragments
        if not convention.fullmatch(p.name) or not p.read_text(encoding="utf-8").strip()
    ]
    if problems:
        session.error("\n".join(["see changelog.d/README.md:", *(f"  - {p}" for p in problems)]))
    session.log(f"{len(fragments)} fragments")


@nox.session(requires=["wheels"], default=False)
def ray_pipelines(session: nox.Session) -> None:
    """All of tests/pipelines on Ray. Slow."""
    install_everything(session, extra="ray")
    run_pytest(session, [ROOT / "tests" / "pipelines"], options=["-m", "ray"])


@nox.session(requires=["wheels"], default=False)
def ray_kills(session: nox.Session) -> None:
    """What `ray` leaves out of tests/ray; twenty kills in a row of each kind of process; fifty jobs. Slow."""
    install_everything(session, extra="ray")
    session.env["RAYSTREAMING_RAY_KILLS"] = "20"
    session.env["RAYSTREAMING_RAY_JOBS"] = "50"
    run_pytest(session, [ROOT / "tests" / "ray"], options=["-k", "kills or leave or slow or metrics"])


@nox.session(requires=["wheels"], default=False)
def new_user(session: nox.Session) -> None:
    """Java as a new user meets it: only the wheels, a bare Java runtime, a Maven project elsewhere. Slow."""
    install_everything(session)
    wheels = (PACKAGES[package].wheel for package in ("core", "java"))
    session.env["RAYSTREAMING_WHEELS"] = os.pathsep.join(map(str, wheels))
    run_pytest(session, [ROOT / "tests" / "new_user"])


@nox.session(requires=["wheels"], default=False)
def kill_matrix(session: nox.Session) -> None:
    """Every kill at every fail point. Slow."""
    install_everything(session)
    run_pytest(session, [ROOT / "tests" / "kill"])


@nox.session(requires=["wheels"], default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks beside hand-written loops and peers, e.g. `-- word_count --pairs 5`. Slow."""
    install_everything(session)
    session.install(*group("bench"))
    with outside(session, [ROOT / "benchmarks"]):
        check_installed(session, list(PACKAGES.values()))
        session.run("python", "benchmarks", *session.posargs)


# --- installing -----------------------------------------------------------------------------------


def group(name: str) -> list[str]:
    """The requirements of a dependency group of the root pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def dependencies(package: Package) -> list[str]:
    """What a package requires when it is installed without extras."""
    return list(nox.project.load_toml(package.folder / "pyproject.toml")["project"]["dependencies"])


def required(packages: list[Package]) -> list[Package]:
    """Which packages of this checkout others of it require."""
    names = {Requirement(need).name for package in packages for need in dependencies(package)}
    return [package for package in PACKAGES.values() if package.dist in names]


def own_group(package: Package) -> list[str]:
    """What the tests of a package need beside pytest: the group `test` of its own pyproject.toml.

    Our own packages among them come as the wheels under test.
    """
    project = nox.project.load_toml(package.folder / "pyproject.toml")
    if "test" not in project.get("dependency-groups", {}):
        return []
    wheels = {package.dist: package for package in PACKAGES.values()}
    needs = nox.project.dependency_groups(project, "test")
    return [str(wheels[need].wheel) if need in wheels else need for need in needs]


def published_wheels() -> list[str]:
    """The wheels of all packages that users install."""
    return [str(package.wheel) for package in PACKAGES.values()]


def install(session: nox.Session, wheels: list[Path], requirements: list[str] | None = None) -> None:
    """Installs wheels, pytest and what else is needed, in one resolution."""
    session.install(*map(str, wheels), *group("test"), *(requirements or []))


def install_everything(session: nox.Session, extra: str | None = None) -> None:
    """Installs every wheel, core and support with an extra if wished, and what the tests need."""
    needs = {need for package in PACKAGES.values() for need in own_group(package)}
    wheels = [p.wheel for p in PACKAGES.values()]
    if extra is not None:
        needs |= {f"{p.dist}[{extra}]" for p in (PACKAGES["core"], devtool.support())}
    install(session, [*wheels, devtool.support().wheel], sorted(needs))


# --- running outside the source tree --------------------------------------------------------------


def tests_across() -> list[Path]:
    """tests/pipelines, and every other folder of tests/ that has no session of its own."""
    pipelines = ROOT / "tests" / "pipelines"
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in ROOT.glob("tests/*/**/test_*.py")}
    return [pipelines, *(ROOT / "tests" / name for name in sorted(folders - OWN_SESSION - {"pipelines"}))]


@contextlib.contextmanager
def outside(session: nox.Session, folders: list[Path]) -> Iterator[Path]:
    """A temporary copy of test folders, documents and examples, laid out as in the checkout, without src."""
    missing = [str(f.relative_to(ROOT)) for f in folders if not f.is_dir()]
    if missing:
        session.error(f"this session runs {', '.join(missing)}, which does not exist")
    here = Path(tempfile.mkdtemp(prefix="raystreaming-tests-"))
    ignore = shutil.ignore_patterns("__pycache__", ".*_cache", "target")
    try:
        copies = [*folders, *(ROOT / name for name in ("docs", "examples") if (ROOT / name).is_dir())]
        for folder in copies:
            shutil.copytree(folder, here / folder.relative_to(ROOT), ignore=ignore, dirs_exist_ok=True)
            for parent in folder.relative_to(ROOT).parents:
                if (ROOT / parent / "conftest.py").is_file():
                    shutil.copy(ROOT / parent / "conftest.py", here / parent)
        for text in [*ROOT.glob("*.md"), *ROOT.glob("core/*.md"), *ROOT.glob("connectors/*/*.md")]:
            (here / text.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(text, here / text.relative_to(ROOT))
        with session.chdir(here):
            yield here
    finally:
        shutil.rmtree(here, ignore_errors=True)


def run_pytest(
    session: nox.Session,
    folders: list[Path],
    packages: list[Package] | None = None,
    options: Sequence[str] = (),
) -> None:
    """Runs the tests of some folders on the installed wheels; no test collected is a failure."""
    with outside(session, folders) as here:
        check_installed(session, list(PACKAGES.values()) if packages is None else packages)
        # The script, not `python -m`: it puts no working directory on sys.path, on Python 3.10 too.
        session.run(
            "pytest",
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "--rootdir",
            str(here),
            "--override-ini",
            f"cache_dir={here / '.pytest_cache'}",
            *options,
            *(session.posargs or [str(f.relative_to(ROOT)) for f in folders]),
        )


def check_installed(session: nox.Session, packages: list[Package]) -> None:
    """Fails unless the packages are imported from site-packages."""
    names = ", ".join(repr(p.imports) for p in packages)
    session.run(
        "python",
        "-I",
        "-c",
        f"""
import importlib.util, pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path("purelib")).resolve()
for name in ({names},):
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None, f"{{name}} is not installed"
    assert pathlib.Path(spec.origin).resolve().is_relative_to(site), f"{{name}}: {{spec.origin}}"
""",
        silent=True,
        log=False,
    )


# --- what a wheel must be -------------------------------------------------------------------------


def wheel_problems(package: Package, *, published: bool) -> list[str]:
    """What is wrong with a package's wheel."""
    problems = []
    with zipfile.ZipFile(package.wheel) as wheel:
        names = wheel.namelist()
        info = next(n.split("/")[0] for n in names if n.split("/")[0].endswith(".dist-info"))
        metadata_text = wheel.read(f"{info}/METADATA")
        license_file = f"{info}/licenses/LICENSE"
        has_license = license_file in names
        if has_license and wheel.read(license_file) != (ROOT / "LICENSE").read_bytes():
            problems.append("its LICENSE differs from the one at the root")
        entry_points = (
            wheel.read(f"{info}/entry_points.txt").decode() if f"{info}/entry_points.txt" in names else ""
        )
    metadata = Metadata.from_email(metadata_text)  # Raises on a field that an index would refuse.
    if strange := sorted({n.split("/")[0] for n in names} - {package.imports, info}):
        problems.append(f"it installs more than its own package: {', '.join(strange)}")
    if not published:
        return [f"{package.dist}: {p}" for p in problems]
    if not has_license:
        problems.append("it carries no LICENSE")
    if f"{package.imports}/py.typed" not in names:
        problems.append("it has no py.typed")
    held = [n for n in names if n not in NAMED_LIKE_TESTS]
    if tests := [n for n in held if re.search(r"(^|/)(tests|test_[^/]*\.py|conftest\.py)(/|$)", n)]:
        problems.append(f"it holds tests: {', '.join(tests)}")
    if not (metadata.summary and metadata.description and metadata.license_expression == "Apache-2.0"):
        problems.append("its metadata lacks a summary, a description or the license")
    requirements = metadata.requires_dist or []
    if package.id == "core":
        problems += extra_problems(requirements)
    else:
        bounds = [{s.operator for s in r.specifier} for r in requirements if r.name == "raystreaming"]
        if bounds != [{">=", "<"}]:
            problems.append("it must require raystreaming with a lower and an upper bound")
        if not re.search(rf"\[raystreaming\.plugins\]\s(.*\s)*{package.id} ?=", entry_points):
            problems.append(f"it has no entry point {package.id!r} in the group raystreaming.plugins")
    return [f"{package.dist}: {p}" for p in problems]


def extra_problems(requirements: list[Requirement]) -> list[str]:
    """Whether the extra `all` is every other extra together."""
    everything: set[str] = set()
    union: set[str] = set()
    for requirement in requirements:
        if extra := re.search(r'extra == "([^"]+)"', str(requirement.marker)):
            (everything if extra[1] == "all" else union).add(f"{requirement.name}{requirement.specifier}")
    if everything == union:
        return []
    return [f"the extra `all` is not the others together: {', '.join(sorted(everything ^ union))} differ"]
