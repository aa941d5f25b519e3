"""Runs as rows of a table: how each stands, what it is about, how far it is, what came out. Knows no screen."""

from collections.abc import Iterable, Mapping

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import age
from tui import describe
from tui.widgets.table import Cell, Column

RUN_COLUMNS = (
    Column("", 1),
    Column("kind", 8, optional=20),
    Column("about", 0),
    Column("done", 4, right=True, optional=16),
    Column("result", 16, optional=14),
    Column("age", 4, right=True),
    Column("run", 12, optional=44),
)
RESULT = 16
"""Characters of a result: its column's width. The details have the whole of it."""

Row = tuple[str, list[Cell]]


def run_rows(runs: Iterable[Run], titles: Mapping[str, str], now: float) -> list[Row]:
    """One row a run for RUN_COLUMNS, with ages as of `now` (seconds since 1970)."""
    return [(run.id, _cells(run, titles.get(run.id, run.name), now)) for run in runs]


def _cells(run: Run, title: str, now: float) -> list[Cell]:
    share = describe.share(run)
    return [
        (describe.GLYPHS.get(run.state, "?"), describe.colour(run)),
        describe.kind(run),
        safe(title),
        "" if share is None or run.state == "done" else f"{share:.0%}",
        describe.outcome(run)[:RESULT],
        age(run.created, now),
        (safe(run.id, 12), "text-muted"),
    ]
