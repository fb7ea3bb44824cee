"""What `pip install raystreaming` gives: jobs run, nothing heavy is imported, errors say what to install."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAVY = ["confluent_kafka", "fsspec", "kafka", "pyarrow", "ray"]


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "job.py"
    file.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, str(file)], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_whole_word_count_imports_nothing_it_does_not_need(tmp_path: Path):
    (tmp_path / "words.txt").write_text("to be or not to be\n" * 1000)
    done = run(
        f"""
        import sys
        from raystreaming import StreamingContext

        ctx = StreamingContext(checkpoint_dir="cp", checkpoint_interval="10ms")
        words = ctx.read_text_file("words.txt").flat_map(lambda line: line.split()).map(lambda w: (w, 1))
        counts = words.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(2)
        counts.collect()
        print(sorted(dict(ctx.execute("count").result()).items()))
        print([name for name in {HEAVY!r} if name in sys.modules])
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[('be', 2000), ('not', 1000), ('or', 1000), ('to', 2000)]", "[]"]


@pytest.mark.parametrize(
    ("call", "dist"),
    [
        ("ctx.read_kafka(topics=['a'])", "raystreaming-kafka"),
        ("ctx.from_values(1).write_kafka(topic='a')", "raystreaming-kafka"),
        ("ctx.read_files('a')", "raystreaming-files"),
        ("ctx.from_values(1).write_files('a')", "raystreaming-files"),
        ("ctx.read_hadoop('a')", "raystreaming-hadoop"),
        ("ctx.read_java('a')", "raystreaming-java"),
    ],
)
def test_a_missing_connector_says_what_to_install(tmp_path: Path, call: str, dist: str):
    if importlib.util.find_spec(dist.replace("-", "_")) is not None:
        pytest.skip(f"{dist} is installed")
    done = run(f"from raystreaming import StreamingContext\nctx = StreamingContext()\n{call}\n", tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("raystreaming.errors.UnknownConnector: ")
    assert last.endswith(f"needs a package that is not installed: pip install {dist}")


def test_an_unknown_connector_says_what_there_is_to_install(tmp_path: Path):
    if any(importlib.util.find_spec(f"raystreaming_{name}") for name in ("kafka", "files", "hadoop", "java")):
        pytest.skip("some of it is installed")
    done = run("from raystreaming import StreamingContext\nStreamingContext().read_parquet('a')\n", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "raystreaming.errors.UnknownConnector: no installed plugin has a source 'parquet'; "
        "installed: collection, text_file; more come with pip install raystreaming-kafka "
        "raystreaming-files raystreaming-hadoop raystreaming-java"
    )


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("select('n')", "select()"),
        ("with_columns(m='n')", "with_columns()"),
        ("explode('n')", "explode()"),
        ("map_batches(len)", "map_batches() with format='pyarrow'"),
        ("map_batches(len, 'pandas')", "map_batches() with format='pandas'"),
    ],
)
def test_what_needs_pyarrow_says_so_when_the_job_is_built(tmp_path: Path, call: str, what: str):
    if importlib.util.find_spec("pyarrow") is not None:
        pytest.skip("pyarrow is installed")
    done = run(
        f"from raystreaming import StreamingContext\nStreamingContext().from_values({{'n': 1}}).{call}\n",
        tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"raystreaming.errors.RayStreamingError: {what} needs pyarrow, which is not installed: "
        "pip install pyarrow"
    )


def test_aggregates_and_batches_of_rows_need_no_pyarrow(tmp_path: Path):
    done = run(
        """
        import sys
        from raystreaming import StreamingContext, count, sum_

        rows = [{"user": user, "n": n} for n, user in enumerate("abcab")]
        for updates in ("batch", "final"):
            ctx = StreamingContext()
            keyed = ctx.from_collection(rows).map_batches(list, "rows").key_by("user")
            keyed.agg(number=count(), total=sum_("n"), updates=updates).collect()
            print([tuple(row.values()) for row in ctx.execute("agg").result()])
        print("pyarrow" in sys.modules)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = "[('a', 2, 3), ('b', 2, 5), ('c', 1, 2)]"
    assert done.stdout.splitlines() == [found, found, "False"]


def command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("raystreaming"), *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_needs_ray_says_what_to_install(tmp_path: Path):
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("Ray is installed")
    says = "jobs on a cluster need Ray, which is not installed: pip install 'raystreaming[ray]'"
    for args in (["jobs"], ["stop", "name", "--ray", "head:6379"]):
        done = command(*args)
        assert (done.returncode, done.stderr) == (1, f"error: {says}\n")
    done = run(
        "from raystreaming import StreamingContext\nctx = StreamingContext(runtime='ray')\n"
        "ctx.from_values(1).print()\nctx.execute('job')\n",
        tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"raystreaming.errors.RayStreamingError: {says}"


def test_the_doctor_is_content_with_the_core_alone():
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("Ray is installed")
    done = command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok       plugins: none but the built-in" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "ok       Ray is not installed: jobs run in one process"


def test_the_core_needs_only_what_it_says():
    from importlib.metadata import requires

    needed = {r.split(">")[0] for r in requires("raystreaming") if "extra ==" not in r}
    assert needed == {"cloudpickle", "fsspec", "msgpack", "pluggy"}
