"""A job's class path reaches workers on machines that do not have it."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import subprocess
import sys
import zipfile

import pytest

from raystreaming.errors import RayStreamingError
from raystreaming_java import JavaSettings
from raystreaming_java.shipping import _jar_of

WORKER = """
import pickle, sys
from raystreaming_java.function import JavaFunction
settings = pickle.load(open(sys.argv[1], "rb"))
assert pickle.loads(pickle.dumps(settings)) is settings, "one object for one job"
print(list(JavaFunction("map", "com.acme.Fns$Identity", (), settings).problems("op", {})))
print(*settings.jars, sep="\\n")
"""


@pytest.mark.parametrize("kind", ["folder", "jar"])
def test_the_class_path_travels_with_the_job(classes, tmp_path, kind):
    here = tmp_path / ("classes" if kind == "folder" else "classes.jar")
    if kind == "folder":
        shutil.copytree(classes, here)
    else:
        with zipfile.ZipFile(here, "w") as jar:
            for file in classes.rglob("*.class"):
                jar.write(file, file.relative_to(classes))
    (tmp_path / "settings").write_bytes(pickle.dumps(JavaSettings(classpath=[here])))
    shutil.rmtree(here) if here.is_dir() else here.unlink()

    temp = tmp_path / "temp"
    temp.mkdir()
    command = [sys.executable, "-c", WORKER, str(tmp_path / "settings")]
    for _ in range(2):
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(temp)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        problems, jar_path = done.stdout.splitlines()
        assert problems == "[]"
        assert jar_path.startswith(str(temp))
    assert len(list(temp.rglob("*.jar"))) == 1, "written once"


def test_the_same_classes_are_the_same_jar_whenever_it_is_made(classes):
    with zipfile.ZipFile(io.BytesIO(_jar_of(classes))) as jar:
        assert {file.date_time for file in jar.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_folder_that_others_may_write_to_is_refused(classes, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"raystreaming-files-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"raystreaming-files-{os.getuid()}").chmod(0o777)
    with pytest.raises(RayStreamingError, match=r"others may change what is there"):
        pickle.loads(pickle.dumps(JavaSettings(classpath=[classes])))
