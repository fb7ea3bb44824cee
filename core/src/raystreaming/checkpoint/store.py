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
_OURS = re.compile(r"checkpoint-\d{8}\.(manifest|committed)|state-\d{8}-.*\.bin")


def _manifest_name(sequence: int) -> str:
    return f"checkpoint-{sequence:08}.manifest"


def _marker_name(sequence: int) -> str:
    return f"checkpoint-{sequence:08}.committed"


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
        last = self.last_sequence()
        return self.read_manifest(last) if last else None

    def last_sequence(self) -> int:
        """Return the number of the last manifest; 0 before the first start."""
        return max(self._sequences(), default=0)

    def _sequences(self) -> list[int]:
        return sorted(int(m[1]) for name in self.place.list() if (m := _MANIFEST.fullmatch(name)))

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
            raise JobLocked(
                f"another run of job {manifest.job!r} has taken over the checkpoints in "
                f"{self.place.name} ({name} exists): this run ends and commits nothing more"
            ) from error

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
        """Delete checkpoints beyond the retained ones, and files that no retained one refers to.

        Files that are not of a checkpoint stay: the folder may be somebody's.
        """
        kept = self._sequences()[-self._retain :]
        wanted = {_manifest_name(s) for s in kept} | {_marker_name(s) for s in kept}
        unknown = False
        for sequence in kept:
            try:
                wanted |= self.read_manifest(sequence).files.keys()
            except CheckpointDamaged:  # kept by a fresh start; what it refers to cannot be known
                unknown = True
        for name in self.place.list():
            if name in wanted or not _OURS.fullmatch(name):
                continue
            if not (unknown and name.startswith("state-")):
                self.place.delete(name)
