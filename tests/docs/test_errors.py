"""docs/errors.md: every message in it is one that a program really gets.

The blocks are the golden messages. RAYSTREAMING_WRITE_ERRORS=1, in a checkout, writes what programs get.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from raystreaming import errors
from raystreaming.errors import RayStreamingError

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
BLOCK = re.compile(r"<!-- (?P<case>[\w-]+) -->\n```text\n(?P<text>.*?)\n```", re.DOTALL)
TEXT = GUIDE.read_text()
GOLDEN = {m["case"]: m["text"] for m in BLOCK.finditer(TEXT)}

PRELUDE = """\
from raystreaming import StreamingContext, dead_letter, retry
from raystreaming.connector import *
from typing import Literal; import pyarrow.compute as pc
"""
CASES: dict[str, str] = {
    "options": """
class Queue(RecordsSource[str]):
    url: str = option(doc="Where it is.")
    password: Secret = option(doc="Of the account.")
    start: Literal["earliest", "latest"] = option(default="earliest", doc="Where to begin.")
    batch: int = option(default=100, doc="At once.", check=lambda n: None if n > 0 else "must be above 0")
    def records(self, position):
        yield None, ""
Queue(ulr="queue:1", password=12345, start="lastest", batch=0)""",
    "settings": "StreamingContext(checkpoint_dirr='state', checkpoint_interval='fast', restarts=-1)",
    "on-error-options": "StreamingContext().from_values(1).map(str).on_error(retry(0, 'soon'))",
    "no-sink": "ctx = StreamingContext()\nctx.from_values(1).map(str)\nctx.execute()",
    "forward": """
ctx = StreamingContext()
ctx.from_values(1).map(str).set_parallelism(2).forward().map(str).set_parallelism(3).print()
ctx.execute()""",
    "unread": "ctx = StreamingContext()\ns = ctx.from_values(1)\ns.broadcast()\ns.print()\nctx.execute()",
    "one-reader": "ctx = StreamingContext()\nctx.from_values(1).set_parallelism(4).print()\nctx.execute()",
    "no-function": "StreamingContext().from_values({'a': 1}).map('a')",
    "retry-not-replayable": """
class Live(RecordsSource[int]):
    replayable = False
    def records(self, position):
        yield None, 1
StreamingContext().source(Live()).on_error(retry(3))""",
    "user-function": """
def price(order):
    return order["price"] / order["count"]

ctx = StreamingContext()
ctx.from_values({"price": 3.0, "count": 0, "token": "canary"}).map(price).print()
ctx.execute()""",
    "column-function": """
def price(batch):
    return pc.divide(batch["total"], batch["count"])

ctx = StreamingContext()
ctx.from_values({"total": 3, "count": 0}, {"total": 4, "count": 2}).with_columns(price=price).print()
ctx.execute()""",
    "unknown-column": """
ctx = StreamingContext()
ctx.from_values({"total": 3, "count": 0}).select("count", double=pc.field("totl") * 2).print()
ctx.execute()""",
    "unknown-field": """
ctx = StreamingContext()
ctx.from_values({"user": "ann", "n": 1}).key_by("usr").sum("n").print()
ctx.execute()""",
    "key": """
ctx = StreamingContext()
ctx.from_values({"user": {"id": 1}}).key_by(lambda r: r["user"]).reduce(max).print()
ctx.execute()""",
    "partition": """
ctx = StreamingContext()
ctx.from_values(1).partition_by(lambda r, tasks: 7).map(str).set_parallelism(2).print()
ctx.execute()""",
    "state": """
import threading
ctx = StreamingContext()
ctx.from_values(1, 2).map(lambda n: (n, threading.Lock())).key_by(lambda r: r[0]).reduce(max).sink(id)
ctx.execute()""",
    "unknown-connector": "StreamingContext().read_flies('in')",
    "terminal-missing": """
ctx = StreamingContext()
ctx.read_text_file("nowhere.txt").print()
ctx.execute()""",
    "rejected-by-source": """
from pathlib import Path
Path("names.txt").write_bytes(b"Ada\\nZo\\xe9\\n")
ctx = StreamingContext()
ctx.read_text_file("names.txt").print()
ctx.execute()""",
    "rejected-by-sink": """
class Short(Sink[str]):
    rejects = True
    def open(self, state, ctx):
        return Writing(ctx)

class Writing(Writer[str]):
    def __init__(self, ctx):
        self.ctx = ctx
    def write(self, batch):
        for text in batch.values:
            if len(text) > 5:
                self.ctx.reject(text, "it has more than 5 characters")

ctx = StreamingContext()
ctx.from_values("a", "too long").sink(Short())
ctx.execute()""",
    "retryable": """
def ask(n):
    raise Retryable("the service at 10.0.0.7 does not answer: look at its state")

ctx = StreamingContext(restarts=0)
ctx.from_values(1).map(ask).print()
ctx.execute()""",
    "others-code": """
class Broken(BatchSink[int]):
    def write_batch(self, records):
        raise OSError("No route to host")

ctx = StreamingContext()
ctx.from_values(1).sink(Broken())
ctx.execute("copy")""",
    "position": """
class Odd(RecordsSource[int]):
    def records(self, position):
        yield {1, 2}, 1

ctx = StreamingContext()
ctx.source(Odd()).print()
ctx.execute()""",
    "drift": """
def job(more):
    ctx = StreamingContext(checkpoint_dir="state")
    pairs = ctx.from_values("a", "b").key_by(lambda w: w)
    if more:
        pairs.reduce(max).print()
    else:
        pairs.map(str).print()
    ctx.execute("words")
job(True)
job(False)""",
    "damaged": """
from pathlib import Path
def job():
    ctx = StreamingContext(checkpoint_dir="state")
    ctx.from_values("a", "b").print()
    ctx.execute("copy")
job()
last = max(Path("state/copy").glob("*.manifest"))
last.write_bytes(last.read_bytes().replace(b"copy", b"yoc_"))
job()""",
    "locked": """
import threading
gate = threading.Event()
def job(fn):
    ctx = StreamingContext(checkpoint_dir="state")
    ctx.from_values("a").map(fn).print()
    return ctx.submit("copy")
first = job(lambda _: gate.wait(60))
try:
    job(str)
finally:
    gate.set()
    first.wait()""",
    "no-result": "ctx = StreamingContext()\nctx.from_values(1).print()\nctx.execute().result()",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(case: str, folder: Path) -> str:
    scope: dict[str, Any] = {"__name__": "__main__"}
    code = compile(PRELUDE + CASES[case].strip("\n"), "job.py", "exec", dont_inherit=True)
    try:
        exec(code, scope)
    except RayStreamingError as error:
        text = f"{type(error).__name__}: {error}"
        text = re.sub(r"\(process \d+\)", "(process 4711)", text)
        text = re.sub("installed: .*", "installed: collection, files, kafka", text)
        return text.replace(str(folder), "/data")
    raise AssertionError(f"{case} raised nothing")


@pytest.mark.parametrize("case", CASES)
def test_the_message_is_the_one_in_the_catalogue(case: str, folder: Path, capsys: pytest.CaptureFixture[str]):
    text = told(case, folder)
    assert "canary" not in text
    if os.environ.get("RAYSTREAMING_WRITE_ERRORS") == "1":
        block = f"<!-- {case} -->\n```text\n{text}\n```"
        now = GUIDE.read_text()
        assert f"<!-- {case} -->" in now, f"docs/errors.md has no block for {case}"
        GUIDE.write_text(BLOCK.sub(lambda m: block if m["case"] == case else m[0], now))
        return
    assert text == GOLDEN[case]


def test_the_program_runs(folder: Path):
    (program,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    exec(compile(program, "job.py", "exec"), {"__name__": "__main__"})


def test_every_block_is_tested():
    elsewhere = {"bad-import", "bad-hook", "bad-version", "twins"}  # tests/plugins
    assert set(GOLDEN) - elsewhere == set(CASES)


def test_every_error_is_in_the_table_with_who_mends_it():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", TEXT, re.MULTILINE))
    public = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, RayStreamingError)]
    assert rows == {c.__name__: c.failure_kind for c in public if c is not RayStreamingError}
