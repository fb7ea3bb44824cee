"""A schema registry for tests: a real HTTP server with the protocol of Confluent's, its schemas in memory.

It numbers schemas, finds them by number, asks for a password where it has one, and counts the questions.
It checks nothing of a schema.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class LocalSchemaRegistry:
    """A registry on 127.0.0.1, for as long as its context lasts.

    Attributes:
        url: Its address.
        asked: How often each path was asked for.
        subjects: The numbers of the schemas of each subject.
    """

    def __init__(self, username: str | None = None, password: str = "") -> None:
        """Describe a registry; with a name it asks for it."""
        self._schemas: list[tuple[str, str]] = []
        self._authorization = None
        if username is not None:
            token = base64.b64encode(f"{username}:{password}".encode()).decode()
            self._authorization = f"Basic {token}"
        self.asked: Counter[str] = Counter()
        self.subjects: dict[str, list[int]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry")
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LocalSchemaRegistry:
        """Serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(
        self, method: str, path: str, body: dict[str, Any], authorization: str | None
    ) -> tuple[int, Any]:
        """Return status and content of an answer."""
        path = path.partition("?")[0]
        self.asked[path] += 1
        if self._authorization is not None and authorization != self._authorization:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        match method, path.strip("/").split("/"):
            case "GET", ["schemas", "ids", number] if 0 < int(number) <= len(self._schemas):
                kind, text = self._schemas[int(number) - 1]
                return 200, {"schema": text, "schemaType": kind}
            case "POST", ["subjects", subject, "versions"]:
                wanted = (body.get("schemaType", "AVRO"), body["schema"])
                if wanted not in self._schemas:
                    self._schemas.append(wanted)
                number = self._schemas.index(wanted) + 1
                numbers = self.subjects.setdefault(subject, [])
                if number not in numbers:
                    numbers.append(number)
                return 200, {"id": number}
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET")

            def do_POST(self) -> None:
                self._reply("POST")

            def _reply(self, method: str) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                status, content = registry.answer(method, self.path, body, self.headers.get("Authorization"))
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler
