"""Claims a name that another claims too."""

from collections.abc import Iterator

from raystreaming.connector import RecordsSource
from raystreaming.plugins import SourceSpec, hookimpl


class Numbers(RecordsSource[int]):
    """Number one."""

    def records(self, position: int | None) -> Iterator[tuple[int, int]]:
        for n in (1,):
            yield n, n


@hookimpl
def raystreaming_sources() -> Iterator[SourceSpec]:
    yield SourceSpec(name="twin", target="twin_one:Numbers", summary="Number one.")
