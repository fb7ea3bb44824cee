"""Connecting by kafka-python: what goes wrong in it, and that nothing is left of it then."""

from __future__ import annotations

import logging
import ssl
import threading
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

with warnings.catch_warnings():  # it reads its resources in a way that Python 3.11 deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    import kafka.errors
    import kafka.net.transport

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_kafka.clients import Connection
from raystreaming_kafka.clients.kafka_python_log import hide_from_now_on

# It ships no types.
library: Any = kafka
kafka_errors: Any = kafka.errors
_NetClient: Any = library.KafkaConsumer.DEFAULT_CONFIG["kafka_client"]

_BAD_SETTINGS = (OSError, kafka_errors.KafkaConfigurationError, TypeError, ValueError, AssertionError)
_FINAL = (
    kafka_errors.AuthorizationError,
    kafka_errors.SaslAuthenticationFailedError,
    ssl.SSLCertVerificationError,
)
"""After which trying again does not help; the library does so for as long as it may."""

_REFUSALS = (*_FINAL, ssl.SSLError)

_HEARD = 1
"""The level of the logger that we listen to, for lines of any level; nobody else sets this one."""

# It warns of every lost connection; we say it once, when it lasts. A level that somebody has set stays.
if logging.getLogger("kafka").level == logging.NOTSET:
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _keeps_what_came(transport: Any) -> None:
    """Have a transport give what came before the end of its connection: the library drops what comes with it.

    A broker that refuses a password says so and hangs up: on a busy machine both are there at once.
    """
    receive = transport._sock_recv

    def received(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return data, None if data else error  # The end is there to be read again.

    transport._sock_recv = received


for _transport in (library.net.transport.KafkaTCPTransport, library.net.transport.KafkaSSLTransport):
    _keeps_what_came(_transport)


class _Attempt:
    """Connects, and hears why that fails: the library logs it, and says only that it got none.

    Attributes:
        error: What was heard, a refusal in preference to others.
    """

    def __init__(self) -> None:
        self._caller = threading.get_ident()
        self._clients: list[Any] = []
        self.error: Exception | None = None

    def client(self, **config: Any) -> Any:
        """Make the client that a consumer or a producer works with."""
        self._clients.append(_NetClient(**config))
        return self._clients[-1]

    def hear(self, record: logging.LogRecord) -> None:
        """Keep the error of a line; end the attempt where it is final."""
        threads = [client._net._io_thread for client in self._clients]
        if record.thread not in (self._caller, *(thread.ident for thread in threads if thread is not None)):
            return  # somebody else connects, too
        for arg in record.args if isinstance(record.args, tuple) else ():
            if isinstance(arg, Exception) and not isinstance(self.error, _REFUSALS):
                # It wraps errors of TLS.
                self.error = arg.__context__ if isinstance(arg.__context__, ssl.SSLError) else arg
                if isinstance(self.error, _FINAL):
                    for client in self._clients:
                        client._manager.close()

    def close(self) -> None:
        """Close the clients, whose threads and sockets would stay for good: nobody else has them."""
        for client in self._clients:
            client.close()


class _Listener(logging.Filter):
    """Tells the attempts under way what the library logs, and lets those lines pass that were wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts: list[_Attempt] = []
        self._log = logging.getLogger("kafka.net.manager")
        self._log.addFilter(self)
        if self._log.level == logging.NOTSET:
            self._log.setLevel(_HEARD)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether somebody has asked for lines of this level."""
        for attempt in tuple(self.attempts):
            attempt.hear(record)
        above: Any = self._log.parent
        wanted: int = above.getEffectiveLevel() if self._log.level == _HEARD else self._log.level
        return record.levelno >= wanted


_listener = _Listener()


def connected(kind: Any, connection: Connection, settings: Mapping[str, Any]) -> Any:
    """Return a consumer or a producer once it has found the cluster.

    Args:
        kind: The library's class.
        connection: What it is for.
        settings: The library's own.

    Raises:
        Retryable: No broker answers.
        Terminal: A broker refuses us, or the library the settings.
    """
    hide_from_now_on(connection.secrets())
    attempt = _Attempt()
    _listener.attempts.append(attempt)
    try:
        with ExitStack() as stack:
            stack.callback(attempt.close)
            made = kind(**{"kafka_client": attempt.client, **settings})
            stack.pop_all()
            return made
    except _BAD_SETTINGS as error:
        raise _bad_settings(connection, error) from None
    except kafka_errors.KafkaTimeoutError as error:
        raise failure(connection, attempt.error or error, "a connection") from None
    except kafka_errors.KafkaError as error:
        raise failure(connection, error, "a connection") from error
    finally:
        _listener.attempts.remove(attempt)


def failure(connection: Connection, error: Exception, what: str) -> ConnectorError:
    """Return what to raise when brokers were asked for something in vain."""
    servers = connection.servers
    why = connection.hide(f"{type(error).__name__}: {error}")
    if isinstance(error, ssl.SSLError):
        return Terminal(
            f"Asking {servers} for {what} failed: {why}. Check that tls_ca= is the file of the authority "
            "that signed the brokers' certificates, that they name the host in servers=, and where the "
            "brokers ask for ours, tls_certificate=, tls_key= and tls_key_password=."
        )
    if isinstance(error, _REFUSALS):
        return Terminal(
            f"Asking {servers} for {what} was refused: {why}. Check username=, password= and sasl=, and what "
            "the user may do."
        )
    return Retryable(
        f"Asking {servers} for {what} failed: {why}. Check that a broker runs there and that this machine "
        f"may connect to it (`nc -vz {servers.split(',')[0].replace(':', ' ')}`), or correct servers=."
    )


def _bad_settings(connection: Connection, error: Exception) -> Terminal:
    """Return what to raise when kafka-python does not take the settings."""
    if isinstance(error, OSError):  # of files, and TLS among them
        return Terminal(
            f"{connection.user}(tls=True): kafka-python cannot use the files: {connection.hide(str(error))}. "
            "Correct tls_ca=, tls_certificate=, tls_key= or tls_key_password=."
        )
    return Terminal(
        f"{connection.user}(client_options=...): kafka-python refuses the settings: "
        f"{connection.hide(str(error))}. client_options takes kafka-python's names, such as "
        "'security_protocol'; correct or remove that one."
    )
