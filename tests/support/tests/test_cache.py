"""A cached folder is made once, and never seen half made."""

import subprocess
import sys
from pathlib import Path

import pytest

from raystreaming_test_support.cache import cache_root, made_once

SLOW_MAKER = """
import os, sys, time
from pathlib import Path
from raystreaming_test_support.cache import made_once

def make(folder: Path) -> None:
    (folder / "one").write_text(str(os.getpid()))
    time.sleep(0.5)
    (folder / "two").write_text(str(os.getpid()))

folder = made_once(Path(sys.argv[1]), make)
print((folder / "one").read_text(), (folder / "two").read_text())
"""


def test_processes_that_race_get_what_one_of_them_made(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLOW_MAKER, str(tmp_path / "cached")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {racer.communicate(timeout=120)[0] for racer in racers}
    assert len(answers) == 1
    one, two = answers.pop().split()
    assert one == two


def test_what_a_failed_maker_left_is_not_used(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        made_once(tmp_path / "cached", fail)
    assert not (tmp_path / "cached").exists()

    made_once(tmp_path / "cached", lambda folder: (folder / "all").touch())
    assert [found.name for found in (tmp_path / "cached").iterdir()] == ["all"]


def test_what_a_killed_maker_left_is_not_used(tmp_path: Path) -> None:
    code = SLOW_MAKER.replace("time.sleep(0.5)", "os.kill(os.getpid(), 9)")
    command = [sys.executable, "-c", code, str(tmp_path / "cached")]
    assert subprocess.run(command, check=False).returncode == -9
    assert not (tmp_path / "cached").exists()

    made_once(tmp_path / "cached", lambda folder: (folder / "all").touch())
    assert [found.name for found in (tmp_path / "cached").iterdir()] == ["all"]


def test_the_environment_chooses_the_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAYSTREAMING_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("RAYSTREAMING_CACHE")
    assert cache_root() == Path.home() / ".cache/raystreaming"
