"""Shows a result of any length and follows what changes in it: table, details, and where one is.

Knows which question is the current one, and drops the answers to others; what is asked is in `tui.triplet_queries`. Knows no keys.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Static

from syncse_local.api import Outline, Run, TripletQuery
from syncse_local.text.display import safe
from tui import triplet_queries
from tui.screens.frame import Frame
from tui.snapshot import Snapshot
from tui.triplet_queries import CursorPosition, ResultUpdate, TripletDetail
from tui.widgets.command_line import CommandLine
from tui.widgets.section import Section
from tui.widgets.triplet_pane import TripletPane
from tui.widgets.triplet_table import TripletTable
from tui.work import start
from tui.workspace_thread import STORE_ERRORS, on_own_thread

EMPTY = "No triplets yet.\n\nThey stand here while a run writes them. 4 starts one; 1 has the bundled models."
REST_SECONDS = 1.0
"""Between two measurings, at least."""
NEVER = float("inf")
REST = 5
"""Measuring rests for this many times as long as it took."""
STILL_SECONDS = 0.03
"""How long the cursor rests on a triplet before all about it is read: a key that is held down must not wait."""


class TripletFrame(Frame):
    """`asked` is the result shown, None before there is a run; `whole` all about the triplet under the cursor."""

    FOLLOWS: ClassVar[str | None] = None
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 (three texts beside another need more room)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.query_shown: TripletQuery | None = None
        self.triplet: TripletDetail | None = None
        self.last_command: Sequence[str] = ()
        self._mark: tuple[int, ...] = ()
        self._outline: Outline | None = None
        self._backlog, self._due, self._measuring, self._indexing, self._to_end = 0, 0.0, False, False, False

    def body(self) -> ComposeResult:
        """The table with a line above it, and all about one triplet."""
        with Vertical(id="browse", classes="panel") as box:
            box.border_title = "Triplets"
            yield Section(id="where")
            yield TripletTable(id="triplets")
        yield TripletPane(id="triplet", classes="panel details")
        yield Static(EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Nothing to show before the first reading."""
        self._fill(False)

    def _fill(self, filled: bool) -> None:
        self.query_one("#browse").display = self.query_one("#triplet").display = filled
        self.query_one("#empty").display = not filled and self.snapshot is not None

    @property
    def table(self) -> TripletTable:
        """The table."""
        return self.query_one(TripletTable)

    @property
    def runs(self) -> list[Run]:
        """The generate runs, newest first."""
        return [run for run in self.snapshot.runs if run.kind == "generate"] if self.snapshot else []

    def paint(self, snapshot: Snapshot) -> None:
        """Choose a run where none is chosen, and look whether there is anything new."""
        runs = self.runs
        self._fill(bool(runs))
        self.show_position()
        chosen = self.session.chosen.pop("triplets", "")
        if chosen and (self.query_shown is None or chosen != self.query_shown.run_id):
            self.show_result(TripletQuery(chosen))
        elif runs and self.query_shown is None:
            self.show_result(TripletQuery(runs[0].id))
        self.check_for_updates()

    # -- the result --------------------------------------------------------------------------------------------------

    def show_result(self, query: TripletQuery) -> None:
        """Show another result, from its beginning; its first page does not wait for its length."""
        self.query_shown, self.triplet, self._mark, self._outline = query, None, (), None
        self._backlog, self._to_end = 0, False
        self.last_command = ("triplets", query.run_id, *flags(query))
        self.table.clear_result()
        self.query_one(TripletPane).show(None)
        start(self, partial(self._fetch, [0]), "pages", exclusive=True)
        self.check_for_updates(now=True)

    def check_for_updates(self, now: bool = False) -> None:
        """Look for what is new, unless that was done just now."""
        if now:
            self._due = 0.0
        if self.query_shown is not None and not self._measuring and time.monotonic() >= self._due:
            self._measuring = True
            start(self, partial(self._check_for_updates, self.query_shown, self.table.position), "measure")

    async def _check_for_updates(self, query: TripletQuery, position: CursorPosition) -> None:
        began, self._due = time.monotonic(), NEVER
        try:
            found = await self.session.counts.call(
                partial(triplet_queries.result_update, query=query, position=position, known=self._mark)
            )
        except STORE_ERRORS as error:
            self._show_read_error(error)
        else:
            with suppress(NoMatches):
                if found is not None and query is self.query_shown:
                    self._apply_update(found, position)
        self._measuring, now = False, time.monotonic()
        if query is not self.query_shown or self._due != NEVER:  # something else was asked meanwhile
            self.check_for_updates(now=True)
        else:
            self._due = now + max(REST_SECONDS, REST * (now - began))

    def _apply_update(self, found: ResultUpdate, position: CursorPosition) -> None:
        self._mark, self._outline, self._backlog = found.mark, found.outline, found.backlog
        self.table.update_result(found, position)
        if self._to_end:
            self.to_end()
        self.read_detail()
        if found.backlog and not self._indexing:
            self._indexing = True
            start(self, self._index_backlog, "backlog")

    def to_end(self) -> None:
        """To the last row, once it is known how many there are."""
        self._to_end = not self._mark
        if self._mark:
            self.table.move_to(self.table.pages.total - 1)

    async def _index_backlog(self) -> None:
        run_id = self.query_shown.run_id if self.query_shown else ""
        try:
            await on_own_thread(
                self.workspace.directory, self.workspace.settings, partial(triplet_queries.index_backlog, run_id=run_id)
            )
        except STORE_ERRORS as error:
            self.show_error(error)
        else:
            self._indexing = False

    @on(TripletTable.Needed)
    def _needed(self, event: TripletTable.Needed) -> None:
        start(self, partial(self._fetch, event.numbers), "pages", exclusive=True)

    async def _fetch(self, numbers: Sequence[int]) -> None:
        query, mark, known = self.query_shown, self._mark, self._outline
        if query is None:
            return
        for number in numbers:
            try:
                rows = await self.session.reads.call(
                    partial(triplet_queries.page, query=query, number=number, known=known, mark=mark)
                )
            except STORE_ERRORS as error:
                self._show_read_error(error)
                return
            if query is not self.query_shown or (mark and mark != self._mark):
                return
            with suppress(NoMatches):
                self.table.set_page(number, rows)

    # -- the triplet under the cursor --------------------------------------------------------------------------------

    @property
    def ordinal(self) -> int | None:
        """The number of the triplet under the cursor."""
        row = self.table.current
        return None if row is None else int(row["ordinal"])

    @on(TripletTable.Moved)
    def _moved(self) -> None:
        if (
            self.ordinal is not None
            and self.query_shown
            and (self.triplet is None or self.triplet.data["ordinal"] != self.ordinal)
        ):
            if self.triplet is not None:
                self.last_command = ("triplets", self.query_shown.run_id, str(self.ordinal))
            self.read_detail()
        self.show_position()

    def read_detail(self) -> None:
        """Read all about the triplet under the cursor, once the cursor rests."""
        start(self, self._read_detail, "whole", exclusive=True)

    async def _read_detail(self) -> None:
        await asyncio.sleep(STILL_SECONDS)
        query, ordinal = self.query_shown, self.ordinal
        if query is None or ordinal is None:
            return
        with suppress(NoMatches, *STORE_ERRORS):
            found = await self.session.reads.call(
                partial(triplet_queries.triplet_detail, run_id=query.run_id, ordinal=ordinal)
            )
            if query is self.query_shown and ordinal == self.ordinal:
                if self.triplet is None:  # the footer is composed anew each time
                    self.call_next(self.refresh_bindings)
                self.triplet = found
                self.query_one(TripletPane).show(found)

    # -- what is said of it ------------------------------------------------------------------------------------------

    def arguments(self) -> Sequence[str]:
        """The command of what was done last: another result, a step to a triplet, a decision on it."""
        return self.last_command or ("triplets", "RUN")

    def show_position(self) -> None:
        """Say where one is and which command it is; cheap, for it is called at every key."""
        if self.query_shown is not None:
            self.query_one("#where", Section).set_content(self._where(self.query_shown), layout=False)
            self.query_one(CommandLine).show(self.arguments(), self.workspace.directory)

    def _where(self, query: TripletQuery) -> Content:
        total = self.table.pages.total
        row = f"row {self.table.cursor + 1:,} of {total:,}" if total else "nothing yet" if not self._mark else "nothing"
        title = self.snapshot.titles.get(query.run_id, "") if self.snapshot else ""
        parts = [Content(row), *map(Content, described(query))]
        if self._backlog:
            parts.append(Content.styled(f"indexing {self._backlog:,} answers", "$text-warning"))
        parts += [Content.styled(safe(f"{query.run_id}  {title}".rstrip()), "$text-muted")]
        return Content.styled("  ", "$text-muted").join(parts)


def flags(query: TripletQuery) -> list[str]:
    """A query as words of `syncse triplets`."""
    given = [(f"--{name}", getattr(query, name)) for name in ("state", "reason", "prompt", "reviewed", "search")]
    given += [("--sort", query.sort)] if query.sort != "plan" else []
    words = [word for flag, value in given if value for word in _word(flag, value)]
    return [*words, "--falling"] if query.falling else words


def _word(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def described(query: TripletQuery) -> list[str]:
    """A query in a person's words, shown after the place in it."""
    said = [safe(f"{query.state} {query.reason}".strip(), 60)] if query.state or query.reason else []
    said += [f"prompt {safe(query.prompt, 40)}"] if query.prompt else []
    said += [{"yes": "decided by a person", "no": "not decided"}[query.reviewed]] if query.reviewed else []
    said += [f'with "{safe(query.search, 60)}"'] if query.search else []
    if query.sort != "plan":
        said.append(f"by {query.sort.replace('_', ' ')}{', falling' if query.falling else ''}")
    return said or ["all"]
