"""What a person may say of how an input file is read; whatever is not said is recognised, or asked. Knows no file."""

from dataclasses import dataclass
from typing import Any

from syncse_local.specs.field import option
from syncse_local.specs.spec import Spec

GROUP = "how the file is read"
QUOTINGS = {
    "double": '"..." around a cell, "" for a quote in it (RFC 4180)',
    "backslash": '"..." around a cell, and a backslash before a quote or separator in it (Spark, MySQL)',
    "single": "'...' around a cell, '' for a quote in it",
    "none": "a quote is a character like any other, and a row is a line",
    "escapes": "a row is a line, with \\t, \\n and \\N for what cannot stand in it (PostgreSQL, mysql)",
}
"""What `--quoting` takes, and how a cell is written then."""
HEADERS = ("yes", "no")
READING = ("column", "positive", "negative", "encoding", "separator", "quoting", "header")
"""The keys of a run's options that say how its file is read."""


@dataclass(frozen=True, kw_only=True)
class Reading(Spec):
    """A run that reads a table."""

    column: str | None = option(
        None, "the column with the sentences or anchors; none: found by its name", metavar="NAME", group=GROUP
    )
    encoding: str | None = option(None, "such as cp1252 or gb18030; none: recognised", metavar="NAME", group=GROUP)
    separator: str | None = option(
        None, "comma, semicolon, tab, pipe, space, a sign, or none: a line is a cell", metavar="SIGN", group=GROUP
    )
    quoting: str | None = option(
        None, "how a cell with a separator in it is written", choices=tuple(QUOTINGS), group=GROUP
    )
    header: str | None = option(None, "whether the first line names the columns", choices=HEADERS, group=GROUP)

    def reading(self) -> dict[str, Any]:
        """What was said of how the file is read, as arguments of `text.ingest.open_input`."""
        said = {name: getattr(self, name, None) for name in READING}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class TripletReading(Reading):
    """A run that reads triplets."""

    positive: str | None = option(None, "the column with the positives", metavar="NAME", group=GROUP)
    negative: str | None = option(None, "the column with the hard negatives", metavar="NAME", group=GROUP)
