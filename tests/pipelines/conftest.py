"""The pipelines are one suite: every test runs embedded and on Ray, unless its mark says which and why.

Those that need no real files may name the simulated runtime too.
"""

import importlib.util
import os

import pytest

from raystreaming.api import settings
from raystreaming.observe.status import JobStatus
from raystreaming.runtime.simulated import Simulation

RUNTIMES = ["embedded", "simulated", "ray"]
USUAL = ("embedded", "ray")
if importlib.util.find_spec("ray") is None:  # the session `ray` has it
    RUNTIMES.remove("ray")


def pytest_generate_tests(metafunc):
    marked = [pytest.param(name, marks=pytest.mark.ray if name == "ray" else ()) for name in RUNTIMES]
    metafunc.parametrize("runtime", marked, indirect=True)


def pytest_collection_modifyitems(config, items):
    """Leave out the runtimes that a test does not run on.

    CI runs few on Ray, the session `ray_pipelines` runs all.
    """
    here = [i for i in items if "runtime" in getattr(i, "fixturenames", ())]
    left_out = [i for i in here if i.callspec.params["runtime"] not in _named(i)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [i for i in items if i not in left_out]
    for item in here:
        if item.get_closest_marker("ray") and not item.get_closest_marker("first_on_ray"):
            item.add_marker(pytest.mark.slow)


def _named(item):
    mark = item.get_closest_marker("runtimes")
    if mark is None:
        return USUAL
    assert mark.kwargs.get("because"), f"{item.nodeid}: say why it runs on these runtimes"
    return mark.args


@pytest.fixture(autouse=True)
def runtime(request, monkeypatch):
    """The runtime of all jobs of a test; programs that it starts read it from RUNTIME."""
    name = request.param
    overrides = {"runtime": name, "spares": 0, "workers": 2}
    if name == "ray":
        request.getfixturevalue("ray_driver")
    if name == "simulated":
        overrides["runtime"] = "embedded"
        monkeypatch.setattr("raystreaming.runtime.embedded.EmbeddedJob", SimulatedJob)
    monkeypatch.setenv("RUNTIME", name)
    settings.override(overrides)
    yield name
    settings.override({})


class SimulatedJob:
    """A job under a scheduler that cuts frames, delivers some again, and loses everything three times."""

    error = None

    def __init__(self, spec):
        assert spec.checkpoint_dir is None, "its crashes would leave real files open in this process"
        seed = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(3), "big")
        print(f"SEED={seed}")
        self._done = Simulation(spec, seed, crashes=3, max_steps=1_000_000).run()

    def wait(self, timeout=None):
        return True

    def status(self):
        return JobStatus("job", self._done.outcome, self._done.manifest.sequence)
