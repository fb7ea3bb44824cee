"""What is wrong is said once, with what to do; before anything starts, where it can be known then."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import GraphError, OperatorError, OptionError

FNS = "com.acme.Fns$"


def submit_error(ctx, name, *arguments, method="map"):
    """Return what submit says of one function; nothing has started then."""
    stream = ctx.from_values(1).map(lambda v: pytest.fail("it has started")).as_java_stream()
    getattr(stream, method)(name, *arguments).as_python_stream().collect()
    with pytest.raises(GraphError) as caught:
        ctx.submit("wrong")
    text = str(caught.value)
    assert text.startswith("this job cannot run: operator 'from_values.")
    assert text.count("operator") == 1
    return text


def test_wrong_class_name(context, classes):
    text = submit_error(context(), "com.acme.Nothing")
    assert "there is no class com.acme.Nothing. Searched: " + str(classes) in text
    assert "java_classpath" in text


def test_an_inner_class_is_written_with_a_dollar_sign(context):
    assert "(did you mean com.acme.Fns$Identity?)" in submit_error(context(), "com.acme.Fns.Identity")
    assert "write the whole name, with its package" in submit_error(context(), "Identity")


def test_wrong_interface(context):
    text = submit_error(context(), FNS + "Even")
    assert "map() needs a MapFunction, and class com.acme.Fns$Even is none: " in text
    assert "it is a FilterFunction, which is for filter()" in text
    assert "it implements no function" in submit_error(context(), FNS + "WordAndCount", method="filter")


def test_no_such_constructor(context):
    text = submit_error(context(), FNS + "NeedsMore")
    assert "has no constructor without arguments; it has NeedsMore(String, int)" in text
    text = submit_error(context(), FNS + "NeedsMore", "a", 2**31)
    assert "2147483648 (Long) does not fit the declared Integer" in text
    text = submit_error(context(), FNS + "NeedsMore", "a")
    assert "has no constructor that takes [a]" in text


def test_an_argument_that_cannot_go_to_java(context):
    text = submit_error(context(), FNS + "NeedsMore", object(), 1)
    assert "an argument of com.acme.Fns$NeedsMore, or what with_config() tells it, cannot go to Java" in text


def test_a_class_of_which_there_can_be_no_objects(context):
    assert "is abstract or an interface" in submit_error(context(), FNS + "Abstract")
    assert "is an inner class of an object: make it static" in submit_error(context(), FNS + "OfAnObject")


def test_a_static_initialiser_that_raises(context):
    text = submit_error(context(), FNS + "Static")
    assert "the static initialiser of com.acme.Fns$Static raised java.lang.NumberFormatException" in text
    assert "at com.acme.Fns$Static.<clinit>" in text.replace("job//", "")


def submit(ctx, position, name):
    """Submit a job with a class in one of the positions that there are for it."""
    if position == "from_java":
        ctx.from_java(name).as_python_stream().collect()
    else:
        stream = ctx.from_values(1).as_java_stream().map(FNS + "Identity")
        keyed = stream.key_by(FNS + "Key") if position in ("reduce", "aggregate") else stream
        made = getattr(keyed, position)(name)
        if position == "partition_by":
            made = made.map(FNS + "Identity").set_parallelism(2)
        if position != "sink":
            made.as_python_stream().collect()
    ctx.submit("wrong")


@pytest.mark.parametrize(
    "position",
    [
        "map",
        "filter",
        "flat_map",
        "process",
        "key_by",
        "reduce",
        "aggregate",
        "partition_by",
        "from_java",
        "sink",
    ],
)
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("com.acme.Nothing", r"there is no class com\.acme\.Nothing\. Searched: "),
        ("com.acme.Fns$WordAndCount", r"\(\) needs an? \w+.*, and class com\.acme\.Fns\$WordAndC.* is none"),
        ("com.acme.Fns$AnythingMore", r"AnythingMore has no constructor without arguments; it has \w+\(Stri"),
        ("com.acme.Fns$AnythingStatic", r"the static initialiser of com\.acme\.Fns\$AnythingStatic raised j"),
    ],
)
def test_in_every_position_a_wrong_class_is_said_once_at_submit(context, position, name, why):
    with pytest.raises(GraphError, match=why) as caught:
        submit(context(), position, name)
    text = str(caught.value)
    assert text.startswith("this job cannot run: operator '")
    assert text.count("operator") == 1


def test_all_problems_at_once(context):
    ctx = context()
    stream = ctx.from_values(1).as_java_stream().map("com.acme.One").filter("com.acme.Two")
    stream.sink("com.acme.Three")
    with pytest.raises(GraphError) as caught:
        ctx.submit("wrong")
    assert all(f"there is no class com.acme.{n}" in str(caught.value) for n in ("One", "Two", "Three"))


def test_jar_not_found(tmp_path):
    with pytest.raises(OptionError, match=r"java_classpath: there is no /.*/acme\.jar: build the jar"):
        StreamingContext(java_classpath=[tmp_path / "acme.jar"])
    (tmp_path / "cut.jar").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(OptionError, match=r"java_classpath: /.*/cut\.jar is no jar, or a damaged one: build"):
        StreamingContext(java_classpath=[tmp_path / "cut.jar"])
    with pytest.raises(OptionError, match=r"'classpath' must be Sequence"):
        StreamingContext(java_classpath="acme.jar")
    with pytest.raises(OptionError, match=r"unknown option 'classpaths'"):
        StreamingContext(java_classpaths=[])


def test_a_function_that_raises_shows_class_message_frames_and_record(rows_of):
    with pytest.raises(OperatorError) as caught:
        rows_of(range(10), ("map", "Fails"), ("map", "Times", 2))
    first, *frames, record = str(caught.value).splitlines()
    assert first == (
        "operator 'from_collection.map': com.acme.Fns$Fails raised java.lang.IllegalStateException: "
        "three is too much"
    )
    assert [f.strip().replace("job//", "").split("(")[0] for f in frames][:2] == [
        "at com.acme.Fns$Fails.inner",
        "at com.acme.Fns$Fails.map",
    ]
    assert len(frames) <= 3
    assert record == "  record: 3"
    assert "java.lang.IllegalStateException: three is too much" in str(caught.value.__cause__)


def test_what_may_be_a_secret_is_not_shown(rows_of):
    with pytest.raises(OperatorError) as caught:
        rows_of([{"user": "ann", "password": "canary"}], ("map", "Fails"))
    assert "canary" not in str(caught.value)
    assert "ann" in str(caught.value)


def test_the_heap_is_as_large_as_java_memory_says(rows_of):
    """Each test process has one JVM, of 512 MB."""
    assert rows_of([200_000_000], ("map", "Hungry")) == [200_000_000]
    with pytest.raises(OperatorError) as caught:
        rows_of([600_000_000], ("map", "Hungry"))
    first, *_ = str(caught.value).splitlines()
    assert first.startswith(
        "operator 'from_collection.map': com.acme.Fns$Hungry raised java.lang.OutOfMemoryError: "
        "Java heap space (java_memory has given this JVM 4"
    )
    assert rows_of([1], ("map", "Hungry")) == [1], "the JVM goes on"


PROGRAM = """
from raystreaming import StreamingContext
ctx = StreamingContext()
ctx.from_values(1).as_java_stream().map("com.acme.Fn").map("com.acme.Fn").as_python_stream().collect()
try:
    ctx.submit("no-java")
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


def test_no_java(tmp_path):
    env = {**os.environ, "JAVA_HOME": str(tmp_path), "PATH": str(tmp_path)}
    # A machine without Java has nothing where JPype looks for it.
    code = "from jpype._jvmfinder import LinuxJVMFinder as finder\n"
    code += "finder._java, finder._locations = '/nowhere', ()\n" + PROGRAM
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith(
        "GraphError: this job cannot run: Java functions need a Java runtime, and there is"
    )
    assert line.count("apt-get install openjdk-17-jre-headless") == 1


def test_java_is_too_old(tmp_path):
    code = "from raystreaming_java import jvm\njvm.OLDEST = 99\n" + PROGRAM
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith("GraphError: this job cannot run: Java functions need Java 99 or newer, and ")
    assert " has Java " in line
    assert line.count("apt-get install openjdk-") == 1
