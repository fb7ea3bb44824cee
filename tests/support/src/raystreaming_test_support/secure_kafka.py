"""A Kafka broker that asks who its clients are: by SASL or by a certificate, always with TLS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from raystreaming_test_support.certificates import make_certificates
from raystreaming_test_support.kafka_broker import LocalBroker, free_port

_MODULES = "org.apache.kafka.common.security"
_ITERATIONS = 4096


class SecureBroker(LocalBroker):
    """A broker with three listeners; `servers` asks for nothing, so that tests can prepare topics.

    Attributes:
        sasl_servers: Where clients prove a user by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, over TLS.
        tls_servers: Where clients need a certificate of the authority.
        certificates: Folder with what `make_certificates` writes.
    """

    def __init__(self, certificates: Path, users: Mapping[str, str], key_password: str) -> None:
        """Describe a broker.

        Args:
            certificates: An empty folder.
            users: Passwords by name.
            key_password: What `client.key` is encrypted with.
        """
        super().__init__()
        self._users = users
        self.certificates = certificates
        make_certificates(certificates, key_password)
        sasl = free_port(self.port, self._controller_port)
        tls = free_port(self.port, self._controller_port, sasl)
        self.sasl_servers, self.tls_servers = f"127.0.0.1:{sasl}", f"127.0.0.1:{tls}"
        for_clients = f"PLAINTEXT://{self.servers},SASL_SSL://{self.sasl_servers},SSL://{self.tls_servers}"
        plain = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        scram = f"{_MODULES}.scram.ScramLoginModule required;"
        self._config |= {
            "listeners": f"{for_clients},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": for_clients,
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT"
            ),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f"{_MODULES}.plain.PlainLoginModule required {plain};"
            ),
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(certificates / "server.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(certificates / "ca.pem"),
        }

    def start(self) -> None:
        """Start, and make the users known to SCRAM."""
        super().start()
        admin = AdminClient({"bootstrap.servers": self.servers})
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            info = ScramCredentialInfo(mechanism, _ITERATIONS)
            wanted = [
                UserScramCredentialUpsertion(name, info, password.encode())
                for name, password in self._users.items()
            ]
            for done in admin.alter_user_scram_credentials(wanted).values():
                done.result(60)
