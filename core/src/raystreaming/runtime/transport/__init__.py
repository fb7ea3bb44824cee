"""Frames between the workers of a job: one authenticated TCP connection per pair of workers."""

from raystreaming.runtime.transport.tls import Tls, tls_from_environment
from raystreaming.runtime.transport.transport import Address, Transport
from raystreaming.runtime.transport.wire import Arrived

__all__ = ["Address", "Arrived", "Tls", "Transport", "tls_from_environment"]
