"""Java programs that describe jobs and run them, as people start them: `java -cp ... Program`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from raystreaming_java.jvm import our_jars
from raystreaming_test_support.java import compile_java, java_command

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    compile_java(folder, *(HERE / "programs").glob("*.java"), *EXAMPLES.glob("*.java"))
    return folder


def run(programs: Path, name: str, *arguments: object, python: str = sys.executable) -> str:
    done = subprocess.run(
        java_command(programs, name, *arguments, python=python),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_word_count_in_java(programs):
    lines = sorted(run(programs, "WordCount").splitlines())
    assert lines == ["sink result=hello=1", "sink result=hello=2", "sink result=java=1"]


def test_python_operators_in_java(programs):
    assert run(programs, "HybridStream").splitlines() == ["HybridStream sink=aa", "HybridStream sink=cc"]


@pytest.fixture(scope="module")
def every_method(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Runs the program with all methods; returns what a branch of it has written, or printed."""
    folder = tmp_path_factory.mktemp("every")
    printed = run(programs, "EveryMethod", folder).splitlines()

    def written(branch: str) -> list[str]:
        if branch == "printed":
            return sorted(printed)
        return sorted(line.split(" ", 1)[1] for line in (folder / branch).read_text().splitlines())

    return written


def texts(values: Iterable[object]) -> list[str]:
    return sorted(map(str, values))


def test_a_chain_of_both_languages(every_method):
    assert every_method("chained") == texts(f"value {n}" for n in [100, 200, 300, 1, 2, 5, 8, 2, 4] * 2)


def test_spreading_without_a_function(every_method):
    assert every_method("roundRobin") == every_method("rescale") == ["0", "1", "2"]
    shuffled = every_method("shuffle")
    assert len(shuffled) == 60
    assert set(shuffled) == {"0", "1"}


def test_state_by_key_of_a_program(every_method):
    seen = ["key 1: 1 [1] {sum=1}", "key 0: 1 [2] {sum=2}", "key 1: 2 [1, 3] {sum=4}"]
    assert every_method("process") == sorted(seen)
    assert every_method("aggregate") == ["1.0", "2.0", "2.0"]
    assert every_method("stateless") == texts([1, -1, 2, -2, 3, -3])


def test_classes_and_objects_of_python(every_method):
    values = Counter(10 * n for n in [2, 1, 4, 3, 2, 1, *[1, 2, 3] * 2] if n != 1)
    sums = [n * times for n, count in values.items() for times in range(1, 2 * count + 1)]
    assert every_method("python") == texts(sums)
    assert every_method("printed")[:3] == ["[1, 1]", "[2, 2]", "[3, 3]"]


def test_what_with_config_tells_both_languages(every_method):
    java = "autumn {season=autumn, unit=of the job} 0/2"
    assert every_method("config") == [
        f"2, Python: pears autumn, Java: apples {java}, Java: of the job {java}"
    ]


def test_functions_of_java_as_objects_on_python_streams(every_method):
    assert every_method("objects") == ["23", "24", "36", "38"]
    assert every_method("partitionBy") == ["2"] * 4


def test_the_program_of_the_cross_language_document(every_method):
    assert every_method("seeds") == ["value 110", "value 420"]


def test_error_policies_of_a_program(every_method):
    assert every_method("skip") == ["-6", "6"]
    assert every_method("divided") == ["3", "6"]
    (letter,) = every_method("letters")
    assert letter.startswith("{operator=divides, error=java.lang.ArithmeticException: / by zero, ")
    assert letter.endswith("attempts=3, record=1}")
    assert every_method("printed")[3:] == [f"mine {n} ValueError: no {n}" for n in (1, 2, 3)]


def test_a_view_that_nobody_reads(programs):
    out = run(programs, "Faults", "unread")
    assert out.startswith("IllegalStateException: nobody reads what broadcast() of from_java returned; ")
    assert "what partitionBy() of map returned. Such a method leaves the stream as it is" in out
    assert out.count("nobody reads") == 2, "the view that is read is not among them"


def test_stop_from_another_thread_takes_a_checkpoint(programs, tmp_path):
    for more in (1, 2):
        out = run(programs, "Faults", "stopped", tmp_path / "state", tmp_path / "out")
        assert out.splitlines()[-1] == "ended"
        values = [n for _, n in lines(tmp_path / "out")]
        assert values == list(range(len(values))), "no checkpoint but that of the stop: nothing is repeated"
        assert len(values) >= 100 * more


def test_a_stop_that_comes_before_the_engine_runs_is_not_lost(programs, tmp_path):
    assert run(programs, "Faults", "early", tmp_path / "out").splitlines()[-1] == "ended"


def test_partitionings(programs, tmp_path):
    out = run(programs, "Faults", "partition", tmp_path / "out").removesuffix("ended\n")
    assert sorted(map(int, out.split())) == [20, 20, 21, 21, 22, 22]
    values = sorted(line.split(" ", 1)[1] for line in (tmp_path / "out").read_text().splitlines())
    assert values == ["0"] * 6 + ["1"] * 6, "both tasks have seen every record; the other reader has not"


def test_records_of_a_schema(programs, tmp_path):
    run(programs, "Faults", "schema", tmp_path / "out")
    values = [line.split(" ", 1)[1] for line in (tmp_path / "out").read_text().splitlines()]
    assert values == ["Reading[sensor=s1, value=1.5]", "Reading[sensor=s3, value=2.5]"]


def test_a_stream_has_one_schema(programs):
    out = run(programs, "Faults", "schemas")
    assert out.startswith("IllegalStateException: the records of from_java have the schema [int32, true] al")


@pytest.mark.parametrize(
    ("which", "message", "cause"),
    [
        (
            "python",
            "operator 'from_java.map': fails (.*acme_functions.py:14) raised ValueError: no 1\n",
            "ValueError: no 1",
        ),
        ("java", "operator 'from_java.map': Faults", "java.lang.ArithmeticException: / by zero"),
        ("capture", "operator 1 (map): its function cannot travel to the job: ", "NotSerializable"),
        ("module", "there is no Python module 'acme_nothing' for function 'f': ", "acme_nothing"),
        ("function", "Python module 'acme_functions' has no function 'f'", "acme_functions"),
        ("resources", "resources(): num_cpus must be a number from 0, got -1.0", "GraphError"),
        (
            "class",
            "of Python class 'Needy' in module 'acme_functions' no object can be made without arguments: ",
            "'more'",
        ),
        (
            "setting",
            "unknown setting 'checkpoint_intervall' (did you mean 'checkpoint_interval'?)",
            "OptionError",
        ),
    ],
)
def test_what_goes_wrong_is_an_exception_with_the_cause_inside(programs, which, message, cause):
    out = run(programs, "Faults", which)
    head, _, tail = out.partition("cause: ")
    assert head.startswith("JobException: ")
    for part in message.split(".*"):
        assert part.strip() in head
    assert cause in tail


def test_key_by_right_after_a_conversion(programs):
    assert run(programs, "Faults", "keyby").startswith(
        "IllegalStateException: keyBy() right after a conversion: the operator before it, from_java, is in"
    )


def test_a_python_that_cannot_run_it(programs, tmp_path):
    assert "cannot be started with /nowhere/python" in run(
        programs, "WordCountOrFail", python="/nowhere/python"
    )


def test_a_python_without_the_package(programs):
    bare = f"{sys.base_prefix}/bin/python3"
    out = run(programs, "WordCountOrFail", python=bare)
    assert "-m pip install raystreaming-java" in out


def test_a_program_that_is_not_compiled():
    path = ":".join(map(str, our_jars()))
    source = str(EXAMPLES / "WordCount.java")
    done = subprocess.run(["java", "-cp", path, source], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"its function is in {source}, which `java` has compiled for itself alone" in done.stderr
    assert "Compile it with javac" in done.stderr


def lines(path: Path) -> list[tuple[int, int]]:
    """What has been written; the last line may not be whole."""
    text = path.read_text() if path.exists() else ""
    return [(int(a), int(b)) for a, b in map(str.split, text[: text.rfind("\n") + 1].splitlines())]


def wait_for(path: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(lines(path)) < count:
        assert time.monotonic() < deadline, "the job does not run"
        time.sleep(0.05)


def ctrl_c(program: subprocess.Popen[bytes]) -> None:
    """What a terminal does: every process of the group gets the signal."""
    os.killpg(program.pid, signal.SIGINT)


@pytest.mark.parametrize("end", [subprocess.Popen.terminate, ctrl_c, subprocess.Popen.kill])
def test_the_job_ends_with_the_program_and_goes_on_with_it(programs, tmp_path, end):
    out = tmp_path / "out"
    endless = java_command(programs, "Faults", "endless", tmp_path / "state", out)
    for run_ in (1, 2):
        before = len(lines(out))
        with subprocess.Popen(endless, stderr=subprocess.DEVNULL, start_new_session=True) as program:
            wait_for(out, before + 100)
            time.sleep(0.3)
            end(program)
            program.wait(120)
        (engine,) = {pid for pid, _ in lines(out)[before:]}
        deadline = time.monotonic() + 60
        while Path(f"/proc/{engine}").exists():
            assert time.monotonic() < deadline, "the engine has outlived its program"
            time.sleep(0.05)
        values = [n for _, n in lines(out)]
        assert sorted(set(values)) == list(range(len(set(values)))), "nothing is lost"
        if end is not subprocess.Popen.kill:
            assert len(values) == len(set(values)), "a stop repeats nothing"
        assert run_
