"""What every screen is framed by - header, screens, command line, keys - and how it follows the store.

Knows when to read again and how to act without waiting; knows nothing of what a screen shows.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Input, TextArea

from syncse_local.api import Workspace
from syncse_local.errors import SyncseError
from tui.clipboard import copy
from tui.keys import declared
from tui.screens.error import ErrorScreen
from tui.screens.help import HelpScreen
from tui.session import Session
from tui.snapshot import Snapshot, SnapshotReader
from tui.widgets.command_line import CommandLine
from tui.widgets.header import Header
from tui.widgets.key_bar import KeyBar
from tui.widgets.mode_bar import ModeBar
from tui.work import start
from tui.workspace_thread import STORE_ERRORS, WorkspaceThread

Result = TypeVar("Result")
POLL_SECONDS = 0.1
"""Between two looks at the store's version, which cost microseconds: a change is drawn before a person misses it."""
HEARTBEAT_SECONDS = 1.0
"""Between two readings of a store that has not changed: ages, and runs whose process is gone."""
WIDE = 120
"""Columns from which a list and its details stand side by side."""
TALL = 30
"""Lines from which panels have a whole box around them."""


class Frame(Screen[None]):
    """A screen fills `body`, draws a `Snapshot` in `paint` and says in `arguments` which command does the same.

    `MODE` is its name in `tui.modes`. `FOLLOWS` is the kind of run whose detail it is shown: a kind, "" for any, None
    for no run at all.
    """

    MODE: ClassVar[str] = ""
    FOLLOWS: ClassVar[str | None] = None
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (declared so by Screen)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]  # noqa: RUF012 (declared so by Screen)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self.workspace = session, session.workspace
        self.snapshot: Snapshot | None = None
        self.selected, self.log_wanted = "", False
        self._reader = SnapshotReader()
        self._wake = asyncio.Event()
        self._version, self._changed, self._asked, self._read_error = -1, True, 0.0, ""

    # -- what a screen says of itself --------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """The widgets between the header and the command line."""
        yield from ()

    def paint(self, snapshot: Snapshot) -> None:
        """Draw what was read. Called on every reading: widgets repaint only what differs."""

    def arguments(self) -> Sequence[str]:
        """The arguments of the `syncse` command that does what the screen shows."""
        return ()

    # -- the frame ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, screens, body, command line, keys."""
        yield Header(id="header")
        yield ModeBar(self.MODE, self.app._keymap, id="modes")
        with Container(id="body"):
            yield from self.body()
        yield CommandLine(id="command")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Start following."""
        self.set_interval(POLL_SECONDS, self._poll)
        start(self, self._follow, "follow")
        self.app.theme_changed_signal.subscribe(self, lambda _: self.draw())
        self.draw()

    def on_screen_resume(self) -> None:
        """Read at once when the screen comes back."""
        self.refresh_now()

    def refresh_now(self, relist: bool = False) -> None:
        """Read again now; `relist` also lists the runs anew."""
        if relist:
            self._reader.relist()
        self._changed = True
        self._wake.set()

    def _poll(self) -> None:
        """Wake the reader when the store has changed, and once a second for what changes without it."""
        if self not in self.app.screen_stack:  # another screen is open: this one costs nothing
            return
        try:
            version = self.workspace.data_version()
        except STORE_ERRORS as error:
            self._show_read_error(error)
            return
        if version != self._version:
            self._version = version
            self.refresh_now()
        elif time.monotonic() - self._asked >= HEARTBEAT_SECONDS:
            self._wake.set()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed, self._asked = self._changed, False, time.monotonic()
            read = partial(
                self._reader.read, selected=self.selected, changed=changed, log=self.log_wanted, kind=self.FOLLOWS
            )
            try:
                self.snapshot = await self.session.reads.call(read)
            except STORE_ERRORS as error:
                self._changed = True
                self._show_read_error(error)
            else:
                self._read_error = ""
                self.session.watch(self.snapshot.runs, self.snapshot.titles)
                self.draw()

    def _show_read_error(self, error: Exception) -> None:
        plain = f"Cannot read: {error}"
        self._read_error = f"{error.title}: {error.detail}" if isinstance(error, SyncseError) else plain
        self.draw()

    def draw(self) -> None:
        """Draw what was read last."""
        with suppress(NoMatches):  # on closing, the widgets go before the last reading has come back
            runs = None if self.snapshot is None else self.snapshot.runs
            settings = self.workspace.settings
            self.query_one(Header).show(self.workspace.directory, runs, settings.airgap, self._read_error)
            if self.snapshot is not None:
                self.paint(self.snapshot)
            self.query_one(CommandLine).show(self.arguments(), self.workspace.directory)

    # -- acting ------------------------------------------------------------------------------------------------------

    @property
    def typing(self) -> bool:
        """Whether keys are text now."""
        return isinstance(self.focused, Input | TextArea)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is typed no key of the screen works; what cannot be done now is not shown either."""
        return not self.typing and self.can(action)

    def can(self, action: str) -> bool:
        """Whether this can be done now; a screen says so of its own actions."""
        return True

    def act(
        self,
        work: Callable[[Workspace], Result],
        done: Callable[[Result], None] | None = None,
        thread: WorkspaceThread | None = None,
        group: str = "act",
    ) -> None:
        """Do it on another thread, then `done` with the result here; an error is shown as a dialog."""

        async def go() -> None:
            try:
                result = await (thread or self.session.acts).call(work)
            except STORE_ERRORS as error:
                self.show_error(error)
            else:
                if done is not None:
                    with suppress(NoMatches):
                        done(result)
            self.refresh_now(relist=True)

        start(self, go, group)

    def show_error(self, error: Exception) -> None:
        """Show an error as a dialog."""
        if not isinstance(error, SyncseError):
            what = "The store" if isinstance(error, sqlite3.Error) else "A file"
            hint = "Check the disk, its free space and its permissions; runs go on by themselves."
            error = SyncseError("The workspace could not be used", f"{what} says: {error}.", hint)
        self.app.push_screen(ErrorScreen(error))

    def action_copy(self) -> None:
        """Copy the command line."""
        if command := self.query_one(CommandLine).command:
            copy(self.app, command)

    async def action_help(self) -> None:
        """List the keys."""
        own = [binding for binding in declared(type(self)) if self.can(binding.action.partition("(")[0])]
        await self.app.push_screen(HelpScreen([*own, *declared(type(self.app))], self.app._keymap))
