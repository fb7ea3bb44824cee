"""Pictures of jobs, in every format and by the command."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from raystreaming import StreamingContext, Tagged
from raystreaming.cli.main import main
from raystreaming.errors import GraphError

PROGRAM = """
import sys
from raystreaming import StreamingContext

ctx = StreamingContext()
words = ctx.from_values("a b").flat_map(str.split).name(sys.argv[1]).set_parallelism(2)
words.key_by(lambda w: w).reduce(max).set_parallelism(3).sink(print)
ctx.execute("words")
print("it ran")
"""


def job() -> StreamingContext:
    ctx = StreamingContext()
    numbers = ctx.from_values(1).map(lambda n: Tagged("a<b", n), name='say "hi"').set_parallelism(2)
    numbers.side_output("a<b").print()
    numbers.key_by(abs).reduce(max).set_parallelism(3).collect()
    return ctx


LOGICAL = """\
from_values x1
    round robin --> say "hi" (map) x2
say "hi" (map) x2
    side output 'a<b', forward --> print x2
    forward --> key_by x2
print x2
key_by x2
    key --> reduce x3
reduce x3
    forward --> collect x3
collect x3"""


def test_the_logical_graph_as_text(capsys):
    job().print_logical_graph()
    assert capsys.readouterr().out.rstrip() == LOGICAL


def test_the_physical_graph_has_tasks_and_channels(capsys):
    job().print_physical_graph()
    lines = capsys.readouterr().out.splitlines()
    tasks = [line for line in lines if line[0] != " "]
    assert len(tasks) == 1 + 2 + 2 + 2 + 3
    assert sum(line.startswith("    key --> ") for line in lines) == 2 * 3


@pytest.mark.parametrize(("level", "boxes", "arrows"), [("logical", 6, 5), ("physical", 10, 2 + 2 + 2 + 6)])
def test_every_format_has_all_of_it(level, boxes, arrows):
    ctx = job()
    mermaid = ctx.graph(level, "mermaid").splitlines()
    assert mermaid[0] == "flowchart LR"
    assert sum("-->" in line for line in mermaid) == arrows
    assert len(mermaid) == 1 + boxes + arrows
    assert not any("<b'" in line or '"hi"' in line for line in mermaid), "text that Mermaid would read"
    dot = ctx.graph(level, "dot").splitlines()
    assert sum(" -> " in line for line in dot) == arrows
    labels = [json.loads(m[1]) for line in dot if (m := re.search(r'label=("(?:[^"\\]|\\.)*")', line))]
    assert len(labels) == boxes + arrows
    svg = ET.fromstring(ctx.graph(level, "svg"))
    tags = [element.tag.rpartition("}")[2] for element in svg.iter()]
    assert tags.count("rect") == 1 + boxes
    assert tags.count("path") == 1 + arrows
    assert any("side output 'a<b'" in (element.text or "") for element in svg.iter())


def test_an_unknown_picture_is_refused():
    with pytest.raises(GraphError, match=r"got 'mermade' \(did you mean 'mermaid'\?\)"):
        job().graph("logical", "mermade")
    with pytest.raises(GraphError, match="'logical' or 'physical', got 'both'"):
        job().graph("both")


def test_the_command_draws_without_running(tmp_path, capsys):
    program = tmp_path / "job.py"
    program.write_text(PROGRAM)
    assert main(["graph", str(program), "split"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "    round robin --> split (flat_map) x2"
    out = tmp_path / "job.svg"
    assert main(["graph", "--physical", "--format", "svg", "--out", str(out), str(program), "split"]) == 0
    assert capsys.readouterr().out == ""
    assert "split [1]" in out.read_text()


def test_a_program_without_a_job_is_an_error(tmp_path, capsys):
    (tmp_path / "none.py").write_text("x = 1")
    assert main(["graph", str(tmp_path / "none.py")]) == 1
    assert "submits no job" in capsys.readouterr().err
