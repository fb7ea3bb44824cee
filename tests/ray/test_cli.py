"""The commands for jobs on a cluster, as processes of their own against a real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from ipaddress import ip_address
from pathlib import Path

import pytest

from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray
RAYSTREAMING = Path(sys.executable).with_name("raystreaming")

ENDLESS = """
    import time
    from raystreaming import StreamingContext
    from raystreaming.connector import RecordsSource

    class Ticks(RecordsSource[int]):
        bounded = False
        def records(self, position):
            n = position or 0
            while True:
                n += 1
                time.sleep(0.01)
                yield n, n

    ctx = StreamingContext(checkpoint_dir={folder!r}, checkpoint_interval="200ms", spares=0)
    stream = ctx.source(Ticks()).map(lambda n: n * 2).set_parallelism(2)
    stream.sink(lambda n: time.sleep(0.02)).set_parallelism(1)
    ctx.execute({job!r})
    print("the program has ended")
"""


class Commands:
    def __init__(self, cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.env = {**os.environ, **cluster.env}

    def __call__(self, *args: str, status: int = 0, env: dict[str, str] | None = None) -> tuple[str, str]:
        done = subprocess.run(
            [RAYSTREAMING, *args],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout, done.stderr

    def program(self, text: str, **values: object) -> str:
        (self.folder / "job.py").write_text(textwrap.dedent(text).format(**values))
        return "job.py"

    def endless(self, job: str) -> None:
        self("run", "--ray", "--detach", self.program(ENDLESS, folder=str(self.folder / "state"), job=job))


@pytest.fixture
def cli(ray_cluster, tmp_path):
    return Commands(ray_cluster, tmp_path)


def test_a_detached_job_is_listed_shown_followed_and_stopped(cli):
    program = cli.program(ENDLESS, folder=str(cli.folder / "state"), job="detached")
    out, err = cli("run", "--ray", "--detach", "--workers", "2", program)
    assert out == "the program has ended\n"
    assert f"job 'detached' runs detached at {cli.cluster.address}" in err
    assert "`raystreaming status`" in err
    assert len(cli.cluster.workers("detached")) == 2

    head, row = cli("jobs")[0].splitlines()
    assert head.split() == ["job", "state", "tasks", "lag", "checkpoint", "restarts"]
    assert row.split()[:4] == ["detached", "running", "4", "-"]

    line, head, *operators = cli("status", "detached")[0].splitlines()
    assert line.startswith("detached: running | reads ")
    assert " | checkpoint " in line
    assert (*head.split()[:3], head.split()[-1]) == ("operator", "tasks", "in/s", "nodes")
    assert all(ip_address(o.split()[-1]) for o in operators[:3])
    assert [o.split("  ")[0] for o in operators[:3]] == ["Ticks", "Ticks.map", "Ticks.sink"]
    assert re.match(r"Ticks.sink is \d+% busy", operators[3])

    shown = cli("logs", "detached", "--ray", cli.cluster.address)[0]
    assert shown.startswith("job 'detached' runs: Ticks.sink at-least-once")

    out, _ = cli("stop", "detached")
    assert out.startswith("job 'detached' is stopped: checkpoint ")
    eventually(lambda: cli.cluster.names() == [], "the end of all actors")
    assert cli("jobs")[0] == "no job runs on this cluster\n"


@pytest.mark.slow
def test_follow_ends_with_the_job_and_the_job_can_be_run_again_at_once(cli):
    cli.endless("followed")
    following = subprocess.Popen(
        [RAYSTREAMING, "logs", "followed", "--follow"],
        env=cli.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, _ = cli("stop", "followed", "--cancel")
        assert out.startswith("job 'followed' is cancelled")
        following.communicate(timeout=60)
    finally:
        following.kill()
        following.communicate()
    cli.endless("followed")
    assert cli("stop", "followed", "--drain")[0].startswith("job 'followed' is finished")


FAILS = """
    import time
    from pathlib import Path
    from raystreaming import StreamingContext

    go = Path({folder!r}, "go")

    def parse(text):
        if text == "now":
            while not go.exists():
                time.sleep(0.01)
            return int(text)
        return text

    ctx = StreamingContext(spares=0)
    ctx.from_values("a", "now").map(parse).sink(print)
    ctx.execute("failing")
"""


def test_a_detached_job_that_failed_says_why_until_somebody_has_ended_it(cli):
    cli("run", "--ray", "--detach", cli.program(FAILS, folder=str(cli.folder)))
    (cli.folder / "go").touch()
    _, err = cli("logs", "failing", "--follow", status=1)
    assert "error: operator 'from_values.map': parse (" in err
    assert "return int(text)" in err
    assert cli("status", "failing", status=1)[0].startswith("failing: failed")
    assert cli("stop", "failing", status=1)[0].startswith("job 'failing' is failed")
    eventually(lambda: cli.cluster.names() == [], "the end of all actors")


@pytest.mark.slow
def test_a_job_that_does_not_exist_is_named_with_those_that_do(cli):
    assert "no job 'word-count' on this cluster; none runs there" in cli("status", "word-count", status=1)[1]
    cli.endless("word-count")
    _, err = cli("stop", "word-cuont", status=1)
    assert "no job 'word-cuont' on this cluster (did you mean 'word-count'?); there are: word-count" in err
    cli("stop", "word-count")


def test_no_cluster_says_how_to_start_one(cli):
    _, err = cli("jobs", "--ray", "127.0.0.1:1", status=1)
    assert err.splitlines()[-1].startswith("error: no Ray cluster at '127.0.0.1:1': ")
    assert "`ray start --head`" in err
    assert "Traceback" not in err


def test_run_with_an_address_waits_for_the_job_and_has_its_output(cli):
    program = cli.program(
        """
        import sys
        from raystreaming import StreamingContext
        ctx = StreamingContext(spares=0)
        ctx.from_values(1, 2, 3).map(lambda n: n * 10).collect()
        print(sys.argv[1:], sorted(ctx.execute("tens").result()))
        """
    )
    out, _ = cli("run", "--ray", cli.cluster.address, program, "--ray", "own", env={"RAY_ADDRESS": ""})
    assert out == "['--ray', 'own'] [10, 20, 30]\n"
