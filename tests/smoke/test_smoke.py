"""A short test of what everybody uses, on any Python: needs the core only."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

from raystreaming import StreamingContext

LINES = ["to be or not to be", "", "that is the question"] * 200
COUNTS = {
    w: 200 * n
    for w, n in {"to": 2, "be": 2, "or": 1, "not": 1, "that": 1, "is": 1, "the": 1, "question": 1}.items()
}


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "job.py"
    file.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_word_count(tmp_path: Path):
    (tmp_path / "words.txt").write_text("\n".join(LINES))
    ctx = StreamingContext()
    words = ctx.read_text_file(tmp_path / "words.txt").flat_map(lambda line: line.split())
    words.map(lambda w: (w, 1)).key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).collect()
    assert dict(ctx.execute("word-count").result()) == COUNTS


def test_a_parallel_keyed_job():
    ctx = StreamingContext(checkpoint_interval="10ms")
    words = ctx.from_collection(LINES).flat_map(str.split).set_parallelism(3)
    counts = words.map(lambda w: (w, 1)).key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.set_parallelism(2).collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dict(ctx.execute("parallel").result()) == COUNTS


def test_a_script_may_end_after_submit(tmp_path: Path):
    done = run(
        """
        import time
        from raystreaming import StreamingContext
        ctx = StreamingContext()
        ctx.from_values(1, 2, 3).map(lambda x: time.sleep(0.1) or x * 10).print()
        ctx.submit("script")
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "10\n20\n30\n"), done.stderr


def test_a_failure_after_the_scripts_end_sets_the_exit_status(tmp_path: Path):
    done = run(
        """
        from raystreaming import StreamingContext
        ctx = StreamingContext()
        ctx.from_values(1, 0).map(lambda x: 1 // x).print()
        ctx.submit("script")
        """,
        tmp_path,
    )
    assert done.returncode == 1
    assert "operator 'from_values.map'" in done.stderr
    assert "record: 0" in done.stderr


STOPPING = """
    import itertools, threading
    from raystreaming import StreamingContext
    from raystreaming.connector import RecordsSource

    class Endless(RecordsSource[int]):
        @property
        def bounded(self):
            return False

        def records(self, position):
            for n in itertools.count(position or 0):
                yield n + 1, n

    enough = threading.Event()
    seen = itertools.count()

    def note(n):
        print(n)
        if next(seen) == 1000:
            enough.set()

    ctx = StreamingContext(checkpoint_dir="cp")
    ctx.source(Endless()).key_by(lambda n: n % 7).reduce(max).sink(note)
    job = ctx.submit("resumed")
    enough.wait()
    job.stop()
    print(job.wait().status().state)
"""


def test_a_checkpoint_and_the_same_command_again(tmp_path: Path):
    first, second = (run(STOPPING, tmp_path) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout.splitlines()[-1] == second.stdout.splitlines()[-1] == "stopped"
    rows = [int(line) for out in (first, second) for line in out.stdout.splitlines()[:-1]]
    assert rows == list(range(len(rows)))
    assert len(second.stdout.splitlines()) > 100
