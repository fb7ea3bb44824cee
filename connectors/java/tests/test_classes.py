"""Each job has its own classes, before ours; what a job leaves behind in the JVM is nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import GraphError
from raystreaming_java import JavaSettings
from raystreaming_java.jvm import bridge
from raystreaming_test_support.java import compile_java

SAYS = """
package %s;
public class %s implements io.ray.streaming.api.function.impl.MapFunction<Object, String> {
  static int count = 0;
  public String map(Object value) { return "%s " + count++; }
}
"""


def compiled(folder: Path, package: str, name: str, says: str) -> Path:
    folder.mkdir()
    source = folder / f"{name}.java"
    source.write_text(SAYS % (package, name, says))
    compile_java(folder, source)
    return folder


def says(folder: Path, name: str) -> list[str]:
    ctx = StreamingContext(java_classpath=[folder])
    ctx.from_values(1, 2).as_java_stream().map(name).as_python_stream().collect()
    return ctx.execute("says").result()


def test_two_jobs_may_have_two_versions_of_a_class(tmp_path):
    one = compiled(tmp_path / "one", "acme", "Says", "one")
    two = compiled(tmp_path / "two", "acme", "Says", "two")
    assert says(one, "acme.Says") == ["one 0", "one 1"]
    assert says(two, "acme.Says") == ["two 0", "two 1"]
    assert says(one, "acme.Says") == ["one 0", "one 1"], "nothing static is left of an earlier job"


def test_the_jobs_own_version_comes_first(tmp_path):
    """JPype, which is on the JVM's own class path, has a class of that name."""
    import jpype

    bridge(JavaSettings())
    assert jpype.JClass("org.jpype.JPypeUtilities") is not None
    own = compiled(tmp_path / "own", "org.jpype", "JPypeUtilities", "mine")
    assert says(own, "org.jpype.JPypeUtilities") == ["mine 0", "mine 1"]


def test_a_second_job_cannot_have_more_memory(context):
    ctx = context(java_memory="64GB")
    ctx.from_values(1).as_java_stream().map("com.acme.Fns$Identity").as_python_stream().collect()
    with pytest.raises(GraphError, match=r"java_memory='64GB' comes too late: .* started with \d+ MB"):
        ctx.submit("large")


LEAVES = """
import sys
from raystreaming import StreamingContext
ctx = StreamingContext(java_classpath=[sys.argv[1]])
ctx.from_values(1).as_java_stream().map("com.acme.Fns$Leaves").as_python_stream().collect()
print(ctx.execute("leaves").result(), flush=True)
"""


def test_a_thread_that_a_function_leaves_behind_does_not_hold_the_process(classes):
    command = [sys.executable, "-c", LEAVES, str(classes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "[1]\n"
        assert program.wait(timeout=8) == 0  # Its last line is behind it. JPype would wait ten seconds.
