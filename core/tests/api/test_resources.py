"""What operators ask of nodes: said in the program, gathered per chain, checked at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import GraphError
from raystreaming.graph import Resources, job_graph
from raystreaming.runtime.ray.placing import posts
from raystreaming.runtime.spec import JobSpec


def test_operators_of_a_chain_ask_for_the_most_of_any_and_tasks_of_a_worker_for_all_together():
    ctx = StreamingContext()
    mapped = ctx.from_values(1).map(str).resources(num_cpus=0.5, custom={"disk": 1}, placement="spread")
    filtered = mapped.filter(bool).resources(num_cpus=2, num_gpus=1)
    filtered.collect().set_parallelism(2).resources(num_cpus=0.25)
    ctx.explain()  # names the operators
    spec = JobSpec("job", ctx._graph)
    assert [p.resources for p in posts(spec.execution, None)] == [
        Resources(2.0, 1, {"disk": 1}, "spread"),
        Resources(0.25),
        Resources(0.25),
    ]
    assert [p.resources for p in posts(spec.execution, 1)] == [Resources(2.5, 1, {"disk": 1}, "spread")]
    assert [p.actor_options() for p in posts(spec.execution, None)][:2] == [
        {"num_cpus": 2.0, "num_gpus": 1, "resources": {"disk": 1}, "scheduling_strategy": "SPREAD"},
        {"num_cpus": 0.25},
    ]


def test_one_process_ignores_resources():
    ctx = StreamingContext()
    ctx.from_values(1).map(str).resources(num_cpus=1000, num_gpus=8).collect()
    assert ctx.execute("resources").result() == ["1"]
    assert len(job_graph(ctx._graph).vertices) == 1


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda s: s.resources(num_cpus=-1), "num_cpus must be a number from 0, got -1"),
        (lambda s: s.resources(num_cpus="2"), "num_cpus must be a number from 0, got '2'"),
        (lambda s: s.resources(num_gpus=True), "num_gpus must be a number from 0, got True"),
        (lambda s: s.resources(custom={"disk": -2}), "disk must be a number from 0, got -2"),
        (lambda s: s.resources(placement="near"), "placement must be 'spread' or 'pack', got 'near'"),
    ],
)
def test_what_no_node_can_have_is_refused_where_it_is_said(ask: Callable, says: str):
    with pytest.raises(GraphError, match=says):
        ask(StreamingContext().from_values(1))


def on_ray(**settings: object) -> StreamingContext:
    ctx = StreamingContext(runtime="ray", **settings)
    mapped = ctx.from_values(1).map(str).resources(num_cpus=0.5).set_parallelism(2)
    reduced = mapped.key_by(str).reduce(max).set_parallelism(1)
    reduced.resources(num_gpus=1, custom={"disk": 2}, placement="pack").collect()
    return ctx


def test_explain_shows_the_workers_and_what_they_ask_for():
    assert on_ray().explain().splitlines()[-12:] == [
        "    from_values.reduce.collect: exactly-once while this process lives: no checkpoint_dir, nothing "
        "survives it",
        "on Ray: 4 workers, and 1 spare",
        "worker 0: from_values",
        "    asks for 0.1 CPU",
        "worker 1: from_values.map -> from_values.key_by [0]",
        "    asks for 0.5 CPU",
        "worker 2: from_values.map -> from_values.key_by [1]",
        "    asks for 0.5 CPU",
        "worker 3: from_values.reduce -> from_values.reduce.collect",
        "    asks for 0.1 CPU, 1 GPU, 2 disk, near the job master",
        "a worker dies: all tasks go on from the last checkpoint",
        "the job master dies: the job ends, as it has no checkpoint_dir",
    ]
    shared = on_ray(workers=1, spares=0, checkpoint_dir="state").explain().splitlines()
    assert shared[-5] == "on Ray: 1 worker"
    assert shared[-4].count(" and ") == 3
    assert shared[-3] == "    asks for 1 CPU, 1 GPU, 2 disk, near the job master"
    assert shared[-1] == "the job master dies: the job ends, as it has the rows of collect()"
    lasting = StreamingContext(runtime="ray", checkpoint_dir="state")
    lasting.from_values(1).print()
    assert lasting.explain().endswith("\nthe job master dies: the workers go on, Ray starts it again")


def test_explain_of_a_job_on_ray_needs_no_ray():
    code = (
        "import sys; from raystreaming import StreamingContext\n"
        "ctx = StreamingContext(runtime='ray'); ctx.from_values(1).collect()\n"
        "print('on Ray: 1 worker' in ctx.explain(), 'ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
