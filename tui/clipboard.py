"""Copies text through the terminal (OSC 52), and into a file of the workspace for terminals that do not take it."""

from functools import partial
from typing import Any, cast

from textual.app import App

from syncse_local.api import Workspace
from syncse_local.text.display import safe
from tui.session import HasSession
from tui.work import start
from tui.workspace_thread import STORE_ERRORS

COPIED = "copied.txt"
"""In the workspace: what was copied last."""


def copy(app: App[Any], text: str) -> None:
    """Put the text on the terminal's clipboard and into the file, and say so."""
    app.copy_to_clipboard(text)
    start(app, partial(_keep, app, text), "copy")


async def _keep(app: App[Any], text: str) -> None:
    session = cast(HasSession, app).session
    first = safe(text.partition("\n")[0], 200)
    try:
        await session.acts.call(partial(_write, text=text))
    except STORE_ERRORS as error:
        app.notify(f"{first}\non the clipboard only: {safe(error)}", title="Copied", severity="warning", markup=False)
    else:
        app.notify(f"{first}\nalso in {COPIED} of the workspace", title="Copied", timeout=3, markup=False)


def _write(workspace: Workspace, text: str) -> None:
    (workspace.directory / COPIED).write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
