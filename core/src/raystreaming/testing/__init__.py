"""Helpers for tests of jobs and connectors."""
