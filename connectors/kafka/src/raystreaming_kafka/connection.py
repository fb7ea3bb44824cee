"""`KafkaConnection`: the options that reading and writing share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from raystreaming.connector import Options, Secret, Terminal, option
from raystreaming_kafka.clients import Connection

_SETTINGS = {
    "confluent": {
        "protocol": "security.protocol",
        "sasl": "sasl.mechanism",
        "username": "sasl.username",
        "password": "sasl.password",
        "tls_ca": "ssl.ca.location",
        "tls_certificate": "ssl.certificate.location",
        "tls_key": "ssl.key.location",
        "tls_key_password": "ssl.key.password",
    },
    "kafka-python": {
        "protocol": "security_protocol",
        "sasl": "sasl_mechanism",
        "username": "sasl_plain_username",
        "password": "sasl_plain_password",
        "tls_ca": "ssl_cafile",
        "tls_certificate": "ssl_certfile",
        "tls_key": "ssl_keyfile",
        "tls_key_password": "ssl_password",
    },
}
_SERVERS = {"bootstrap.servers", "metadata.broker.list", "bootstrap_servers"}


class KafkaConnection(Options):
    """Where the brokers are, who we are to them, and which library talks to them."""

    servers: str = option(doc="Addresses of brokers, as `host:port`, separated by commas.")
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = option(
        default=None, doc="How `username` and `password` are proved to the brokers; None: not at all."
    )
    username: str | None = option(default=None, doc="The user, with `sasl`.")
    password: str | None = option(
        default=None,
        secret=True,
        doc="The password; `${env:NAME}` or `${file:PATH}` looks it up where the job runs. Never shown.",
    )
    tls: bool = option(default=False, doc="Encrypt the connections and check the brokers' certificates.")
    tls_ca: str | None = option(
        default=None, doc="File of the certificates (PEM) to trust, with `tls`; None: the system's."
    )
    tls_certificate: str | None = option(
        default=None, doc="File of our own certificate (PEM), where the brokers ask for one."
    )
    tls_key: str | None = option(default=None, doc="File of the key (PEM) of `tls_certificate`.")
    tls_key_password: str | None = option(
        default=None, secret=True, doc="What `tls_key` is encrypted with, as for `password`. Never shown."
    )
    client: Literal["confluent", "kafka-python"] = option(
        default="confluent",
        doc="Client library: `confluent` (librdkafka, fast) or `kafka-python` (pure Python).",
    )
    client_options: Mapping[str, Any] = option(
        default_factory=dict[str, Any],
        secret=True,
        doc="Further settings of the client library, by its names, such as `socket.keepalive.enable`. "
        "Never shown.",
    )

    reserved: ClassVar[Mapping[str, Mapping[str, str | None]]] = {}
    """Settings of each library that `client_options` must not have, and what to use instead."""

    def validate(self) -> Iterable[str]:
        """Yield what is wrong."""
        for server in self.servers.split(","):
            host, colon, port = server.strip().rpartition(":")
            if not (host and colon and port.isdigit() and 0 < int(port) < 65536):
                yield f"option 'servers' must be 'host:port' (several separated by commas), got {server!r}"
        yield from self._wrong_security()
        reserved = dict.fromkeys(_SERVERS, "servers") | dict(self.reserved[self.client])
        reserved |= {_SETTINGS[self.client][key]: key for key in self._security() if key != "protocol"}
        if self._security():
            reserved[_SETTINGS[self.client]["protocol"]] = "tls"
        for name, instead in reserved.items():
            if name in self.client_options:
                use = f"use {instead}= for it" if instead else "the job itself decides it"
                yield f"option 'client_options' must not have {name!r}: {use}"

    def _wrong_security(self) -> Iterable[str]:
        if self.sasl is None:
            for name in ("username", "password"):
                if getattr(self, name) is not None:
                    yield f"option {name!r} needs sasl=: 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"
        else:
            for name in ("username", "password"):
                if not getattr(self, name):
                    yield f"sasl={self.sasl!r} needs {name}="
        for name in ("tls_ca", "tls_certificate", "tls_key", "tls_key_password"):
            if getattr(self, name) is not None and not self.tls:
                yield f"option {name!r} needs tls=True"
        if (self.tls_certificate is None) != (self.tls_key is None):
            yield "tls_certificate= and tls_key= go together: the one proves the other"
        if self.tls_key_password is not None and self.tls_key is None:
            yield "option 'tls_key_password' needs tls_key="

    def _security(self) -> dict[str, Any]:
        """Return what was said of security, by our names; empty if nothing was."""
        said = {name: getattr(self, name) for name in _SETTINGS["confluent"] if name != "protocol"}
        found = {name: value for name, value in said.items() if value is not None}
        for name in ("password", "tls_key_password"):
            if name in found:
                found[name] = Secret(found[name])
        if self.tls or found:
            found["protocol"] = ("SASL_" if self.sasl else "") + ("SSL" if self.tls else "PLAINTEXT")
        return found

    def connection(self, **more: Any) -> Connection:
        """Return how the client library is to connect.

        Raises:
            Terminal: A file cannot be read here, in the process that connects.
        """
        for option_name in ("tls_ca", "tls_certificate", "tls_key"):
            path = getattr(self, option_name)
            if path is not None:
                self._look_at(option_name, path)
        names = _SETTINGS[self.client]
        return Connection(
            client=self.client,
            servers=",".join(server.strip() for server in self.servers.split(",")),
            options=self.client_options,
            security={names[name]: value for name, value in self._security().items()},
            user=type(self).__name__,
            **more,
        )

    def _look_at(self, option_name: str, path: str) -> None:
        """Refuse a file that is not there: the libraries say little of it, or nothing."""
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Terminal(
                f"{type(self).__name__}({option_name}={path!r}): the file cannot be read where Kafka is "
                f"connected to: {error.strerror}. Put it there (on Ray, on every node), or correct the path."
            ) from None
