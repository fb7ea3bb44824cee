"""`HadoopSource` and `HadoopSink`: their options; the work is done by the classes of java/."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from raystreaming.connector import OptionError, option
from raystreaming.units import seconds
from raystreaming_java import JavaSink, JavaSource

HADOOP = "3.4.2"
PACKAGES: Sequence[str] = (
    f"org.apache.hadoop:hadoop-client-runtime:{HADOOP}",
    # Its logging goes nowhere: what matters is in the errors.
    "org.slf4j:slf4j-nop:1.7.36",
)
"""What Maven gets, with all that it needs; ``java_packages`` of a job may name other versions."""


def _absolute(path: str | os.PathLike[str], client_options: Mapping[str, str]) -> str:
    """Return a path that means the same on all machines."""
    text = os.fspath(path)
    return text if "://" in text or "fs.defaultFS" in client_options else f"file://{os.path.abspath(text)}"


class HadoopSource(JavaSource[Any]):
    """Read text or sequence files through Hadoop's client: local, HDFS, S3, Azure, Google.

    Delivery: replayable and exact. Parallelism: a part of a file of `split_bytes` (a split); compressed
    text is one split. A restart: goes on after the last record of the last checkpoint. A later run of a
    finished job reads new files, and what was added to old ones.

    The size of a file is fixed when it is found; what is appended later waits for the next run. With
    `watch` the job goes on for ever with the files that appear.

    Records are ``str`` (a line of text without its newline), or ``[key, value]`` (of sequence files).
    Files and folders in the folder whose names begin with ``.`` or ``_`` are left out.
    """

    java = "io.ray.streaming.connector.hadoop.HadoopSource"
    java_packages = PACKAGES

    path: str | os.PathLike[str] = option(
        kw_only=False,
        doc="A file, a folder (searched to any depth) or a glob, e.g. hdfs://namenode/logs/*.gz.",
    )
    format: Literal["text", "sequence"] = option(
        default="text", doc="What the files hold: lines of UTF-8 text, compressed or not, or pairs."
    )
    split_bytes: int = option(
        default=128 << 20,
        check=lambda n: None if n > 0 else "must be at least 1",
        doc="Size of the parts into which large files are cut.",
    )
    watch: bool = option(
        default=False, doc="Go on for ever, with files that appear; give a file its name when it is complete."
    )
    discover_every: str | float = option(default="5s", doc="With `watch`: how often to look for new files.")
    client_options: Mapping[str, str] = option(
        default_factory=dict,
        secret=True,
        doc="Settings of Hadoop's client, e.g. fs.s3a.secret.key. Never shown.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _absolute(self.path, self.client_options))

    def validate(self) -> Iterable[str]:
        """Yield what is wrong with options."""
        try:
            seconds(self.discover_every, "discover_every")
        except OptionError as error:
            yield f"option 'discover_every': {'; '.join(error.problems)}"


class HadoopSink(JavaSink[Any]):
    """Write text or sequence files through Hadoop's client: local, HDFS, S3, Azure, Google.

    Delivery: exactly once: files appear whole, with the checkpoint that holds their records.
    Parallelism: any number of tasks; each writes files of its own, named by run and task.
    A restart: repeats nothing. Committed files stay, prepared ones are committed, others deleted.

    Files are staged in ``<path>/_raystreaming`` and end at each checkpoint. Text takes ``str`` without
    newlines. Sequence files take pairs of a key and a value: text, integers, floats, bytes, booleans or None,
    of one type each in a file.
    """

    java = "io.ray.streaming.connector.hadoop.HadoopSink"
    java_packages = PACKAGES

    path: str | os.PathLike[str] = option(kw_only=False, doc="The folder to write to, made if need be.")
    format: Literal["text", "sequence"] = option(
        default="text", doc="What to write: lines of UTF-8 text, or pairs."
    )
    compression: str | None = option(
        default=None, doc="Hadoop's name of a codec, e.g. gzip, bzip2 or deflate; none if not given."
    )
    client_options: Mapping[str, str] = option(
        default_factory=dict,
        secret=True,
        doc="Settings of Hadoop's client, e.g. fs.s3a.secret.key. Never shown.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _absolute(self.path, self.client_options))
