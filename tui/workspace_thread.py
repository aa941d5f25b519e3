"""A thread with a Workspace of its own, so that nothing the store does can hold up a key press.

Knows how to carry work to the thread and its result back; knows nothing of what the work is.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from syncse_local.api import Workspace
from syncse_local.config import Settings
from syncse_local.errors import SyncseError

Result = TypeVar("Result")
STORE_ERRORS = (SyncseError, sqlite3.Error, OSError)
"""What reading or acting may raise when a disk or a file is at fault and not this program."""


async def on_own_thread(directory: Path, settings: Settings, work: Callable[[Workspace], Result]) -> Result:
    """Run `work` with a workspace of its own on a thread that the program does not wait for when it ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(how: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the program has ended meanwhile
            loop.call_soon_threadsafe(lambda: None if future.done() else how())

    def run() -> None:
        try:
            with Workspace(directory, settings) as workspace:
                result = work(workspace)
        except Exception as error:
            failed = error
            settle(lambda: future.set_exception(failed))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, daemon=True).start()
    return await future


class WorkspaceThread:
    """Calls run one after the other on one thread, which alone touches its database connection."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self.directory, self.settings = directory, settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workspace")
        self._workspace: Workspace | None = None

    async def call(self, work: Callable[[Workspace], Result]) -> Result:
        """Run `work` on the thread with its workspace and return what it returns or raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def use(self, settings: Settings) -> None:
        """Work with these settings from the next call on."""
        self.settings = settings
        if self._workspace is not None:
            self._workspace.settings = settings

    def close(self) -> None:
        """Break off a query that is running and close the workspace; waits for nothing. Runs go on."""
        if self._workspace is not None:
            with suppress(sqlite3.Error):
                self._workspace.connection.interrupt()
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _work(self, work: Callable[[Workspace], Result]) -> Result:
        if self._workspace is None:
            self._workspace = Workspace(self.directory, self.settings)
        return work(self._workspace)

    def _close(self) -> None:
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None
