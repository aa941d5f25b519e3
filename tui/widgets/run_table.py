"""The table of runs. Keeps its cursor on the same run while rows come and change; knows nothing of the store."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.color import Color, ColorParseError
from textual.widgets import DataTable

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import age
from tui import describe

COLUMNS = (("run", 12), ("kind", 8), ("state", 11), ("done", 4), ("result", 16), ("age", 4))
"""Columns with their widths: the longest id, kind, state and result."""
FIXED = sum(width + 2 for _, width in COLUMNS)
LEAST_NAME = 8
"""Columns below which a name is left out: nothing can be told from less."""


class RunTable(DataTable[Text]):
    """One row a run, newest first; a name column where there is room for it."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._runs: Sequence[Run] = ()
        self._now = 0.0
        self._cells: dict[str, list[Text]] = {}
        self._name_width = -1

    @property
    def current(self) -> str:
        """The id of the run under the cursor; empty where there is none."""
        ids = list(self._cells)
        return ids[self.cursor_row] if 0 <= self.cursor_row < len(ids) else ""

    def show(self, runs: Sequence[Run], now: float) -> None:
        """Show these runs with ages as of `now` (seconds since 1970)."""
        self._runs, self._now = runs, now
        self.styles.height = len(runs) + self.header_height  # "auto" is measured before the rows are there
        cells = {run.id: self._row(run, now) for run in runs}
        room = self._room()
        if list(cells) != list(self._cells) or room != self._name_width:
            self._rebuild(cells, room)
        for run_id, row in cells.items():
            for column, (old, new) in enumerate(zip(self._cells[run_id], row, strict=True)):
                if column < len(self.columns) and (old.plain, old.style) != (new.plain, new.style):
                    self.update_cell(run_id, str(column), new)
        self._cells = cells

    def choose(self, run_id: str) -> None:
        """Put the cursor on this run, if it is listed."""
        if run_id in self._cells:
            self.move_cursor(row=list(self._cells).index(run_id), animate=False)

    def on_resize(self, _: events.Resize) -> None:
        """The name column comes and goes with the width."""
        if self._name_width >= 0 and self._room() != self._name_width:
            self.show(self._runs, self._now)

    def _room(self) -> int:
        left = self.scrollable_content_region.width - FIXED - 2
        return left if left >= LEAST_NAME else 0

    def _rebuild(self, cells: dict[str, list[Text]], room: int) -> None:
        kept = self.current
        self._name_width = room
        self.clear(columns=True)
        for number, (label, width) in enumerate(COLUMNS):
            self.add_column(Text(label), width=width, key=str(number))
        if room:
            self.add_column(Text("name"), width=room, key=str(len(COLUMNS)))
        for run_id, row in cells.items():
            self.add_row(*(row if room else row[:-1]), key=run_id)
        self._cells = cells
        self.choose(kept)

    def _row(self, run: Run, now: float) -> list[Text]:
        share = describe.share(run)
        texts = (
            *(safe(run.id, 12), safe(run.kind, 8), describe.state(run), "" if share is None else f"{share:.0%}"),
            *(describe.outcome(run)[:16], age(run.created, now), safe(run.name, 120)),
        )
        cells = [Text(text, no_wrap=True, overflow="ellipsis", end="") for text in texts]
        cells[2].style = self._style(describe.colour(run))
        for column in (3, 5):
            cells[column].justify = "right"
        return cells

    def _style(self, name: str) -> Style:
        try:
            return Style(color=Color.parse(self.app.theme_variables[name]).rich_color)
        except (KeyError, ColorParseError):
            return Style()
