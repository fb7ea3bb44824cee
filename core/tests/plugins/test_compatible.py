"""Whether a plugin was made for this core."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from raystreaming.errors import IncompatiblePlugin
from raystreaming.plugins import compatible


class Dist:
    name, version = "acme", "1.0"

    def __init__(self, *requires: str) -> None:
        self.requires = requires


VERSIONS = ["0.1.0", "0.4", "0.4.2", "0.5.0", "1.0.0", "1.10.3"]
CLAUSES = [">=0.4", "<=0.4.2", "<0.5", ">0.4", "==0.4.2", "==0.4.*", "!=0.4.*", "!=0.5", "~=0.4", "~=0.4.1"]


@pytest.mark.parametrize("installed", VERSIONS)
@pytest.mark.parametrize("clause", [*CLAUSES, ">=0.4,<0.6", ">=0.1, !=0.4.2, <1"])
def test_versions_are_compared_as_pip_does(monkeypatch: pytest.MonkeyPatch, installed: str, clause: str):
    monkeypatch.setattr(compatible, "version", lambda name: installed)
    for requirement in (f"raystreaming{clause}", f"raystreaming ({clause})", f"Raystreaming[ray] {clause}"):
        if Version(installed) in SpecifierSet(clause):
            compatible.check_version(Dist("numpy>=9", requirement))
        else:
            with pytest.raises(IncompatiblePlugin):
                compatible.check_version(Dist("numpy>=9", requirement))


@pytest.mark.parametrize(
    "requirement",
    [
        "raystreaming",
        "raystreaming>=7; extra == 'new'",
        "raystreaming>=7; python_version < '3'",
        "raystreaming @ https://host/raystreaming.whl",
        "raystreaming-files>=7",
        "raystreaming===7.weird",
    ],
)
def test_what_says_nothing_about_this_core_is_no_reason_to_refuse(requirement: str):
    compatible.check_version(Dist(requirement))


def test_a_release_candidate_counts_as_the_release(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compatible, "version", lambda name: "0.5.0rc1+local")
    compatible.check_version(Dist("raystreaming>=0.5"))
    with pytest.raises(IncompatiblePlugin, match=r"was made for raystreaming<0.5, and raystreaming 0.5.0rc1"):
        compatible.check_version(Dist("raystreaming<0.5"))
