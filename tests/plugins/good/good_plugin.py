"""Nothing is wrong with it."""

from collections.abc import Iterator

from raystreaming.connector import RecordsSource, option
from raystreaming.plugins import SourceSpec, hookimpl


class Numbers(RecordsSource[int]):
    """Numbers."""

    last: int = option(default=2, doc="Where they end.")

    def records(self, position: int | None) -> Iterator[tuple[int, int]]:
        for n in range(1, self.last + 1):
            yield n, n


@hookimpl
def raystreaming_sources() -> Iterator[SourceSpec]:
    yield SourceSpec(name="good", target="good_plugin:Numbers", summary="Numbers.")
