"""Its hook is mistyped."""

from collections.abc import Iterator

from raystreaming.connector import RecordsSource
from raystreaming.plugins import SourceSpec, hookimpl


class Numbers(RecordsSource[int]):
    """Numbers."""

    def records(self, position: int | None) -> Iterator[tuple[int, int]]:
        for n in (1, 2):
            yield n, n


@hookimpl
def raystreaming_source() -> Iterator[SourceSpec]:
    yield SourceSpec(name="meters", target="bad_hook:Numbers", summary="Numbers.")
