"""Imports of the installed core point one way: DESIGN.md section 2, checked in the syntax trees."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(importlib.util.find_spec("raystreaming").submodule_search_locations[0])

# What each part may import, beside itself. A name with a dot is that module only.
BASE = {"errors", "units"}
OPERATOR_BASES = {
    f"connector.{name}"
    for name in ("factory", "function", "on_error", "operator", "partition", "rejecting", "sink", "source")
}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "units": {"errors"},
    "failpoints": set(),
    "records": BASE,
    "connector": BASE | {"records"},
    "plugins": BASE
    | {"connector", "records", "operators.function_state", "operators.user_function", "operators.sink"},
    "state": BASE | {"records"},
    "operators": BASE | OPERATOR_BASES | {"records", "state"},
    "graph": BASE | {"connector", "operators"},
    "api": BASE | {"connector", "graph", "observe", "operators", "plugins"},
    "checkpoint": BASE | {"records", "state", "failpoints"},
    "engine": BASE
    | {"checkpoint.manifest", "connector", "failpoints", "graph", "operators", "records", "state"},
    "observe": BASE,
    "runtime": BASE
    | {
        "checkpoint",
        "connector",
        "engine",
        "failpoints",
        "graph",
        "observe",
        "operators",
        "plugins.hookspecs",  # what a check is
        "plugins.builtin.collect",  # the sink whose rows come back to the driver
        "records",
        "state",
    },
    "cli": BASE | {"api", "checkpoint", "connector", "graph", "observe", "plugins"},
    "tests": set(),  # functions that programs of Ray Streaming name; no tests
    "testing": BASE | {"api", "checkpoint", "connector", "graph", "plugins", "records"},
    "__main__": {"cli"},
    "__init__": {"api", "connector.function", "errors", "operators.aggregates", "records"},
}
# Lazily, inside a function: file, what it may import there.
LAZY = {("api/context.py", "runtime")}

# What pure code may not touch.
IMPURE = {"asyncio", "multiprocessing", "ray", "selectors", "socket", "subprocess", "threading", "time"}
CONNECTORS = {"raystreaming_files", "raystreaming_hadoop", "raystreaming_java", "raystreaming_kafka"}
HEAVY = {"confluent_kafka", "fsspec", "kafka", "pyarrow", "ray"}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(node: ast.AST, lazy: bool = False) -> Iterator[tuple[str, bool, int]]:
    """Yield every module imported below `node`, whether inside a function, and the line."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, lazy, child.lineno
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"relative import in line {child.lineno}"
            assert child.module is not None
            for alias in child.names:
                inner = f"{child.module}.{alias.name}"
                is_module = (ROOT.parent / (inner.replace(".", "/") + ".py")).is_file() or (
                    ROOT.parent / inner.replace(".", "/")
                ).is_dir()
                yield (inner if is_module else child.module), lazy, child.lineno
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports(child, inside)


FILES = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py"))


def found(file: str) -> list[tuple[str, bool, int]]:
    return list(imports(ast.parse((ROOT / file).read_text(encoding="utf-8"))))


def part_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def test_the_core_has_the_parts_of_the_design():
    parts = {part_of(f) for f in FILES}
    assert {"api", "checkpoint", "connector", "engine", "graph", "operators", "plugins", "records"} <= parts
    assert parts <= ALLOWED.keys(), "a new part needs a line in ALLOWED"


@pytest.mark.parametrize("file", FILES)
def test_imports_point_one_way(file: str):
    part = part_of(file)
    wrong = []
    for module, lazy, line in found(file):
        top, _, rest = module.partition(".")
        if top != "raystreaming" or not rest:
            continue
        target = rest.split(".")[0]
        if (
            target == part
            or target in ALLOWED[part]
            or any(rest == allowed or rest.startswith(f"{allowed}.") for allowed in ALLOWED[part])
        ):
            continue
        if lazy and (file, target) in LAZY:
            continue
        if part in ("cli", "testing") and lazy:
            continue  # commands load what they need when they run
        wrong.append(f"{file}:{line} imports {module}")
    assert wrong == []


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.startswith(("engine/", "operators/", "state/", "graph/"))]
)
def test_pure_parts_have_no_clock_no_thread_and_no_socket(file: str):
    assert [m for m, _, _ in found(file) if m.split(".")[0] in IMPURE] == []


@pytest.mark.parametrize("file", FILES)
def test_the_core_imports_no_connector(file: str):
    assert [m for m, _, _ in found(file) if m.split(".")[0] in CONNECTORS] == []


@pytest.mark.parametrize("file", FILES)
def test_heavy_packages_are_imported_only_when_they_are_needed(file: str):
    heavy = HEAVY - {"ray"} if file.startswith("runtime/ray/") else HEAVY
    assert [m for m, lazy, _ in found(file) if m.split(".")[0] in heavy and not lazy] == []


@pytest.mark.parametrize("file", FILES)
def test_only_the_ray_runtime_knows_ray(file: str):
    if not file.startswith("runtime/ray/"):
        assert [m for m, _, _ in found(file) if m.split(".")[0] == "ray"] == []


@pytest.mark.parametrize("file", [f for f in FILES if not f.startswith("cli/") and f != "__main__.py"])
def test_nothing_imports_the_command_line(file: str):
    assert [m for m, _, _ in found(file) if m.startswith("raystreaming.cli")] == []


@pytest.mark.parametrize("module", ["raystreaming", "raystreaming.connector", "raystreaming.plugins"])
def test_importing_loads_nothing_heavy_and_no_runtime(module: str):
    heavy = (
        HEAVY
        | CONNECTORS
        | {"cloudpickle", "raystreaming.runtime", "raystreaming.engine", "raystreaming.cli"}
    )
    code = f"import sys, {module}; print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_this_test_sees_a_wrong_import():
    tree = ast.parse("def f():\n    from raystreaming import runtime\nimport raystreaming.cli.main\n")
    assert list(imports(tree)) == [("raystreaming.runtime", True, 2), ("raystreaming.cli.main", False, 3)]
    hidden = ast.parse("if TYPE_CHECKING:\n    import pyarrow\n")
    assert list(imports(hidden)) == []
