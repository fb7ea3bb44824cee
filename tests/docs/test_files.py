"""docs/files.md: every block runs, and the option tables are those of the classes.

`python tests/docs/test_files.py` writes the tables.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import sys
import uuid
from pathlib import Path

import pyarrow.dataset as ds

from raystreaming_files import FilesSink, FilesSource
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.programs import Program

PATH = Path(__file__).resolve().parents[2] / "docs" / "files.md"
GUIDE = PATH.read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
HEAD = "| option | default | what it does |\n|---|---|---|\n"


def block(word: str) -> str:
    (found,) = [b for b in BLOCKS if word in b]
    return found


def run(code: str, folder: Path) -> str:
    (folder / "job.py").write_text(code)
    return run_to_end([sys.executable, "job.py"], cwd=folder).stdout


def table(cls: type) -> str:
    """The options of a class, as the guide has them."""
    lines = []
    for field in dataclasses.fields(cls):
        default = f"`{json.dumps(field.default) if isinstance(field.default, str) else field.default}`"
        if field.default is dataclasses.MISSING:
            default = "" if field.default_factory is dataclasses.MISSING else "`{}`"
        doc = field.metadata["doc"].replace("|", "\\|")
        lines.append(f"| `{field.name}` | {default} | {doc} |\n")
    return HEAD + "".join(lines)


def with_tables(guide: str) -> str:
    for name, cls in (("source", FilesSource), ("sink", FilesSink)):
        begin = f"<!-- options of the {name} -->\n"
        before, _, rest = guide.partition(begin)
        guide = before + begin + table(cls) + "<!-- end -->" + rest.partition("<!-- end -->")[2]
    return guide


def test_the_option_tables_are_those_of_the_classes():
    assert with_tables(GUIDE) == GUIDE, "python tests/docs/test_files.py writes them"


def test_no_block_is_left_out():
    assert len(BLOCKS) == 5


def test_csv_to_parquet(tmp_path):
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "a.csv").write_text('country,amount,note\nFR,10,"a, b"\nDE,3,\nDE,12.5,x\n')
    for _ in range(2):  # The second run finds nothing new.
        run(block("big-sales"), tmp_path)
        rows = ds.dataset(tmp_path / "big", format="parquet", partitioning="hive").to_table().to_pylist()
        assert sorted((r["country"], r["amount"], r["note"]) for r in rows) == [
            ("DE", 12.5, "x"),
            ("FR", 10.0, "a, b"),
        ]


def test_sources_and_sinks_as_objects(tmp_path):
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "a.csv").write_text("country,amount\nFR,10\n")
    run(block("FilesSink("), tmp_path)
    (copy,) = (tmp_path / "copies").glob("*.jsonl.gz")
    assert json.loads(gzip.decompress(copy.read_bytes())) == {"country": "FR", "amount": 10}


def test_files_that_go_on_over_checkpoints(tmp_path):
    (tmp_path / "sales").mkdir()
    for n in range(3):
        (tmp_path / "sales" / f"{n}.csv").write_text("amount\n" + f"{n}\n" * 5)
        run(block("large-files").replace('"1s"', '"5ms"'), tmp_path)
        files = sorted((tmp_path / "large").glob("*.parquet"))
        assert len(files) == n + 1  # One for each run: its input ends.
    rows = ds.dataset(files, format="parquet").to_table().to_pylist()
    assert sorted(r["amount"] for r in rows) == [0] * 5 + [1] * 5 + [2] * 5


def test_a_watched_folder(tmp_path):
    def seen():
        return sorted(line for f in (tmp_path / "seen").glob("*.txt") for line in f.read_text().split())

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.txt").write_text("one\n")
    (tmp_path / "job.py").write_text(
        block("watch=True").replace(".print()", ".write_files('seen', format='text')")
    )
    with Program(
        [sys.executable, "-m", "raystreaming", "run", "--checkpoint-interval", "50ms", "job.py"], cwd=tmp_path
    ) as job:
        job.until(lambda: seen() == ["one"], "the first file")
        (tmp_path / "b.txt").write_text("two\n")
        (tmp_path / "b.txt").rename(tmp_path / "logs" / "b.txt")
        job.until(lambda: seen() == ["one", "two"], "the second file")


def test_a_bucket(tmp_path, s3_server):
    import fsspec

    bucket = s3_server.make_bucket(f"guide-{uuid.uuid4().hex[:8]}")
    fs = fsspec.filesystem("s3", **s3_server.storage_options, use_listings_cache=False)
    fs.pipe_file(f"{bucket}/in/a.jsonl", b'{"n": 1}\n{"n": 2}\n')
    code = block("s3://").replace("s3://bucket", bucket)
    code, count = re.subn(r'"endpoint_url": "[^"]*"', f"**{s3_server.storage_options!r}", code)
    assert count == 1
    run(code, tmp_path)
    (file,) = fs.find(f"{bucket}/out")
    with fs.open(file) as raw:
        import pyarrow.parquet as pq

        assert pq.read_table(raw).to_pylist() == [{"n": 1, "seen": True}, {"n": 2, "seen": True}]


if __name__ == "__main__":
    PATH.write_text(with_tables(GUIDE))
