"""A file that goes with a job: its content arrives, and is kept once."""

from __future__ import annotations

import pickle

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import JobFile
from raystreaming.errors import OptionError, RayStreamingError


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_its_content_arrives_and_is_kept_once_however_often_it_comes(tmp_path, temporary_folder):
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    sent = [pickle.dumps(JobFile(path)) for _ in range(2)]
    path.unlink()
    first, second = (pickle.loads(data).path for data in sent)
    assert first == second
    assert first.read_bytes() == b"weights"
    assert first.suffix == ".bin"
    assert [p for p in temporary_folder.rglob("*") if p.is_file()] == [first]


def test_other_content_is_another_file(tmp_path):
    assert JobFile.of(b"a").path != JobFile.of(b"b").path


def test_a_folder_that_others_may_write_to_is_refused(temporary_folder):
    folder = JobFile.of(b"a").path.parent
    folder.chmod(0o777)
    with pytest.raises(RayStreamingError, match="as others may change what is there: remove it"):
        JobFile.of(b"a")


def test_detaching_needs_a_cluster():
    ctx = StreamingContext(detach=True, runtime="embedded")
    ctx.from_values(1).collect()
    with pytest.raises(OptionError, match='set runtime="ray"'):
        ctx.submit("detached")
