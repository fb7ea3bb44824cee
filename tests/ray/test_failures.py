"""What people are told when a job cannot run on a cluster, or fails there; and nothing of it stays."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import RecordsSource
from raystreaming.errors import GraphError, JobError, OperatorError, PluginError, Terminal, WorkerLost
from raystreaming_test_support.programs import fails, write_program
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def nothing_stays(ray_driver):
    yield
    eventually(lambda: not ray_driver.names() and not ray_driver.files(), "an empty cluster")


def job(**settings):
    return StreamingContext(runtime="ray", spares=0, **settings)


def test_a_function_that_raises_is_named_with_its_line_and_record():
    ctx = job()
    ctx.from_values("1", "two").name("numbers").map(lambda text: int(text)).collect()
    with pytest.raises(OperatorError, match=r"operator 'from_values\.map'.*test_failures\.py:\d+.*'two'"):
        ctx.execute("raises")


RAISES = """
    from raystreaming import StreamingContext

    def parse(text):
        return int(text)

    ctx = StreamingContext(runtime="ray", spares=0)
    ctx.from_values("1", "two").map(parse).print()
    ctx.execute("raises")
"""


@pytest.mark.parametrize("how", ["raystreaming run", "python"])
def test_a_program_whose_function_raises_ends_with_status_1_and_one_message(how, tmp_path):
    program = write_program(tmp_path, RAISES)
    command = ["-m", "raystreaming", "run", program] if how == "raystreaming run" else [program]
    said = fails([sys.executable, *command], cwd=tmp_path)
    assert "operator 'from_values.map'" in said
    assert "'two'" in said
    assert f"{program}:5" in said
    if how == "raystreaming run":
        assert "return int(text)" in said
        assert said.count("invalid literal") == 1


def test_a_function_that_cannot_travel_is_named_with_file_and_line():
    lock = threading.Lock()
    ctx = job()
    ctx.from_values(1).map(lambda n: (n, lock.locked())).collect()
    with pytest.raises(
        GraphError, match=r"operator 'from_values\.map' \(.*test_failures\.py:\d+\).*lock.*open\(\)"
    ):
        ctx.submit("unpicklable")


def test_a_module_that_workers_do_not_have_is_named(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def double(n):\n    return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)  # after Ray has told its workers where to look
    import only_here

    ctx = job()
    ctx.from_values(1).map(only_here.double).collect()
    with pytest.raises(
        JobError,
        match=r"cannot be loaded on node .*No module named 'only_here'.*"
        r'sent along with runtime_env=\{"working_dir": "\."\}',
    ):
        ctx.submit("not-there")
    del sys.modules["only_here"]


class NoModel:
    """A function that finds nothing where it is opened."""

    def open(self, context):
        raise OSError("no model at /models/7")

    def __call__(self, record):
        return record


def test_a_function_that_cannot_be_opened_is_told_by_submit():
    ctx = job()
    ctx.from_values(1).map(NoModel()).set_parallelism(2).collect()
    with pytest.raises(
        OperatorError,
        match=r"operator 'from_values\.map': open\(\) of NoModel raised OSError: no model at /models/7\n"
        r"  at .*test_failures\.py:\d+$",
    ):
        ctx.submit("no-model")


class Unplanned(RecordsSource[int]):
    """A source whose server is not there."""

    def plan(self, ctx):
        raise Terminal("no server at db:5432")

    def records(self, position):
        yield 1, 1


def test_a_source_that_cannot_be_planned_is_told_by_submit():
    ctx = job()
    ctx.source(Unplanned()).collect()
    with pytest.raises(Terminal, match="no server at db:5432") as failed:
        ctx.submit("no-server")
    assert failed.value.__notes__ == ["in source 'Unplanned'"]


def test_a_job_whose_workers_die_again_and_again_fails_with_the_last_death(caplog):
    ctx = job(restarts=1)
    ctx.from_values(1).map(lambda n: os.kill(os.getpid(), signal.SIGKILL)).collect()
    with pytest.raises(WorkerLost, match=r"worker dies/worker-.* died"):
        ctx.execute("dies")
    told = [r.getMessage() for r in caplog.records if "restarts from its last checkpoint" in r.getMessage()]
    assert [line.rpartition("checkpoint ")[2] for line in told] == ["now (1 of 1)"]


def test_a_full_cluster_is_told_with_what_is_asked_and_what_is_free():
    ctx = job(start_timeout="2s")
    ctx.from_values(1).map(lambda n: n).resources(num_cpus=64).collect()
    with pytest.raises(
        JobError, match=r"did not place 1 of its workers within 2 s.*64 num_cpus.*free: .*CPU"
    ):
        ctx.submit("too-big")


def test_ctrl_c_where_a_job_waits_for_room_ends_it(ray_driver):
    def ctrl_c():
        eventually(lambda: any("/worker-" in name for name in ray_driver.names()), "the wish for a worker")
        os.kill(os.getpid(), signal.SIGINT)

    ctx = job(start_timeout="5m")
    ctx.from_values(1).map(lambda n: n).resources(num_cpus=64).collect()
    interrupting = threading.Thread(target=ctrl_c)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        ctx.submit("waits-for-room")
    interrupting.join()


def install(folder, version, editable=False):
    """Put a distribution with one module there, as pip does."""
    info = folder / f"fake_plugin-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fake-plugin\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[raystreaming.plugins]\nfake = fake_plugin\n")
    if editable:
        (info / "RECORD").write_text("fake_plugin.pth,,\n")
        (info / "direct_url.json").write_text('{"url": "file:///fake", "dir_info": {"editable": true}}')
    else:
        (info / "top_level.txt").write_text("fake_plugin\n")
        (info / "RECORD").write_text("fake_plugin.py,,\n")
    (folder / "fake_plugin.py").write_text(
        textwrap.dedent(
            """
            from raystreaming.connector import RecordsSource, operator

            class Numbers(RecordsSource[int]):
                def records(self, position):
                    yield from enumerate(range(position or 0, 10), 1)

            @operator
            def twice(n):
                yield 2 * n
            """
        )
    )


@pytest.mark.parametrize(
    ("there", "said", "editable", "build"),
    [
        (None, "not installed on node", False, lambda ctx, fake: ctx.source(fake.Numbers())),
        ("1.3", "1.3 on node", False, lambda ctx, fake: ctx.source(fake.Numbers())),
        (None, "not installed on node", True, lambda ctx, fake: ctx.from_values(1).apply(fake.twice())),
    ],
)
def test_a_plugin_that_a_worker_lacks_is_named_before_anything_opens(
    there, said, editable, build, tmp_path, monkeypatch
):
    install(tmp_path / "driver", "1.2", editable)
    monkeypatch.syspath_prepend(tmp_path / "driver")
    settings = {}
    if there is not None:
        install(tmp_path / "worker", there)
        settings["runtime_env"] = {"env_vars": {"PYTHONPATH": str(tmp_path / "worker")}}
    import fake_plugin

    assert issubclass(fake_plugin.Numbers, RecordsSource)
    ctx = job(**settings)
    build(ctx, fake_plugin).collect()
    driver = "1\\.2, editable on the driver" if editable else "1\\.2 on the driver"
    with pytest.raises(PluginError, match=rf"fake-plugin {driver}, {said}.*install") as refused:
        ctx.submit("plugin")
    assert ("py_modules" in str(refused.value)) == editable
    del sys.modules["fake_plugin"]


def test_an_editable_package_that_was_sent_along_as_modules_will_do(tmp_path, monkeypatch):
    # Ray reads its environment when it is imported: after the fixture has set it.
    from raystreaming.runtime.ray.shipping import Installed, check_dists

    (tmp_path / "sent_along.py").touch()
    driver = {"sent-along": Installed("1.2", editable=True, package="sent_along")}
    with pytest.raises(
        PluginError, match=r"sent-along 1\.2, editable on the driver, not installed on node n"
    ):
        check_dists(driver, "n")
    monkeypatch.syspath_prepend(tmp_path)
    check_dists(driver, "n")


def test_a_workers_process_that_cannot_start_is_told():
    ctx = job(start_timeout="20s", runtime_env={"working_dir": "/nowhere/at/all"})
    ctx.from_values(1).collect()
    with pytest.raises(Exception, match="/nowhere/at/all"):
        ctx.submit("no-start")
