"""What operators ask of nodes: said in the program, gathered per chain, checked at once."""

from __future__ import annotations

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
