"""A real S3 server on this machine: S3Proxy, which keeps its objects in a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from raystreaming_test_support import _watchdog
from raystreaming_test_support.cache import cache_root, made_once
from raystreaming_test_support.kafka_broker import accepts, free_port
from raystreaming_test_support.maven import copy_jars, find_java

VERSION = "2.6.0"
_START_TIMEOUT = 120.0

_LOGBACK = """\
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""
_SETTINGS = """\
s3proxy.endpoint=http://127.0.0.1:{port}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity={key}
s3proxy.credential={secret}
jclouds.provider=filesystem-nio2
jclouds.identity=none
jclouds.credential=none
jclouds.filesystem.basedir={folder}/objects
"""


class S3Server:
    """An S3 server that listens on 127.0.0.1 only and asks for credentials. A context manager.

    It dies with this process, even when this process is killed.

    Attributes:
        port: Where it listens.
        key: The access key that it knows.
        secret: Its secret: nobody may ever see that.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.key = "test-key"
        self.secret = "canary-secret-5d0f"
        self._folder = Path()
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def storage_options(self) -> dict[str, Any]:
        """What fsspec's S3 file system needs to reach it."""
        return {
            "key": self.key,
            "secret": self.secret,
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "client_kwargs": {"region_name": "us-east-1"},
            # The checksums of newer clients are more than it knows.
            "config_kwargs": {
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        }

    def make_bucket(self, name: str) -> str:
        """Make a bucket; return its URL."""
        import fsspec

        fsspec.filesystem("s3", **self.storage_options).call_s3("create_bucket", Bucket=name)
        return f"s3://{name}"

    def folder_of(self, bucket: str) -> Path:
        """Return where the server keeps the objects of a bucket, each as a file."""
        return self._folder / "objects" / bucket

    def kill_env(self, bucket: str) -> dict[str, str]:
        """Make a bucket for a job that is killed; return the environment of the job."""
        return {
            "BUCKET": self.make_bucket(bucket),
            "BUCKET_FOLDER": str(self.folder_of(bucket)),
            "S3_OPTIONS": json.dumps(self.storage_options),
        }

    def __enter__(self) -> S3Server:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: It did not start; with its log.
        """
        java = find_java()
        home = cache_root() / f"s3proxy-{VERSION}"
        needed = f"org.gaul:s3proxy:{VERSION}"
        jars = made_once(home / "jars", lambda folder: copy_jars(folder, [needed], "the S3 server"))
        self._folder = Path(tempfile.mkdtemp(prefix="raystreaming-s3-"))
        (self._folder / "objects").mkdir()
        settings = _SETTINGS.format(port=self.port, key=self.key, secret=self.secret, folder=self._folder)
        (self._folder / "s3proxy.conf").write_text(settings)
        (self._folder / "logback.xml").write_text(_LOGBACK)
        command = [str(java.command), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        command += ["-Dlogback.configurationFile=logback.xml"]
        command += ["-cp", f"{jars}/*", "org.gaul.s3proxy.Main", "--properties", "s3proxy.conf"]
        with open(self._folder / "log", "wb") as log:
            self._watchdog = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", _watchdog.__file__),
                    *(str(os.getpid()), str(self._folder / "pid"), str(self._folder)),
                    *command,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                bufsize=0,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while not accepts(self.port):
            if self._watchdog.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace")[-3000:]
                self.__exit__(None, None, None)
                raise RuntimeError(f"the S3 server at port {self.port} did not start; it said:\n{said}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and remove what it keeps."""
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with self._watchdog.stdin as pipe, suppress(BrokenPipeError):
                pipe.write(b"k")
            with suppress(subprocess.TimeoutExpired):
                self._watchdog.wait(10)
            if self._watchdog.poll() is None:
                os.killpg(self._watchdog.pid, signal.SIGKILL)
                self._watchdog.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
