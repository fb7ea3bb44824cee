"""Nothing is wrong with it."""

from collections.abc import Iterator

from raystreaming.connector import RecordsSource
from raystreaming.plugins import SourceSpec, hookimpl


class Numbers(RecordsSource[int]):
    """Numbers."""

    def records(self, position: int | None) -> Iterator[tuple[int, int]]:
        for n in (1, 2):
            yield n, n


@hookimpl
def raystreaming_sources() -> Iterator[SourceSpec]:
    yield SourceSpec(name="good", target="good_plugin:Numbers", summary="Numbers.")
