"""Records that fail, on a cluster: the same outcomes as in one process."""

from __future__ import annotations

import pytest

from raystreaming import StreamingContext, dead_letter, retry
from raystreaming_files import FilesSink
from raystreaming_test_support.outputs import json_rows
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray


def test_records_that_fail_are_tried_again_and_written_once_where_dead_letters_go(
    ray_driver, tmp_path, caplog
):
    def inverse(n):
        return 1 // (n % 10) and n

    letters = dead_letter(FilesSink(tmp_path / "bad", format="jsonl"))
    ctx = StreamingContext(
        runtime="ray", spares=0, checkpoint_dir=tmp_path / "state", checkpoint_interval="100ms"
    )
    numbers = ctx.from_collection(range(200)).map(inverse).set_parallelism(2)
    numbers.on_error(retry(1, "1ms", then=letters)).filter(lambda n: n or 1 / n).on_error("skip").collect()
    job = ctx.execute("outcomes")
    assert sorted(job.result()) == [n for n in range(200) if n % 10 == 1]
    assert job.status().counts == {"retries": 20, "dead letters": 20, "skipped": 160}
    rows = json_rows(tmp_path / "bad")
    assert sorted(int(row["record"]) for row in rows) == list(range(0, 200, 10))
    assert {row["attempts"] for row in rows} == {2}
    assert {row["error"] for row in rows} == {"ZeroDivisionError: integer division or modulo by zero"}
    told = [r for r in caplog.records if "goes on without records that fail" in r.getMessage()]
    # Every other record goes to task 1, none of those that `inverse` refuses.
    tasks = [("map", 0), ("filter", 0), ("filter", 1)]
    assert sorted((r.job, r.operator, r.task) for r in told) == sorted(
        ("outcomes", f"from_collection.{op}", task) for op, task in tasks
    )
    eventually(lambda: not ray_driver.names(), "an empty cluster")
