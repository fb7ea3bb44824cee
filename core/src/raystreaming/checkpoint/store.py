"""`CheckpointStore`: the checkpoints of one job: manifests in a row, state files, markers.

Manifest names are numbers without gaps, created exclusively. A run begins by creating the next one,
so a rival that is still alive collides with it and is out before it can commit anything.
"""

from __future__ import annotations

import hashlib
import re

from raystreaming.checkpoint.manifest import Manifest, StateFile, damaged
from raystreaming.checkpoint.place import Place
from raystreaming.errors import CheckpointDamaged, JobLocked

_MANIFEST = re.compile(r"checkpoint-(\d{8})\.manifest")
_NUMBERED = re.compile(r"checkpoint-(\d{8})\.(?:manifest|committed)")
_STATE = re.compile(r"state-(\d{8})-.*\.bin")


def _manifest_name(sequence: int) -> str:
    return f"checkpoint-{sequence:08}.manifest"


def _marker_name(sequence: int) -> str:
    return f"checkpoint-{sequence:08}.committed"


def _sequences(names: list[str]) -> list[int]:
    return sorted(int(m[1]) for name in names if (m := _MANIFEST.fullmatch(name)))


class CheckpointStore:
    """Reads and writes the checkpoints of one job.

    Args:
        place: Where the files live.
        retain: How many checkpoints to keep.
    """

    def __init__(self, place: Place, retain: int = 3) -> None:
        self.place = place
        self._retain = retain

    def latest(self) -> Manifest | None:
        """Return the last manifest, or None before the first start.

        Raises:
            CheckpointDamaged: It is not what was written. An older one is not taken instead: what
                the last one committed would be written again.
        """
        while last := self.last_sequence():
            try:
                return self.read_manifest(last)
            except FileNotFoundError:  # another run has retired it: there is a newer one
                continue
        return None

    def last_sequence(self) -> int:
        """Return the number of the last manifest; 0 before the first start."""
        return max(self.sequences(), default=0)

    def sequences(self) -> list[int]:
        """Return the numbers of all manifests, the oldest first."""
        return _sequences(self.place.list())

    def written_at(self, sequence: int) -> float | None:
        """Return when a manifest was written, in seconds since 1970; None where that is not known."""
        return self.place.written_at(_manifest_name(sequence))

    def read_manifest(self, sequence: int) -> Manifest:
        """Return one manifest."""
        name = _manifest_name(sequence)
        return Manifest.decode(self.place.read(name), f"{self.place.name}/{name}")

    def write_manifest(self, manifest: Manifest) -> None:
        """Create a manifest: the commit point.

        Raises:
            JobLocked: Another run has created one with this number: this run is fenced out.
        """
        name = _manifest_name(manifest.sequence)
        try:
            self.place.create(name, manifest.encode())
        except FileExistsError as error:
            raise self._taken_over(manifest) from error
        if self.last_sequence() > manifest.sequence:  # the number was free because it was retired
            self.place.delete(name)
            raise self._taken_over(manifest)

    def _taken_over(self, manifest: Manifest) -> JobLocked:
        return JobLocked(
            f"another run of job {manifest.job!r} has taken over the checkpoints in {self.place.name} "
            f"(checkpoint {manifest.sequence} exists): this run ends and commits nothing more"
        )

    def is_committed(self, manifest: Manifest) -> bool:
        """Return whether everything in the manifest is known to be committed."""
        return _marker_name(manifest.sequence) in self.place.list()

    def mark_committed(self, manifest: Manifest) -> None:
        """Note that everything in the manifest is committed."""
        try:
            self.place.create(_marker_name(manifest.sequence), b"")
        except FileExistsError:
            return  # a run that was killed in between had noted it already

    def write_state(self, name: str, data: bytes) -> StateFile:
        """Write a state file under a name never used before."""
        self.place.create(name, data)
        return StateFile(len(data), hashlib.sha256(data).hexdigest())

    def read_state(self, name: str, expected: StateFile) -> bytes:
        """Return a state file's content.

        Raises:
            CheckpointDamaged: It is missing or not what was written; names the file.
        """
        path = f"{self.place.name}/{name}"
        try:
            data = self.place.read(name)
        except FileNotFoundError as error:
            raise damaged(path, "it is missing") from error
        if len(data) != expected.size or hashlib.sha256(data).hexdigest() != expected.sha256:
            raise damaged(path, "its content does not match its checksum")
        return data

    def retire(self) -> None:
        """Delete checkpoints beyond the retained ones, and state that no retained one refers to.

        Other runs may be at work: what is newer than the newest retained checkpoint stays, and so
        does what is not of a checkpoint at all.
        """
        names = self.place.list()
        kept = _sequences(names)[-self._retain :]
        used: set[str] = set()
        newest = 0
        for sequence in kept:
            try:
                manifest = self.read_manifest(sequence)
            except FileNotFoundError:  # retired meanwhile by another run
                continue
            except CheckpointDamaged:  # kept by a fresh start; what it refers to cannot be known
                newest = -1
                break
            used |= manifest.files.keys()
            newest = max(newest, manifest.epoch)
        for name in names:
            numbered, state = _NUMBERED.fullmatch(name), _STATE.fullmatch(name)
            old = numbered is not None and int(numbered[1]) < kept[0]
            unused = state is not None and int(state[1]) <= newest and name not in used
            if old or unused:
                self.place.delete(name)
