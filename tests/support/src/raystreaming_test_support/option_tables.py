"""The tables of options that guides have."""

from __future__ import annotations

from raystreaming.connector import Options
from raystreaming.connector.option_table import option_rows

_HEAD = "| option | default | what it is |\n|---|---|---|\n"


def option_table(cls: type[Options], *beside: type[Options]) -> str:
    """Return the options of a class as a Markdown table, without those of other classes."""
    lines: list[str] = []
    for row in option_rows(cls, *beside):
        default = row.default if row.default in ("required", "none") else f"`{row.default}`"
        lines.append(f"| `{row.name}` | {default} | {row.doc} |\n")
    return _HEAD + "".join(lines)


def with_option_tables(guide: str, *tables: tuple[str, str]) -> str:
    """Return a guide whose last part is "Options": tables, each with the line above it."""
    text, _, _ = guide.partition("\n## Options\n")
    return f"{text}\n## Options\n\n" + "\n".join(f"{title}\n\n{table}" for title, table in tables)
