"""SIGKILL, then the same command: from its start to the first record past the restored position."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import HERE, Options, Wrong, environment, span
from kafka import files_hold, loaded_topic

TITLE = "Restart after SIGKILL"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(2_000_000, least=200_000)
    interval = count / 2_000_000
    seconds: list[float] = []
    read: list[float] = []
    with loaded_topic(options, count) as (servers, topic):
        for number in range(options.pairs + 1):
            took, share = _once(options, servers, topic, count, interval)
            what = f"round {number}" if number else "warm-up"
            print(f"  {what}: killed at {share:.0%}, {took:.3f} s", file=sys.stderr, flush=True)
            if number:
                seconds.append(took)
                read.append(share)
    return [
        f"The main job with a lambda on {count:,} messages and a checkpoint each {interval:g} s, killed by "
        "SIGKILL once it has two with records; then the same command. From its start to when the filter "
        "gets its first record, which is the one at the restored position. Afterwards the files hold each "
        "row once.",
        "",
        "| | seconds | records read when killed |",
        "|---|---|---|",
        f"| raystreaming | {span(seconds, '.2f')} | {span(read, '.0%')} |",
    ]


def _once(options: Options, servers: str, topic: str, count: int, interval: float) -> tuple[float, float]:
    """Kill and restart; return the seconds, and the share of the records that was read before."""
    out = Path(tempfile.mkdtemp(dir=options.work, prefix="restart-"))
    first, seen = out / "first", out / "seen"
    argv = [
        *(sys.executable, str(HERE / "jobs/kafka_watched.py"), servers, topic),
        *(str(out / "files"), str(out / "state"), str(first), str(seen)),
        str(interval),
    ]
    with open(out / "log", "wb") as log:

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=out, env=environment(False)
            )

        job = start()
        try:
            state = out / "state" / "watched"
            # The first manifest is that of the start; two more are checkpoints.
            while not (state / "checkpoint-00000003.committed").exists():
                if job.poll() is not None:
                    raise Wrong(f"the job ended before it could be killed\n{_tail(out)}")
                time.sleep(0.002)
            time.sleep(interval / 4)
            job.kill()
            job.wait()
            share = int(seen.read_text() or "0") / count
            first.unlink()
            began = time.time()
            job = start()
            if job.wait() != 0:
                raise Wrong(f"the job failed after the kill\n{_tail(out)}")
        finally:
            job.kill()
            job.wait()
    found = json.loads(first.read_text())
    if not 0 < found["records"] < count:
        raise Wrong(f"after the kill the job read {found['records']} of {count} records")
    files_hold(count)(out, {})
    shutil.rmtree(out)
    return found["time"] - began, share


def _tail(out: Path) -> str:
    return (out / "log").read_text(errors="replace")[-2_000:]
