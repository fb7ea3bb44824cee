"""Java programs run jobs on a cluster: class path, lambdas, detaching, errors."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from raystreaming_test_support.java import class_path, compile_java, java_command
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.programs import Program
from raystreaming_test_support.ray_cluster import RayCluster, eventually

pytestmark = pytest.mark.ray
JOB = "java-on-ray"
COUNT = 40_000
MODEL = """
def same(line):
    return line

def fails(line):
    if line.startswith("7 "):
        raise ValueError(f"no sevens: {line}")
    return line
"""


MANIFEST = "Manifest-Version: 1.0\nMain-Class: OnRay\nClass-Path: {}\n"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory) -> Path:
    """A folder with a jar that `java -jar` runs, and the jars that its manifest names."""
    classes, folder = tmp_path_factory.mktemp("classes"), tmp_path_factory.mktemp("packaged")
    compile_java(classes, *(Path(__file__).parent / "java").glob("*.java"))
    (folder / "lib").mkdir()
    for jar in class_path().split(os.pathsep):
        shutil.copy(jar, folder / "lib")
    with zipfile.ZipFile(folder / "lib" / "digits.jar", "w") as jar:
        for file in classes.glob("Digits*"):
            jar.write(file, file.name)
    with zipfile.ZipFile(folder / "app.jar", "w") as jar:
        others = "\n  ".join(f"lib/{other.name}" for other in (folder / "lib").iterdir())
        jar.writestr("META-INF/MANIFEST.MF", MANIFEST.format(others))
        jar.write(classes / "OnRay.class", "OnRay.class")
    return folder


class Job:
    """The program and its folder; it and its class path are in no folder of the checkout."""

    def __init__(self, cluster: RayCluster, folder: Path, packaged: Path) -> None:
        self.cluster, self.folder, self.packaged = cluster, folder, packaged
        self.program, self.out = folder / "program", folder / "out"
        (folder / "on_ray_model.py").write_text(MODEL)

    def command(self, function: str, **settings: object) -> list[str]:
        more = [part for setting in settings.items() for part in setting]
        address = ("address", self.cluster.address)
        jar = ["-jar", self.program / "app.jar", self.folder, COUNT, function, *address, *more]
        return ["java", f"-Draystreaming.python={sys.executable}", *map(str, jar)]

    def run(self, function: str = "same", **settings: object) -> str:
        """Run the program to its end; its class path is there only so long."""
        shutil.copytree(self.packaged, self.program)
        env = {**self.cluster.env, "RAY_ADDRESS": ""}
        ended = run_to_end(self.command(function, **settings), cwd=self.folder, env=env)
        shutil.rmtree(self.program)
        return ended.stdout

    def release(self) -> None:
        (self.folder / "released").touch()

    def lines(self) -> list[tuple[int, ...]]:
        """What has been written; the last line may not be whole."""
        text = self.out.read_text() if self.out.exists() else ""
        return [tuple(map(int, line.split())) for line in text[: text.rfind("\n") + 1].splitlines()]

    def has_written(self, count: int) -> bool:
        return len(self.lines()) >= count

    def check(self, exactly: bool) -> None:
        """Every number is there, and was counted once; lines may be there again after a kill."""
        digits = {(digit, count) for digit, count, _ in self.lines()}
        assert digits == {(digit, n + 1) for digit in range(10) for n in range(COUNT // 10)}
        assert {value for *_, value in self.lines()} == set(range(COUNT))
        assert not exactly or len(self.lines()) == COUNT

    def cli(self, *arguments: str) -> str:
        raystreaming = Path(sys.executable).with_name("raystreaming")
        return run_to_end([raystreaming, *arguments], env=self.cluster.env).stdout


@pytest.fixture
def job(ray_cluster, tmp_path, packaged) -> Job:
    return Job(ray_cluster, tmp_path, packaged)


def test_a_detached_job_outlives_its_program_and_its_class_path(job):
    assert job.run(detach="true") == "the program has ended\n"
    eventually(partial(job.has_written, len(job.lines()) + 50), "lines after the program's end")
    assert job.cli("stop", JOB).startswith(f"job '{JOB}' is stopped: checkpoint ")
    eventually(lambda: not job.cluster.names(), "an empty cluster")


@pytest.mark.slow
def test_a_detached_job_is_seen_and_stopped_and_its_program_goes_on_with_it(job):
    job.run(detach="true")
    assert job.cli("jobs").splitlines()[1].startswith(f"{JOB}  running")
    assert "from_java.reduce" in job.cli("status", JOB)
    assert job.cli("stop", JOB).startswith(f"job '{JOB}' is stopped: checkpoint ")
    eventually(lambda: not job.cluster.names(), "an empty cluster")
    assert 0 < len(job.lines()) < COUNT
    job.release()
    job.run()
    job.check(exactly=True)


def test_an_error_in_python_is_a_java_exception_with_the_traceback_inside(job):
    job.release()
    message, _, cause = job.run("fails").partition("cause: ")
    assert message.startswith("JobException: operator 'from_java.reduce.map-2': fails (")
    assert "raised ValueError: no sevens: 7 " in message
    assert "ValueError: no sevens: 7 " in cause
    assert cause.index("in fails") < cause.index("OperatorError"), "the worker's traceback, then ours"


@pytest.mark.slow
def test_the_guide(job):
    """The settings of docs/java.md in its program, with the address and the folder that are here."""
    guide = (Path(__file__).parents[2] / "docs" / "java.md").read_text()
    blocks = {kind: re.findall(rf"^```{kind}\n(.*?)^```", guide, re.M | re.S) for kind in ("java", "python")}
    (settings,) = [b for b in blocks["java"] if "raystreaming.detach" in b]
    (program,) = [b for b in blocks["java"] if "class Scores" in b]
    (model,) = [b for b in blocks["python"] if "def score" in b]
    here = settings.replace("10.0.0.5:6379", job.cluster.address).replace("s3://bucket/jobs", str(job.folder))
    whole = re.sub(r"    context\.withConfig\(.*\n", lambda _: here, program)
    assert whole.count("withConfig") == 1
    (job.folder / "Scores.java").write_text(whole)
    (job.folder / "model.py").write_text(model)
    compile_java(job.folder, job.folder / "Scores.java")
    run_to_end(java_command(job.folder, "Scores"), cwd=job.folder, env=job.cluster.env)
    assert "job 'scores' is finished" in job.cli("logs", "scores", "--follow")
    job.cli("stop", "scores")


@pytest.mark.slow
def test_the_job_ends_with_its_program_unless_it_is_detached(job):
    shutil.copytree(job.packaged, job.program)
    command = job.command("same", lease="2s")
    with Program(command, {**job.cluster.env, "RAY_ADDRESS": ""}, job.folder) as program:
        program.until(partial(job.has_written, 50), "lines")
        program.signal(signal.SIGKILL)
        program.end()
    eventually(lambda: not job.cluster.names(), "an empty cluster")
    shutil.rmtree(job.program)
    job.release()
    job.run()
    job.check(exactly=False)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nodes_with_folders_of_their_own_get_the_class_path_from_the_cluster(tmp_path, packaged):
    """Also for workers that come when the program, and all that it had, is gone."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    nodes = [{"num_cpus": 1, "env_vars": {"TMPDIR": str(folder)}} for folder in folders]
    (tmp_path / "job").mkdir()
    with RayCluster(*nodes) as cluster:
        job = Job(cluster, tmp_path / "job", packaged)
        job.run(detach="true")
        eventually(partial(job.has_written, 50), "lines")
        for folder in folders:
            shutil.rmtree(folder / f"raystreaming-files-{os.getuid()}", ignore_errors=True)
        master = cluster.master(JOB)
        for actor in (*cluster.workers(JOB), master):
            actor.signal(signal.SIGKILL)
        eventually(lambda: cluster.master(JOB).pid != master.pid, "another master")
        eventually(partial(job.has_written, len(job.lines()) + 50), "more lines")
        job.release()
        eventually(lambda: cluster.names() == [f"{JOB}/master"], "the end of the job")
        job.check(exactly=False)
        own = [packaged / "app.jar", packaged / "lib" / "digits.jar"]
        hashes = {hashlib.sha256(jar.read_bytes()).hexdigest() for jar in own}
        found = [hashes & {jar.stem for jar in f.glob("raystreaming-files-*/*.jar")} for f in folders]
        assert hashes in found, "a node where workers are has both jars of the program"
        assert all(jars in (hashes, set()) for jars in found)
        job.cli("stop", JOB)
        with cluster.driver():
            assert cluster.files() == []
