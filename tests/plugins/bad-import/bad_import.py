"""Raises at import."""

import nosuchclient  # noqa: F401
