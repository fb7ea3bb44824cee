"""The surface of the first Python API, as its programs used it."""

from __future__ import annotations

import pytest

from raystreaming import Conf, Environment
from raystreaming.errors import GraphError


def test_a_program_of_the_first_api(tmp_path, capsys):
    (tmp_path / "toy.txt").write_text("a b\nb\n")
    env = Environment(config=Conf(parallelism=2))
    seen: list = []
    counts = (
        env.read_text_file(tmp_path / "toy.txt")
        .shuffle()
        .flat_map(str.split)
        .set_parallelism(3)
        .round_robin()
        .map(lambda word: (word, 1), name="Pair")
        .key_by(0)
        .sum(1)
        .inspect(seen.append)
    )
    counts.rescale().filter(lambda pair: pair[1] > 1).broadcast().sink()
    env.print_logical_graph()
    env.print_physical_graph()
    env.execute()
    env.wait_finish()
    assert sorted(seen) == [("a", 1), ("b", 1), ("b", 2)]
    drawn = capsys.readouterr().out
    assert "Pair (map) x2" in drawn
    assert "Pair [1]" in drawn


def test_waiting_for_no_job_is_an_error():
    with pytest.raises(GraphError, match="call execute"):
        Environment().wait_finish()
