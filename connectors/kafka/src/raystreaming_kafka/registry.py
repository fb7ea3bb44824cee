"""`SchemaRegistry`: where the schemas of Avro and Protobuf messages are kept, and how they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from raystreaming.connector import ConnectorError, Options, Retryable, Secret, Terminal, option
from raystreaming_kafka.secrets import hidden, resolved


class SchemaRegistry(Options):
    """A schema registry with Confluent's protocol (Confluent's own, Karapace, Apicurio, Redpanda's).

    Example:
        >>> from raystreaming_kafka import SchemaRegistry
        >>> SchemaRegistry("http://127.0.0.1:8081", username="shop", password="${env:REGISTRY_PASSWORD}")
        SchemaRegistry(url='http://127.0.0.1:8081', username='shop', tls_ca=None)
    """

    url: str = option(kw_only=False, doc="Its address, such as `https://registry:8081`.")
    username: str | None = option(default=None, doc="The user, where it asks for one.")
    password: str | None = option(
        default=None,
        secret=True,
        doc="The password; `${env:NAME}` or `${file:PATH}` looks it up where the job runs. Never shown.",
    )
    tls_ca: str | None = option(
        default=None, doc="File of the certificates (PEM) to trust with https; None: the system's."
    )

    def validate(self) -> Iterable[str]:
        """Yield what is wrong."""
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            yield "option 'url' must not hold credentials: use username= and password="
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            yield f"option 'url' must be 'http://host:port' or 'https://host:port', got {self.url!r}"
        if (self.username is None) != (self.password is None):
            yield "username= and password= go together"

    def connect(self) -> Any:
        """Return a client of confluent-kafka; it connects when it is asked."""
        from confluent_kafka.schema_registry import SchemaRegistryClient

        settings: dict[str, Any] = {"url": self.url}
        if self.username is not None:
            settings["basic.auth.user.info"] = f"{self.username}:{self._password()}"
        if self.tls_ca is not None:
            settings["ssl.ca.location"] = self.tls_ca
        return SchemaRegistryClient(settings)

    def _password(self) -> str:
        return (
            "" if self.password is None else resolved(Secret(self.password), "SchemaRegistry(password=...)")
        )

    def failure(self, error: Exception, what: str) -> ConnectorError:
        """Return what to raise when asking for something failed."""
        why = hidden(f"{type(error).__name__}: {error}", [self._password()])
        status = getattr(error, "http_status_code", None)
        text = f"Asking the schema registry {self.url} for {what} failed: {why}. "
        if status in (401, 403):
            return Terminal(
                f"{text}Check username= and password= of SchemaRegistry, and what the user may do."
            )
        if status == 404:
            return Terminal(f"{text}Check that it is the registry that the messages were written with.")
        if status is not None and 400 <= status < 500:
            return Terminal(f"{text}Change the schema, or the subject's compatibility.")
        return Retryable(
            f"{text}Check that it runs and that this machine may connect to it, or correct url=."
        )
