"""The JVM of this process: started by the first job that needs one, and there until the process ends."""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from raystreaming.errors import GraphError, RayStreamingError
from raystreaming_java.detaching import detaching
from raystreaming_java.settings import JavaSettings

OLDEST = 17
"""The oldest Java that our classes run on."""

_INSTALL = (
    f"install one from {OLDEST} on: apt-get install openjdk-{OLDEST}-jre-headless, or brew install "
    f"openjdk@{OLDEST}; then `java` is on the PATH, or JAVA_HOME says where it is"
)

_LIBRARY = "libjvm.dylib" if sys.platform == "darwin" else "libjvm.so"

_PLACES = ("lib/server/", "lib/*/", "jre/lib/server/", "jre/lib/*/server/")
"""Where a Java has its library; the last ones are those of Java 8."""

_lock = threading.Lock()
_bridge: Bridge | None = None
_heap = 0


class JavaMissing(GraphError):
    """There is no Java that could be started, or it is too old."""


class Bridge(NamedTuple):
    """Our Java classes, as JPype shows them: the whole of what Python calls."""

    column: Any
    functions: Any
    job_classes: Any
    operator_host: Any
    operator_run: Any
    partition_host: Any
    function_source_host: Any
    split_host: Any
    sink_host: Any
    connections: Any
    failure: Any
    cannot_cross: Any
    direct_buffer: Any
    exception: Any
    note_this_thread: Callable[[], None]


def bridge(settings: JavaSettings) -> Bridge:
    """Return our classes; start the JVM if this process has none.

    Raises:
        JavaMissing: There is no Java, or it is too old.
        GraphError: The JVM runs with less memory than this job asks for.
    """
    global _bridge, _heap
    with _lock:
        if _bridge is None:
            _bridge = _start(settings.heap)
            _heap = settings.heap
        elif settings.heap > _heap:
            raise GraphError(
                f"java_memory={settings.memory!r} comes too late: the JVM of this process was started with "
                f"{_heap // 10**6} MB by an earlier job, and cannot grow. Set it on the first job, or run "
                f"this one in a process of its own"
            )
    _bridge.note_this_thread()
    return _bridge


def our_jars() -> list[Path]:
    """Return the jars that this package brings."""
    folder = resources.files("raystreaming_java") / "jars"
    jars = sorted(Path(str(folder)).glob("*.jar"))
    if not jars:
        raise RayStreamingError(
            f"raystreaming-java is not complete: there are no jars in {folder}: "
            f"pip install --force-reinstall raystreaming-java"
        )
    return jars


def find_library() -> str:
    """Return the library of the Java that JAVA_HOME names, else of `java` on the PATH, else of the system's.

    Raises:
        JavaMissing: There is none.
    """
    import jpype

    java = shutil.which("java")
    on_path = None if java is None else Path(os.path.realpath(java)).parents[1]
    named = os.environ.get("JAVA_HOME")
    homes = [Path(home) for home in (named, on_path) if home]
    for home in homes:
        if found := _library_in(home):
            return str(found)
    try:
        return str(jpype.getDefaultJVMPath())
    except jpype.JVMNotFoundException as error:
        wrong = f" (there is none in JAVA_HOME={named})" if named else ""
        raise JavaMissing(
            f"Java functions need a Java runtime, and there is none on {platform.node()}{wrong}: {_INSTALL}"
        ) from error


def _library_in(home: Path) -> Path | None:
    found = (path for pattern in _PLACES for path in sorted(home.glob(pattern + _LIBRARY)))
    return next(found, None)


def testkit_jar() -> Path:
    """Return the jar with which Java functions are tested without Python; workers do not have it."""
    (jar,) = (our_jars()[0].parent / "testkit").glob("*.jar")
    return jar


def _start(heap: int) -> Bridge:
    import jpype
    import jpype.config

    if jpype.isJVMStarted():
        # Somebody else's; its memory is what it is.
        for jar in our_jars():
            jpype.addClassPath(jar)
    else:
        path = find_library()
        # -Xrs: signals are Python's. Serial: a batch's objects die young, on the thread that made them.
        flags = [f"-Xmx{heap}", "-Xrs", "-XX:+UseSerialGC", "-Xshare:auto"]
        # Java 24 warns of JPype without this; a Java too old to know it is named below.
        flags.append("--enable-native-access=ALL-UNNAMED")
        jars = [str(jar) for jar in our_jars()]
        jpype.startJVM(path, *flags, classpath=jars, convertStrings=False, ignoreUnrecognized=True)
    # At exit: threads that a job's own code has left behind must not hold the process, and JPype's own,
    # which gives Python memory back, must not wait for a lock that nobody will ever release.
    jpype.config.destroy_jvm = False
    atexit.register(jpype.JClass("org.jpype.ref.JPypeReferenceQueue").getInstance().stop)
    property_of = jpype.JClass("java.lang.System").getProperty
    version = int(str(property_of("java.specification.version")).removeprefix("1."))
    if version < OLDEST:
        raise JavaMissing(
            f"Java functions need Java {OLDEST} or newer, and {platform.node()} has Java {version}: "
            f"{_INSTALL}"
        )
    library = _library_in(Path(str(property_of("java.home"))))
    assert library is not None, "a Java that runs has a library"
    host = "io.ray.streaming.runtime.host."
    return Bridge(
        column=jpype.JClass(host + "Column"),
        functions=jpype.JClass(host + "Functions"),
        job_classes=jpype.JClass(host + "JobClasses"),
        operator_host=jpype.JClass(host + "OperatorHost"),
        operator_run=jpype.JClass(host + "OperatorRun"),
        partition_host=jpype.JClass(host + "PartitionHost"),
        function_source_host=jpype.JClass(host + "FunctionSourceHost"),
        split_host=jpype.JClass(host + "SplitHost"),
        sink_host=jpype.JClass(host + "SinkHost"),
        connections=jpype.JClass(host + "Connections"),
        failure=jpype.JClass(host + "Failure"),
        cannot_cross=jpype.JClass("io.ray.streaming.runtime.codec.CannotCross"),
        direct_buffer=jpype.nio.convertToDirectBuffer,
        exception=jpype.JException,
        note_this_thread=detaching(library),
    )
