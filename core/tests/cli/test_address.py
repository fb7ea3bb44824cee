"""`--ray [ADDRESS]` before the name of a program."""

from __future__ import annotations

import pytest

from raystreaming.cli.address import joined


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("run --ray job.py", "run --ray= job.py"),
        ("run --ray 10.0.0.5:6379 job.py", "run --ray=10.0.0.5:6379 job.py"),
        ("run --ray auto --detach job.py", "run --ray=auto --detach job.py"),
        ("run --ray ray://head:10001 job.py", "run --ray=ray://head:10001 job.py"),
        ("run --ray=head:6379 job.py", "run --ray=head:6379 job.py"),
        ("run job.py --ray 10.0.0.5:6379", "run job.py --ray 10.0.0.5:6379"),
        ("run --ray /home/a:1/job.py", "run --ray= /home/a:1/job.py"),
        ("status --ray [::1]:6379 name", "status --ray=[::1]:6379 name"),
        ("status name --ray", "status name --ray="),
    ],
)
def test_an_address_is_told_from_a_program(given: str, read: str):
    assert joined(given.split()) == read.split()
