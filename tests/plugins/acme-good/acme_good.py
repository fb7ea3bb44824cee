"""Claims, under an entry of another name, what another plugin claims under its own."""

from collections.abc import Iterator

from raystreaming.connector import RecordsSource
from raystreaming.plugins import SourceSpec, hookimpl


class Numbers(RecordsSource[int]):
    """Other numbers."""

    def records(self, position: int | None) -> Iterator[tuple[int, int]]:
        yield 7, 7


@hookimpl
def raystreaming_sources() -> Iterator[SourceSpec]:
    yield SourceSpec(name="good", target="acme_good:Numbers", summary="Other numbers.")
